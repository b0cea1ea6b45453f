-- Takes clean rows, one a line of the file.
-- Identifiers: table.
-- Returns: nothing.
-- Invariant: rows come from our own check, never a user's bytes as CSV (a line that holds only \.
-- would end the data without an error).
COPY {table} (line, sku, name, description, price, active) FROM STDIN
