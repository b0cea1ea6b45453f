-- Writes a chunk of planned values.
-- Parameters: undoes, the change set whose values come back, or null; target, the values
-- to write as JSON when there is none; after and upto, the bounds of the chunk.
-- Returns: nothing; the row count is how many were written.
-- Invariant: runs under the writers' lock; columns that `target` does not name stay.
-- Every table is bounded, not the plan alone: PostgreSQL carries equality over a join, but no range,
-- and would read the whole table for each chunk.
UPDATE catalog_product AS product
SET sku = coalesce(target ->> 'sku', product.sku),
    name = coalesce(target ->> 'name', product.name),
    description = coalesce(target ->> 'description', product.description),
    price = CASE WHEN target ? 'price' THEN (target ->> 'price')::numeric ELSE product.price END,
    active = coalesce((target -> 'active')::boolean, product.active),
    updated_at = statement_timestamp()
FROM bulk_plan AS plan
LEFT JOIN catalog_productchange AS undone
    ON undone.change_set_id = %(undoes)s
    AND undone.product_id = plan.product_id
    AND undone.product_id > %(after)s
    AND undone.product_id <= %(upto)s
CROSS JOIN LATERAL (SELECT coalesce(undone.before, %(target)s::jsonb) AS target) AS wanted
WHERE product.id = plan.product_id
  AND plan.kind = 'u'
  AND plan.product_id > %(after)s
  AND plan.product_id <= %(upto)s
  AND product.id > %(after)s
  AND product.id <= %(upto)s
