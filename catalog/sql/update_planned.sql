-- Writes a chunk of planned values.
-- Parameters: after and upto, the bounds of the chunk.
-- Returns: nothing; the row count is how many were written.
-- Invariant: runs under the writers' lock; columns that `target` does not name stay.
UPDATE catalog_product AS product
SET sku = coalesce(target ->> 'sku', product.sku),
    name = coalesce(target ->> 'name', product.name),
    description = coalesce(target ->> 'description', product.description),
    price = CASE WHEN target ? 'price' THEN (target ->> 'price')::numeric ELSE product.price END,
    active = coalesce((target -> 'active')::boolean, product.active),
    updated_at = statement_timestamp()
FROM bulk_plan
WHERE product.id = bulk_plan.product_id
  AND bulk_plan.kind = 'u'
  AND bulk_plan.product_id > %(after)s
  AND bulk_plan.product_id <= %(upto)s
