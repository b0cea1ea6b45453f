-- How many verdicts are conflicts.
-- Identifiers: verdicts, a query with a column `verdict`. Parameters: those of the query.
-- Returns: the count.
-- Invariant: none but that of the query.
SELECT count(*) FROM ({verdicts}) AS judged WHERE verdict = 'conflict'
