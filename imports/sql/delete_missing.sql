-- Deletes the products that a file does not have, and records them whole.
-- Identifiers: missing. Parameters: change_set.
-- Returns: nothing; the row count is how many were deleted.
-- Invariant: runs under the writers' lock; a price is text, since JSON readers make floats of
-- numbers; DELETE takes row locks only, so readers never wait.
WITH gone AS (
    DELETE FROM catalog_product AS product
    USING {missing} AS missing
    WHERE product.id = missing.product_id
    RETURNING product.*
)
INSERT INTO catalog_productchange (change_set_id, product_id, sku, kind, before)
SELECT %(change_set)s,
       id,
       sku,
       'd',
       jsonb_build_object(
           'sku', sku,
           'name', name,
           'description', description,
           'price', price::text,
           'active', active,
           'created_at', created_at,
           'updated_at', updated_at
       )
FROM gone
