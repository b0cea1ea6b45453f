-- Brings a chunk of deleted products back, with their old ids, and records it.
-- Parameters: change_set; undoes, the change set that deleted them; after and upto, the bounds of the
-- chunk.
-- Returns: nothing; the row count is how many came back.
-- Invariant: runs under the writers' lock; ids below the sequence's own, so none is given twice.
-- Every table is bounded, not the plan alone: PostgreSQL carries equality over a join, but no range,
-- and would read the whole table for each chunk.
WITH back AS (
    INSERT INTO catalog_product (id, sku, name, description, price, active, created_at, updated_at)
    SELECT plan.product_id,
           was.sku,
           was.name,
           was.description,
           was.price,
           was.active,
           coalesce(was.created_at, statement_timestamp()),
           statement_timestamp()
    FROM bulk_plan AS plan
    JOIN catalog_productchange AS undone
        ON undone.change_set_id = %(undoes)s
        AND undone.product_id = plan.product_id
        AND undone.product_id > %(after)s
        AND undone.product_id <= %(upto)s
    CROSS JOIN LATERAL jsonb_to_record(undone.before) AS was(
        sku text, name text, description text, price numeric, active boolean, created_at timestamptz
    )
    WHERE plan.kind = 'c'
      AND plan.product_id > %(after)s
      AND plan.product_id <= %(upto)s
    RETURNING id, sku
)
INSERT INTO catalog_productchange (change_set_id, product_id, sku, kind, before)
SELECT %(change_set)s, id, sku, 'c', NULL
FROM back
