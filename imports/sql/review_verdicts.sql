-- What becomes of each row of a review by now: as decided, or as the catalog has changed since.
-- Identifiers: review. Parameters: job; classes, those left out whole; moved, false if it is known
-- that no product has changed since, which spares three quarters of the time.
-- Returns: line, key and verdict of each row; verdict is left_out, conflict, create, update,
-- unchanged or skip (passed over by the mode).
-- Invariant: a decision about a row overrules that about its class, and leaving out comes before a
-- conflict. A conflict is a product that has another version than the review saw, or came or went.
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
           WHEN %(moved)s AND (
               product.id IS DISTINCT FROM row.product_id
               OR product.updated_at IS DISTINCT FROM row.product_updated_at
           ) THEN 'conflict'
           WHEN row.kind = 'new' THEN 'create'
           WHEN row.kind = 'changed' THEN 'update'
           WHEN row.kind = 'unchanged' THEN 'unchanged'
           ELSE 'skip'
       END AS verdict
FROM {review} AS row
LEFT JOIN imports_decision AS decision ON decision.job_id = %(job)s AND decision.line = row.line
LEFT JOIN catalog_product AS product
    ON %(moved)s AND lower(product.sku) = row.key COLLATE "default"
