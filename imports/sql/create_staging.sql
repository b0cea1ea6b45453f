-- An empty staging table for one attempt of one import.
-- Identifiers: table.
-- Returns: nothing.
-- Invariant: NULL in description, price or active means "no such column or an empty cell". The key
-- is the expression of the catalog's unique index, made here while the reader is the slower side,
-- and sorted by bytes, which is a third cheaper; SKUs are folded by this expression and nowhere
-- else: Python folds İ, ß and K differently.
CREATE UNLOGGED TABLE {table} (
    line bigint NOT NULL,
    sku text NOT NULL,
    name text NOT NULL,
    description text,
    price numeric(12, 2),
    active boolean,
    key text COLLATE "C" GENERATED ALWAYS AS (lower(sku)) STORED
)
