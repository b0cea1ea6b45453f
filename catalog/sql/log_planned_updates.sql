-- Records what a chunk of planned products looked like before: values that will differ only.
-- Parameters: change_set; undoes, the change set whose values come back, or null; target, the values
-- to write as JSON when there is none; after and upto, the bounds of the chunk.
-- Returns: nothing; the row count is how many were recorded.
-- Invariant: runs under the writers' lock, before update_planned; a price is text.
-- Every table is bounded, not the plan alone: PostgreSQL carries equality over a join, but no range,
-- and would read the whole table for each chunk.
INSERT INTO catalog_productchange (change_set_id, product_id, sku, kind, before)
SELECT %(change_set)s,
       product.id,
       product.sku,
       'u',
       (
           '{{' || concat_ws(
               ',',
               CASE WHEN target ->> 'sku' <> product.sku THEN '"sku":' || to_json(product.sku)::text END,
               CASE WHEN target ->> 'name' <> product.name
                    THEN '"name":' || to_json(product.name)::text END,
               CASE WHEN target ->> 'description' <> product.description
                    THEN '"description":' || to_json(product.description)::text END,
               CASE WHEN target ? 'price' AND target ->> 'price' IS DISTINCT FROM product.price::text
                    THEN '"price":' || coalesce('"' || product.price::text || '"', 'null') END,
               CASE WHEN (target -> 'active')::boolean <> product.active
                    THEN '"active":' || product.active::text END
           ) || '}}'
       )::jsonb
FROM bulk_plan AS plan
JOIN catalog_product AS product ON product.id = plan.product_id
LEFT JOIN catalog_productchange AS undone
    ON undone.change_set_id = %(undoes)s
    AND undone.product_id = plan.product_id
    AND undone.product_id > %(after)s
    AND undone.product_id <= %(upto)s
CROSS JOIN LATERAL (SELECT coalesce(undone.before, %(target)s::jsonb) AS target) AS wanted
WHERE plan.kind = 'u'
  AND plan.product_id > %(after)s
  AND plan.product_id <= %(upto)s
  AND product.id > %(after)s
  AND product.id <= %(upto)s
