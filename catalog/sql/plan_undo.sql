-- What an undo of one change set writes, and what it leaves alone.
-- Parameters: change_set; first_id and last_id of the products that it created, or nulls.
-- Returns: nothing; fills bulk_plan. The row count is how many products are still known.
-- Invariant: the value counts, not the log. A product was edited since only if a column holds
-- neither what the change set wrote (the first later replaced value, else the present one) nor what
-- stood there before. It is restored whole or left alone whole.
INSERT INTO bulk_plan (product_id, kind, sku, reason)
WITH part AS (
    SELECT product_id, sku, kind, before
    FROM catalog_productchange
    WHERE change_set_id = %(change_set)s
    UNION ALL
    SELECT id, sku, 'c', NULL
    FROM catalog_product
    WHERE id BETWEEN %(first_id)s AND %(last_id)s
), replaced AS (
    SELECT DISTINCT ON (change.product_id, field.key) change.product_id, field.key, field.value
    FROM part
    JOIN catalog_productchange AS change
        ON change.product_id = part.product_id AND change.change_set_id > %(change_set)s
    CROSS JOIN LATERAL jsonb_each(change.before) AS field
    WHERE field.key IN ('sku', 'name', 'description', 'price', 'active')
    ORDER BY change.product_id, field.key, change.change_set_id
), later AS (
    SELECT replaced.product_id,
           jsonb_object_agg(replaced.key, replaced.value) AS written,
           jsonb_build_object(
               'sku', product.sku,
               'name', product.name,
               'description', product.description,
               'price', product.price::text,
               'active', product.active
           ) AS present
    FROM replaced
    JOIN catalog_product AS product ON product.id = replaced.product_id
    GROUP BY replaced.product_id, product.id
), judged AS (
    SELECT part.product_id,
           coalesce(product.sku, part.sku) AS sku,
           part.kind,
           CASE
               WHEN part.kind = 'd' AND product.id IS NOT NULL THEN 'same'
               WHEN part.kind = 'c' AND product.id IS NULL THEN 'same'
               WHEN part.kind = 'u' AND product.id IS NULL THEN 'deleted'
               WHEN part.kind = 'u' AND later.present @> part.before THEN 'same'
               WHEN later.product_id IS NOT NULL AND EXISTS (
                   SELECT
                   FROM jsonb_each(later.written) AS field
                   WHERE (part.kind = 'c' OR part.before ? field.key)
                     AND later.present -> field.key <> field.value
                     AND later.present -> field.key IS DISTINCT FROM part.before -> field.key
               ) THEN 'edited'
               WHEN other.id IS NOT NULL THEN 'taken'
           END AS reason
    FROM part
    LEFT JOIN catalog_product AS product ON product.id = part.product_id
    LEFT JOIN later ON later.product_id = part.product_id
    LEFT JOIN catalog_product AS other
        ON lower(other.sku) = lower(part.before ->> 'sku') AND other.id <> part.product_id
)
SELECT product_id,
       CASE WHEN reason IS NULL THEN translate(kind, 'cd', 'dc') END,
       CASE WHEN reason IS NOT NULL THEN sku END,
       reason
FROM judged
