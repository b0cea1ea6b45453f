-- Keeps the verdicts of a review that stop a row from being merged.
-- Identifiers: judged, the table to make; verdicts, the query of review_verdicts.sql. Parameters:
-- those of the query; stopping, the verdicts that count.
-- Returns: nothing; makes the table `judged`.
-- Invariant: runs under the writers' lock, so no verdict is out of date when the merge writes.
CREATE UNLOGGED TABLE {judged} AS
SELECT key, verdict FROM ({verdicts}) AS row WHERE verdict = ANY(%(stopping)s)
