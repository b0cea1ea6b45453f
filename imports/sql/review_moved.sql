-- The rows of a review whose product was changed, came or went since, as the log tells.
-- Identifiers: review. Parameters: version, the last change set before the review, and newest, the last
-- product's id by then.
-- Returns: line.
-- Invariant: no change set was under way when those two were read (`settled_version`), and none after
-- them has lost its log. What only came is in no log, but has a higher id.
WITH since AS MATERIALIZED (
    SELECT product_id FROM catalog_productchange WHERE change_set_id > %(version)s
    UNION
    SELECT id FROM catalog_product WHERE id > %(newest)s
)
SELECT was.line
FROM since
JOIN {review} AS was ON was.product_id = since.product_id
LEFT JOIN catalog_product AS product ON product.id = since.product_id
WHERE product.updated_at IS DISTINCT FROM was.product_updated_at
UNION ALL
SELECT was.line
FROM since
JOIN catalog_product AS product ON product.id = since.product_id
JOIN {review} AS was ON was.key = lower(product.sku) COLLATE "C"
WHERE was.product_id IS NULL
