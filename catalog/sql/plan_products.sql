-- Puts the products of a query into a plan.
-- Identifiers: selection, a query of product id and kind. Parameters: the query's own.
-- Returns: nothing; the row count is how many were planned.
-- Invariant: the selection is compiled by Django's ORM, its values are bound.
INSERT INTO bulk_plan (product_id, kind)
{selection}
