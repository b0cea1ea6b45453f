-- How many rows of a review whose product has changed since there are, by what is decided about them.
-- Identifiers: review; moved, a query of lines. Parameters: those of the query; job.
-- Returns: kind, price_moved, emptied, deactivates, include (null: not decided by itself), count.
-- Invariant: as in review_classes.sql.
SELECT kind, price_moved, emptied, deactivates, include, count(*)
FROM ({moved}) AS moved
JOIN {review} AS row USING (line)
LEFT JOIN imports_decision AS decision ON decision.job_id = %(job)s AND decision.line = row.line
GROUP BY kind, price_moved, emptied, deactivates, include
