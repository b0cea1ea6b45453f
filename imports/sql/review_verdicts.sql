-- What becomes of each row of a review by now: as decided, or as the catalog has changed since.
-- Identifiers: review. Parameters: job; classes, those left out whole.
-- Returns: line, key and verdict of each row; verdict is left_out, conflict, create, update,
-- unchanged or skip (passed over by the mode).
-- Invariant: a decision about a row overrules that about its class, and leaving out comes before a
-- conflict. A conflict is a product that has another version than the review saw, or came or went.
-- A product that was there is known by its id: a narrow index tells its version, where the way by its
-- SKU goes through whole products.
SELECT row.line,
       row.key,
       CASE
           WHEN row.kind IN ('new', 'changed') AND NOT coalesce(
               decision.include,
               NOT (
                   row.kind = ANY(%(classes)s)
                   OR (row.price_moved AND 'price_moved' = ANY(%(classes)s))
                   OR (row.emptied AND 'emptied' = ANY(%(classes)s))
                   OR (row.deactivates AND 'deactivates' = ANY(%(classes)s))
               )
           ) THEN 'left_out'
           WHEN row.moved THEN 'conflict'
           WHEN row.kind = 'new' THEN 'create'
           WHEN row.kind = 'changed' THEN 'update'
           WHEN row.kind = 'unchanged' THEN 'unchanged'
           ELSE 'skip'
       END AS verdict
FROM (
    SELECT was.line,
           was.key,
           was.kind,
           was.price_moved,
           was.emptied,
           was.deactivates,
           product.updated_at IS DISTINCT FROM was.product_updated_at AS moved
    FROM {review} AS was
    LEFT JOIN catalog_product AS product ON product.id = was.product_id
    WHERE was.product_id IS NOT NULL
    UNION ALL
    SELECT was.line,
           was.key,
           was.kind,
           was.price_moved,
           was.emptied,
           was.deactivates,
           product.id IS NOT NULL AS moved
    FROM {review} AS was
    LEFT JOIN catalog_product AS product ON lower(product.sku) = was.key COLLATE "default"
    WHERE was.product_id IS NULL
) AS row
LEFT JOIN imports_decision AS decision ON decision.job_id = %(job)s AND decision.line = row.line
