-- What would change: every line in staging that is not its SKU's last one, and every last one whose
-- product is new or differs.
-- Identifiers: table, compared. Parameters: clear_description, clear_price, clear_active (an empty
-- cell clears the value, else it keeps it).
-- Returns: nothing; makes the table `compared`.
-- Invariant: a line whose product holds the same values already is not in `compared`, so it is not
-- written either. Names and descriptions that stay are null, which keeps the table small for the
-- statements that read it. UNLOGGED and dropped in the same transaction. The join is by the index's
-- own collation: by "C" a file of ten lines would read the whole catalog.
CREATE UNLOGGED TABLE {compared} AS
WITH lines AS (
    SELECT line, key, sku, name, description, price, active,
           lead(key) OVER (ORDER BY key, line) IS NOT DISTINCT FROM key AS superseded
    FROM {table}
), beside AS (
    SELECT lines.key,
           lines.superseded,
           product.id,
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
        ON lower(product.sku) = lines.key COLLATE "default" AND NOT lines.superseded
)
SELECT CASE WHEN id IS NULL THEN key END AS key,
       superseded,
       id,
       sku,
       CASE WHEN id IS NULL OR name <> old_name THEN name END AS name,
       CASE WHEN id IS NULL OR description <> old_description THEN description END AS description,
       price,
       active,
       CASE WHEN name <> old_name THEN old_name END AS old_name,
       CASE WHEN description <> old_description THEN old_description END AS old_description,
       old_price,
       old_active
FROM beside
WHERE superseded
   OR id IS NULL
   OR (name, description, price, active)
      IS DISTINCT FROM (old_name, old_description, old_price, old_active)
