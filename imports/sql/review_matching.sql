-- The rows of a review that somebody asks for.
-- Identifiers: review. Parameters: kind; pattern, an ILIKE pattern for SKU or name or null for all;
-- is_ascii, whether it is; is_wide, whether only a text that is not ASCII can have it; field, one that
-- has to change, and risk, one that has to be there, or "".
-- Returns: line, and risky, whether there is any risk in the row.
-- Invariant: a SKU or name is compared byte by byte when the pattern is ASCII, which takes half the
-- time and finds the same; that a text is ASCII costs less to see than to compare the
-- two in any case. Its order is that of the index on kind, risky and line.
SELECT line,
       risky
FROM {review}
WHERE kind = %(kind)s
  AND CASE
          WHEN %(pattern)s::text IS NULL THEN true
          WHEN %(is_ascii)s
              THEN sku COLLATE "C" ILIKE %(pattern)s OR name COLLATE "C" ILIKE %(pattern)s
          WHEN %(is_wide)s
              THEN (octet_length(sku) > length(sku) AND sku ILIKE %(pattern)s)
              OR (octet_length(name) > length(name) AND name ILIKE %(pattern)s)
          ELSE sku ILIKE %(pattern)s OR name ILIKE %(pattern)s
      END
  AND CASE %(field)s
          WHEN 'name' THEN name IS DISTINCT FROM old_name
          WHEN 'description' THEN description IS DISTINCT FROM old_description
          WHEN 'price' THEN price IS DISTINCT FROM old_price
          WHEN 'active' THEN active IS DISTINCT FROM old_active
          ELSE true
      END
  AND (%(risk)s = '' OR risky)
  AND CASE %(risk)s
          WHEN 'price_moved' THEN price_moved
          WHEN 'emptied' THEN emptied
          WHEN 'deactivates' THEN deactivates
          ELSE true
      END
