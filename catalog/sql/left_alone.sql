-- Some of the products that a plan leaves alone.
-- Parameters: limit.
-- Returns: product id, SKU, reason; by id.
-- Invariant: products that are as wanted already are not among them.
SELECT product_id, sku, reason
FROM bulk_plan
WHERE reason <> 'same'
ORDER BY product_id
LIMIT %(limit)s
