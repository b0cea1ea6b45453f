-- How many rows are staged, superseded by a later line, new and different; how many of those that
-- differ are risky.
-- Identifiers: table, compared. Parameters: price_percent, by more than which a price moves.
-- Returns: staged, duplicates, created, updated, price_moved, emptied, deactivates.
-- Invariant: staged = duplicates + created + updated + unchanged.
SELECT (SELECT count(*) FROM {table}),
       count(*) FILTER (WHERE superseded),
       count(*) FILTER (WHERE id IS NULL AND NOT superseded),
       count(id),
       count(id) FILTER (
           WHERE old_price > 0 AND abs(price - old_price) * 100 > old_price * %(price_percent)s
       ),
       count(id) FILTER (
           WHERE (old_price IS NOT NULL AND price IS NULL) OR (old_description <> '' AND description = '')
       ),
       count(id) FILTER (WHERE old_active AND NOT active)
FROM {compared}
