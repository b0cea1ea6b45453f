-- The missing products of a review that were changed or deleted since, as the log tells.
-- Identifiers: missing. Parameters: version, the last change set before the review, and newest, the last
-- product's id by then.
-- Returns: product_id.
-- Invariant: as in review_moved.sql.
WITH since AS MATERIALIZED (
    SELECT product_id FROM catalog_productchange WHERE change_set_id > %(version)s
    UNION
    SELECT id FROM catalog_product WHERE id > %(newest)s
)
SELECT missing.product_id
FROM since
JOIN {missing} AS missing ON missing.product_id = since.product_id
LEFT JOIN catalog_product AS product ON product.id = since.product_id
WHERE product.updated_at IS DISTINCT FROM missing.product_updated_at
