-- Deletes some of the product changes that are no longer kept.
-- Parameters: horizon, the newest change set whose values go; size, rows at most.
-- Returns: nothing; the row count is how many went.
-- Invariant: oldest first, by the primary key; the change sets were marked as pruned before.
DELETE FROM catalog_productchange
WHERE (change_set_id, product_id) IN (
    SELECT change_set_id, product_id
    FROM catalog_productchange
    WHERE change_set_id <= %(horizon)s
    ORDER BY change_set_id, product_id
    LIMIT %(size)s
)
