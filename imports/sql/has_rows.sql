-- Whether a table of a review still has rows: PostgreSQL empties unlogged tables when it was killed.
-- Identifiers: table.
-- Returns: true or false.
-- Invariant: reads one row, since such a table is emptied whole or not at all.
SELECT EXISTS (SELECT FROM {table})
