-- The last product of the next chunk of a plan, so that an operation moves in steps.
-- Parameters: kind; after, the last product of the chunk before; size.
-- Returns: the last product id and the number of products; null and 0 behind the end.
-- Invariant: reads the plan's key in its order.
SELECT max(product_id), count(*)
FROM (
    SELECT product_id
    FROM bulk_plan
    WHERE kind = %(kind)s AND product_id > %(after)s
    ORDER BY product_id
    LIMIT %(size)s
) AS chunk
