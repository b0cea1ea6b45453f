-- The first rows that a query finds, in no order.
-- Identifiers: matching, the query. Parameters: those of the query; most, how many are told.
-- Returns: line.
-- Invariant: none but that of the query.
SELECT line FROM ({matching}) AS matching LIMIT %(most)s
