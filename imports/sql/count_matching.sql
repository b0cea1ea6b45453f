-- How many rows a query finds.
-- Identifiers: matching, the query. Parameters: those of the query.
-- Returns: the count.
-- Invariant: none but that of the query.
SELECT count(*) FROM ({matching}) AS matching
