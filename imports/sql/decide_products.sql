-- Keeps what somebody decided about missing products of a review; the newest decision stands.
-- Identifiers: missing. Parameters: job; products; include.
-- Returns: nothing; the row count is how many of the products are missing.
-- Invariant: products that are not missing leave nothing behind.
INSERT INTO imports_decision (job_id, product_id, include)
SELECT %(job)s, product_id, %(include)s
FROM {missing}
WHERE product_id = ANY(%(products)s)
ON CONFLICT (job_id, product_id) DO UPDATE SET include = excluded.include
