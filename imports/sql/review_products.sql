-- The missing products of a review that have been found already.
-- Identifiers: missing. Parameters: products.
-- Returns: product_id.
-- Invariant: none.
SELECT product_id FROM {missing} WHERE product_id = ANY(%(products)s)
