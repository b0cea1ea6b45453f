-- The products that a file does not have.
-- Identifiers: table, missing. Parameters: job and rejected, whose SKUs count as had though their
-- rows were refused; only_active, which leaves out products that are inactive already.
-- Returns: nothing; makes the table `missing`. The row count is how many they are.
-- Invariant: the keys of staging are the expression of the catalog's unique index, so a product is
-- missing exactly if no line would have been merged into it.
CREATE UNLOGGED TABLE {missing} AS
SELECT product.id AS product_id,
       product.sku,
       product.name,
       product.active,
       product.updated_at AS product_updated_at
FROM catalog_product AS product
WHERE (product.active OR NOT %(only_active)s)
  AND NOT EXISTS (
      SELECT FROM {table} AS staged WHERE staged.key = lower(product.sku) COLLATE "C"
  )
  AND NOT EXISTS (
      SELECT
      FROM imports_rejectedrow AS row
      WHERE row.job_id = %(job)s AND row.sku <> '' AND lower(row.sku) = lower(product.sku)
  )
  AND lower(product.sku) <> ALL (SELECT lower(sku) FROM unnest(%(rejected)s::text[]) AS sku)
