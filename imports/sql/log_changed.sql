-- Records what the products that differ looked like before: replaced values only.
-- Identifiers: compared. Parameters: change_set.
-- Returns: nothing; the row count is how many were recorded.
-- Invariant: runs under the writers' lock, in the transaction of update_changed; a price is text,
-- since JSON readers make floats of numbers; null stays null. Built as text, which is cheaper than
-- joining jsonb objects.
INSERT INTO catalog_productchange (change_set_id, product_id, sku, kind, before)
SELECT %(change_set)s,
       id,
       sku,
       'u',
       (
           '{{' || concat_ws(
               ',',
               CASE WHEN old_name IS NOT NULL THEN '"name":' || to_json(old_name)::text END,
               CASE WHEN old_description IS NOT NULL
                    THEN '"description":' || to_json(old_description)::text END,
               CASE WHEN price IS DISTINCT FROM old_price
                    THEN '"price":' || coalesce('"' || old_price::text || '"', 'null') END,
               CASE WHEN active <> old_active THEN '"active":' || old_active::text END
           ) || '}}'
       )::jsonb
FROM {compared}
WHERE id IS NOT NULL
