-- How far a running merge is, asked from another connection.
-- Identifiers: counter.
-- Returns: rows that the counter has counted; the last product id given out.
-- Invariant: reads two sequences, which no transaction hides.
SELECT (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {counter}),
       (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM catalog_product_id_seq)
