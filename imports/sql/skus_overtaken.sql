-- How many of some products were changed since a moment.
-- Parameters: skus, in any spelling; since.
-- Returns: the count.
-- Invariant: reads, writes nothing.
SELECT count(*)
FROM catalog_product
WHERE lower(sku) IN (SELECT lower(given) FROM unnest(%(skus)s::text[]) AS given)
  AND updated_at > %(since)s
