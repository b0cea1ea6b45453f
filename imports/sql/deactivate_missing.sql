-- Deactivates the products that a file does not have, and records it.
-- Identifiers: missing. Parameters: change_set.
-- Returns: nothing; the row count is how many were deactivated.
-- Invariant: runs under the writers' lock.
WITH changed AS (
    UPDATE catalog_product AS product
    SET active = false, updated_at = statement_timestamp()
    FROM {missing} AS missing
    WHERE product.id = missing.product_id AND product.active
    RETURNING product.id, product.sku
)
INSERT INTO catalog_productchange (change_set_id, product_id, sku, kind, before)
SELECT %(change_set)s, id, sku, 'u', '{{"active": true}}'::jsonb
FROM changed
