-- The rows of a review that somebody asks for.
-- Identifiers: review. Parameters: kind; pattern, an ILIKE pattern for SKU or name or null for all;
-- is_ascii, whether it is; field, one that has to change, and risk, one that has to be there, or "".
-- Returns: line, and risky, whether there is any risk in the row.
-- Invariant: a SKU or name is compared byte by byte when the pattern is ASCII, which takes half the
-- time and finds the same.
SELECT line,
       price_moved OR emptied OR deactivates AS risky
FROM {review}
WHERE kind = %(kind)s
  AND CASE
          WHEN %(pattern)s::text IS NULL THEN true
          WHEN %(is_ascii)s
              THEN sku COLLATE "C" ILIKE %(pattern)s OR name COLLATE "C" ILIKE %(pattern)s
          ELSE sku ILIKE %(pattern)s OR name ILIKE %(pattern)s
      END
  AND CASE %(field)s
          WHEN 'name' THEN name <> old_name
          WHEN 'description' THEN description <> old_description
          WHEN 'price' THEN price IS DISTINCT FROM old_price
          WHEN 'active' THEN active <> old_active
          ELSE true
      END
  AND CASE %(risk)s
          WHEN 'price_moved' THEN price_moved
          WHEN 'emptied' THEN emptied
          WHEN 'deactivates' THEN deactivates
          ELSE true
      END
