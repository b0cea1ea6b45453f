-- The missing products of a review that somebody asks for.
-- Identifiers: missing. Parameters: pattern, an ILIKE pattern for SKU or name or null for all;
-- is_ascii and is_wide, as in review_matching.sql.
-- Returns: product_id.
-- Invariant: as in review_matching.sql.
SELECT product_id
FROM {missing}
WHERE CASE
          WHEN %(pattern)s::text IS NULL THEN true
          WHEN %(is_ascii)s
              THEN sku COLLATE "C" ILIKE %(pattern)s OR name COLLATE "C" ILIKE %(pattern)s
          WHEN %(is_wide)s
              THEN (octet_length(sku) > length(sku) AND sku ILIKE %(pattern)s)
              OR (octet_length(name) > length(name) AND name ILIKE %(pattern)s)
          ELSE sku ILIKE %(pattern)s OR name ILIKE %(pattern)s
      END
