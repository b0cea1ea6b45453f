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
    SELECT DISTINCT ON (later.product_id, field.key) later.product_id, field.key, field.value
    FROM part
    JOIN catalog_productchange AS later
        ON later.product_id = part.product_id AND later.change_set_id > %(change_set)s
    CROSS JOIN LATERAL jsonb_each(later.before) AS field
    WHERE field.key IN ('sku', 'name', 'description', 'price', 'active')
    ORDER BY later.product_id, field.key, later.change_set_id
), written AS (
    SELECT product_id, jsonb_object_agg(key, value) AS fields
    FROM replaced
    GROUP BY product_id
), judged AS (
    SELECT part.product_id,
           coalesce(product.sku, part.sku) AS sku,
           part.kind,
           CASE
               WHEN part.kind = 'd' AND product.id IS NOT NULL THEN 'same'
               WHEN part.kind = 'c' AND product.id IS NULL THEN 'same'
               WHEN part.kind = 'u' AND product.id IS NULL THEN 'deleted'
               WHEN part.kind = 'u' AND written.fields IS NOT NULL AND present.fields @> part.before
                   THEN 'same'
               WHEN part.kind <> 'd' AND written.fields IS NOT NULL AND EXISTS (
                   SELECT
                   FROM jsonb_each(written.fields) AS field
                   WHERE (part.kind = 'c' OR part.before ? field.key)
                     AND present.fields -> field.key <> field.value
                     AND present.fields -> field.key IS DISTINCT FROM part.before -> field.key
               ) THEN 'edited'
               WHEN other.id IS NOT NULL THEN 'taken'
           END AS reason
    FROM part
    LEFT JOIN catalog_product AS product ON product.id = part.product_id
    LEFT JOIN written ON written.product_id = part.product_id
    LEFT JOIN catalog_product AS other
        ON lower(other.sku) = lower(part.before ->> 'sku') AND other.id <> part.product_id
    LEFT JOIN LATERAL (
        SELECT jsonb_build_object(
            'sku', product.sku,
            'name', product.name,
            'description', product.description,
            'price', product.price::text,
            'active', product.active
        ) AS fields
        WHERE written.fields IS NOT NULL
    ) AS present ON true
)
SELECT product_id,
       CASE WHEN reason IS NULL THEN translate(kind, 'cd', 'dc') END,
       CASE WHEN reason IS NOT NULL THEN sku END,
       reason
FROM judged
