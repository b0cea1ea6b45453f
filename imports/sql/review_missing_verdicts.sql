-- What becomes of each missing product of a review by now.
-- Identifiers: missing. Parameters: job; classes, those left out whole.
-- Returns: product_id and verdict of each; verdict is left_out, conflict or go.
-- Invariant: as in review_verdicts.sql; a product that is gone already is a conflict too.
SELECT missing.product_id,
       CASE
           WHEN NOT coalesce(decision.include, 'missing' <> ALL(%(classes)s)) THEN 'left_out'
           WHEN product.updated_at IS DISTINCT FROM missing.product_updated_at
               THEN 'conflict'
           ELSE 'go'
       END AS verdict
FROM {missing} AS missing
LEFT JOIN imports_decision AS decision
    ON decision.job_id = %(job)s AND decision.product_id = missing.product_id
LEFT JOIN catalog_product AS product ON product.id = missing.product_id
