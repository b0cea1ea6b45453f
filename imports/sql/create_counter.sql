-- A sequence that counts the rows a merge has handled: it can be read from another connection while
-- the one statement runs, which a row count cannot.
-- Identifiers: counter; table, which takes the counter with it when it is dropped.
-- Returns: nothing.
-- Invariant: never logged, so that counting writes no WAL.
CREATE UNLOGGED SEQUENCE {counter} OWNED BY {table}.line
