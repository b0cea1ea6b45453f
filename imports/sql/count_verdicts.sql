-- How many rows of a review have which verdict.
-- Identifiers: verdicts, a query with a column `verdict`.
-- Returns: verdict, count.
-- Invariant: none but that of the query.
SELECT verdict, count(*) FROM ({verdicts}) AS judged GROUP BY verdict
