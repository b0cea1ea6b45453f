-- How many rows are staged, superseded by a later line, new and different.
-- Identifiers: table, compared.
-- Returns: staged, duplicates, created, updated.
-- Invariant: staged = duplicates + created + updated + unchanged.
SELECT (SELECT count(*) FROM {table}),
       count(*) FILTER (WHERE superseded),
       count(*) FILTER (WHERE id IS NULL AND NOT superseded),
       count(id)
FROM {compared}
