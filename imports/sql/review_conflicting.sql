-- What is a conflict of a review, found by looking at every product.
-- Identifiers: verdicts, the query of review_verdicts.sql or review_missing_verdicts.sql; key, line or
-- product_id. Parameters: those of the query.
-- Returns: the key.
-- Invariant: what is left out is no conflict.
SELECT {key} FROM ({verdicts}) AS judged WHERE verdict = 'conflict'
