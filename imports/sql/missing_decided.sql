-- The missing products that a review leaves to be deactivated or deleted.
-- Identifiers: decided, the table to make; verdicts, the query of review_missing_verdicts.sql.
-- Parameters: those of the query; going, the verdicts that count.
-- Returns: nothing; makes the table `decided`. The row count is how many they are.
-- Invariant: a product that came after the review is not among them: nobody has seen it.
CREATE UNLOGGED TABLE {decided} AS
SELECT product_id FROM ({verdicts}) AS row WHERE verdict = ANY(%(going)s)
