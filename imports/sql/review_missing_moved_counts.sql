-- How many missing products of a review that have changed since there are, by what is decided.
-- Identifiers: moved, a query of products. Parameters: those of the query; job.
-- Returns: include (null: not decided by itself), count.
-- Invariant: none but that of the query.
SELECT include, count(*)
FROM ({moved}) AS moved
LEFT JOIN imports_decision AS decision
    ON decision.job_id = %(job)s AND decision.product_id = moved.product_id
GROUP BY include
