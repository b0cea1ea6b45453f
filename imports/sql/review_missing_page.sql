-- One page of the missing products of a review, in the order in which they came to the catalog.
-- Identifiers: missing; matching, the query of review_missing_matching.sql. Parameters: those of the
-- query; job; classes, those left out whole; low, how many products come before, and size.
-- Returns: product_id, sku, name, active, and whether the product is left as it is.
-- Invariant: as in review_page.sql.
WITH page AS (
    SELECT product_id
    FROM ({matching}) AS matching
    ORDER BY product_id
    OFFSET %(low)s LIMIT %(size)s
)
SELECT page.product_id,
       missing.sku,
       missing.name,
       missing.active,
       NOT coalesce(decision.include, 'missing' <> ALL(%(classes)s)) AS left_out
FROM page
JOIN {missing} AS missing ON missing.product_id = page.product_id
LEFT JOIN imports_decision AS decision
    ON decision.job_id = %(job)s AND decision.product_id = page.product_id
ORDER BY page.product_id
