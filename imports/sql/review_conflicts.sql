-- One page of the rows of a review whose product was changed, came or went since.
-- Identifiers: review; moved, a query of lines. Parameters: those of the query; job; classes, those
-- left out whole; low, how many rows come before, and size.
-- Returns: line, kind, the product's id now or else then, sku, the values in the file, at the review
-- (null: it was not there) and now (null: it is not there).
-- Invariant: leaving out comes before a conflict, as in review_verdicts.sql.
WITH page AS (
    SELECT row.line
    FROM ({moved}) AS moved
    JOIN {review} AS row USING (line)
    LEFT JOIN imports_decision AS decision ON decision.job_id = %(job)s AND decision.line = row.line
    WHERE NOT (
        row.kind IN ('new', 'changed') AND NOT coalesce(
            decision.include,
            NOT (
                row.kind = ANY(%(classes)s)
                OR (row.price_moved AND 'price_moved' = ANY(%(classes)s))
                OR (row.emptied AND 'emptied' = ANY(%(classes)s))
                OR (row.deactivates AND 'deactivates' = ANY(%(classes)s))
            )
        )
    )
    ORDER BY row.line
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
