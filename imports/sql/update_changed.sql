-- Writes the products that differ.
-- Identifiers: compared. Parameters: counter.
-- Returns: nothing; the row count is how many were written.
-- Invariant: the SKU's stored spelling stays; the counter moves once a row.
UPDATE catalog_product AS product
SET name = coalesce(changed.name, product.name),
    description = coalesce(changed.description, product.description),
    price = changed.price,
    active = changed.active,
    updated_at = statement_timestamp()
FROM (
    SELECT id, name, description, price, active, nextval(%(counter)s::regclass) AS tick
    FROM {compared}
    WHERE id IS NOT NULL
) AS changed
WHERE product.id = changed.id
