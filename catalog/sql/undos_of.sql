-- All undos of some change sets, the undos of those undos, and so on.
-- Parameters: change_sets, a list of ids.
-- Returns: id of each undo and of the change set that it undoes.
-- Invariant: an undo is younger than what it undoes, so the chains end.
WITH RECURSIVE undo AS (
    SELECT id, undoes_id
    FROM catalog_changeset
    WHERE undoes_id = ANY(%(change_sets)s)
    UNION
    SELECT further.id, further.undoes_id
    FROM undo
    JOIN catalog_changeset AS further ON further.undoes_id = undo.id
)
SELECT id, undoes_id
FROM undo
