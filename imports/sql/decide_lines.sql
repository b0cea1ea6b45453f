-- Keeps what somebody decided about rows of a review; the newest decision about a row stands.
-- Identifiers: review. Parameters: job; lines; include.
-- Returns: nothing; the row count is how many of the lines the review has.
-- Invariant: lines that the review does not have leave nothing behind.
INSERT INTO imports_decision (job_id, line, include)
SELECT %(job)s, line, %(include)s
FROM {review}
WHERE line = ANY(%(lines)s)
ON CONFLICT (job_id, line) DO UPDATE SET include = excluded.include
