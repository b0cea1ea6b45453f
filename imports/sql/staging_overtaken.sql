-- Whether products that a staging table names were changed since some moment.
-- Identifiers: table, the staging table. Parameters: since.
-- Returns: true or false.
-- Invariant: reads, writes nothing.
SELECT EXISTS (
    SELECT FROM {table} AS staged
    JOIN catalog_product AS product ON lower(product.sku) = staged.key COLLATE "default"
    WHERE product.updated_at > %(since)s
)
