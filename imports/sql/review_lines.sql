-- The rows of a review that have been found already.
-- Identifiers: review. Parameters: lines.
-- Returns: line, and risky, whether there is any risk in the row.
-- Invariant: as in review_matching.sql.
SELECT line,
       risky
FROM {review}
WHERE line = ANY(%(lines)s)
