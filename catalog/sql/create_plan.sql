-- An empty plan of what an operation does to which product.
-- Identifiers: none. Parameters: none.
-- Returns: nothing; makes the table bulk_plan, which goes with the transaction.
-- Invariant: one row a product. `kind` is u, d or c as in the log; a row without a kind is left
-- alone for a `reason`, and only such a row has its SKU. The values to write stand elsewhere: copied
-- into the plan they took a third of an undo's time.
CREATE TEMPORARY TABLE bulk_plan (
    product_id bigint PRIMARY KEY,
    kind text,
    sku text,
    reason text
) ON COMMIT DROP
