-- How many rows of a review there are of each kind with each of the risks.
-- Identifiers: review.
-- Returns: kind, price_moved, emptied, deactivates, count.
-- Invariant: what is decided about classes is decided by these columns alone.
SELECT kind, price_moved, emptied, deactivates, count(*)
FROM {review}
GROUP BY kind, price_moved, emptied, deactivates
