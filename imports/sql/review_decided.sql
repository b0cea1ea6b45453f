-- How many rows of a review were decided one by one, as review_classes.sql counts them all.
-- Identifiers: review. Parameters: job.
-- Returns: kind, price_moved, emptied, deactivates, include, count.
-- Invariant: of kinds that can be left out.
SELECT kind, price_moved, emptied, deactivates, include, count(*)
FROM imports_decision AS decision
JOIN {review} AS row ON row.line = decision.line
WHERE decision.job_id = %(job)s AND kind IN ('new', 'changed')
GROUP BY kind, price_moved, emptied, deactivates, include
