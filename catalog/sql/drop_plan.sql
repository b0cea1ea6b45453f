-- Makes room for a plan when its transaction had one before.
-- Identifiers: none. Parameters: none.
-- Returns: nothing.
-- Invariant: never touches a table that is not this session's own.
DROP TABLE IF EXISTS pg_temp.bulk_plan
