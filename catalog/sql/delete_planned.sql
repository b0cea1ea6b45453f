-- Deletes a chunk of planned products and records them whole.
-- Parameters: change_set; after and upto, the bounds of the chunk.
-- Returns: nothing; the row count is how many were deleted.
-- Invariant: runs under the writers' lock; a price is text, since JSON readers make floats of
-- numbers; DELETE takes row locks only, so readers never wait.
-- Every table is bounded, not the plan alone: PostgreSQL carries equality over a join, but no range,
-- and would read the whole table for each chunk.
WITH gone AS (
    DELETE FROM catalog_product AS product
    USING bulk_plan AS plan
    WHERE plan.kind = 'd'
      AND plan.product_id > %(after)s
      AND plan.product_id <= %(upto)s
      AND product.id = plan.product_id
      AND product.id > %(after)s
      AND product.id <= %(upto)s
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
