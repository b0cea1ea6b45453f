-- How many rows a review's tables hold: PostgreSQL empties unlogged tables when it was killed.
-- Identifiers: table, review.
-- Returns: rows in staging, rows of the review.
-- Invariant: reads only.
SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM {review})
