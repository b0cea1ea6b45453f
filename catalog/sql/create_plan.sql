-- An empty plan of what an operation does to which product.
-- Identifiers: none. Parameters: none.
-- Returns: nothing; makes the table bulk_plan, which goes with the transaction.
-- Invariant: one row a product. `kind` is u, d or c as in the log, with the values to write in
-- `target`; a row without a kind is left alone for a `reason`.
CREATE TEMPORARY TABLE bulk_plan (
    product_id bigint PRIMARY KEY,
    sku text NOT NULL,
    kind text,
    target jsonb,
    reason text
) ON COMMIT DROP
