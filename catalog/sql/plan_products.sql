-- Puts the products of a query into a plan.
-- Identifiers: selection, a query of product id, SKU, kind and target. Parameters: the query's own.
-- Returns: nothing; the row count is how many were planned.
-- Invariant: the selection is compiled by Django's ORM, its values are bound.
INSERT INTO bulk_plan (product_id, sku, kind, target)
{selection}
