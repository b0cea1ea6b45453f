-- What a merge would do with each line that counts, for people to look at.
-- Identifiers: table, review. Parameters: clear_description, clear_price, clear_active (an empty
-- cell clears the value, else it keeps it); creates, updates (what the mode allows); price_percent,
-- by more than which a price moves.
-- Returns: nothing; makes the table `review`.
-- Invariant: values are judged as in compare.sql, which a test holds side by side.
-- `product_updated_at` is the product's version, by which a change after the review is seen.
CREATE UNLOGGED TABLE {review} AS
WITH lines AS (
    SELECT line, key, sku, name, description, price, active,
           lead(key) OVER (ORDER BY key, line) IS NOT DISTINCT FROM key AS superseded
    FROM {table}
), beside AS (
    SELECT lines.line,
           lines.key,
           product.id AS product_id,
           product.updated_at AS product_updated_at,
           coalesce(product.sku, lines.sku) AS sku,
           lines.name,
           coalesce(
               lines.description, CASE WHEN NOT %(clear_description)s THEN product.description END, ''
           ) AS description,
           coalesce(lines.price, CASE WHEN NOT %(clear_price)s THEN product.price END) AS price,
           coalesce(
               lines.active, CASE WHEN NOT %(clear_active)s THEN product.active END, true
           ) AS active,
           product.name AS old_name,
           product.description AS old_description,
           product.price AS old_price,
           product.active AS old_active
    FROM lines
    LEFT JOIN catalog_product AS product
        ON lower(product.sku) = lines.key COLLATE "default"
    WHERE NOT lines.superseded
), judged AS (
    SELECT *,
           CASE
               WHEN product_id IS NULL THEN CASE WHEN %(creates)s THEN 'new' ELSE 'skipped' END
               WHEN (name, description, price, active)
                   IS NOT DISTINCT FROM (old_name, old_description, old_price, old_active)
                   THEN 'unchanged'
               WHEN %(updates)s THEN 'changed'
               ELSE 'skipped'
           END AS kind
    FROM beside
), risks AS (
    SELECT *,
           kind = 'changed' AND coalesce(
               old_price > 0 AND abs(price - old_price) * 100 > old_price * %(price_percent)s, false
           ) AS price_moved,
           kind = 'changed' AND (
               (old_price IS NOT NULL AND price IS NULL)
               OR (old_description <> '' AND description = '')
           ) AS emptied,
           kind = 'changed' AND old_active AND NOT active AS deactivates
    FROM judged
)
SELECT line,
       key,
       product_id,
       product_updated_at,
       kind,
       sku,
       name,
       description,
       price,
       active,
       old_name,
       old_description,
       old_price,
       old_active,
       price_moved,
       emptied,
       deactivates,
       price_moved OR emptied OR deactivates AS risky
FROM risks
