-- One page of the rows of a review whose product was changed, came or went since.
-- Identifiers: review; verdicts, the query of review_verdicts.sql. Parameters: those of the query;
-- low, how many rows come before, and size.
-- Returns: line, kind, the product's id now or else then, sku, the values in the file, at the review
-- (null: it was not there) and now (null: it is not there).
-- Invariant: none but that of the query.
WITH page AS (
    SELECT line
    FROM ({verdicts}) AS judged
    WHERE verdict = 'conflict'
    ORDER BY line
    OFFSET %(low)s LIMIT %(size)s
)
SELECT row.line,
       row.kind,
       coalesce(product.id, row.product_id),
       row.sku,
       row.name,
       row.description,
       row.price,
       row.active,
       row.old_name,
       row.old_description,
       row.old_price,
       row.old_active,
       product.name AS now_name,
       product.description AS now_description,
       product.price AS now_price,
       product.active AS now_active
FROM page
JOIN {review} AS row USING (line)
LEFT JOIN catalog_product AS product ON lower(product.sku) = row.key COLLATE "default"
ORDER BY row.line
