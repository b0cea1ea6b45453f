-- One page of the missing products of a review that were changed or deleted since.
-- Identifiers: missing; moved, a query of products. Parameters: those of the query; job; classes, those
-- left out whole; version, the last change set before the review; low, how many products come before,
-- and size.
-- Returns: product_id, sku, name and active at the review; the values that were replaced since, by
-- field (null: the log has none); name, description, price and active now (null: it is not there).
-- Invariant: as in review_conflicts.sql. Of several values of a field the oldest is taken: that of the
-- review.
WITH page AS (
    SELECT moved.product_id
    FROM ({moved}) AS moved
    LEFT JOIN imports_decision AS decision
        ON decision.job_id = %(job)s AND decision.product_id = moved.product_id
    WHERE coalesce(decision.include, 'missing' <> ALL(%(classes)s))
    ORDER BY moved.product_id
    OFFSET %(low)s LIMIT %(size)s
)
SELECT product_id,
       missing.sku,
       missing.name,
       missing.active,
       (
           SELECT jsonb_object_agg(field.key, field.value ORDER BY change.change_set_id DESC)
           FROM catalog_productchange AS change
           CROSS JOIN LATERAL jsonb_each(change.before) AS field
           WHERE change.product_id = page.product_id AND change.change_set_id > %(version)s
       ) AS replaced,
       product.name AS now_name,
       product.description AS now_description,
       product.price AS now_price,
       product.active AS now_active
FROM page
JOIN {missing} AS missing USING (product_id)
LEFT JOIN catalog_product AS product ON product.id = product_id
ORDER BY product_id
