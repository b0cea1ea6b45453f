-- One page of the missing products of a review that were changed or deleted since.
-- Identifiers: missing; verdicts, the query of review_missing_verdicts.sql. Parameters: those of the
-- query; low, how many products come before, and size.
-- Returns: product_id, sku, name and active at the review; name, description, price and active now
-- (null: it is not there).
-- Invariant: none but that of the query.
WITH page AS (
    SELECT product_id
    FROM ({verdicts}) AS judged
    WHERE verdict = 'conflict'
    ORDER BY product_id
    OFFSET %(low)s LIMIT %(size)s
)
SELECT product_id,
       missing.sku,
       missing.name,
       missing.active,
       product.name AS now_name,
       product.description AS now_description,
       product.price AS now_price,
       product.active AS now_active
FROM page
JOIN {missing} AS missing USING (product_id)
LEFT JOIN catalog_product AS product ON product.id = product_id
ORDER BY product_id
