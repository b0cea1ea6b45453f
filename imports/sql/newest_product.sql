-- The last id that a product was given, whether or not it is there.
-- Parameters: none.
-- Returns: it, null before the first.
-- Invariant: ids are taken from this sequence alone; an undo gives back those that it had given.
SELECT pg_sequence_last_value(pg_get_serial_sequence('catalog_product', 'id')::regclass)
