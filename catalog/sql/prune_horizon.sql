-- The newest change set whose values are to go.
-- Parameters: before, a point in time; rows, how many product changes are kept at most.
-- Returns: its id, or null when all may stay.
-- Invariant: change sets are pruned from the oldest on without a gap: an undo needs the values of
-- all that came later. A creation is no row but in an undo. What a change set is published from
-- is its own values and later ones, so that none goes from the oldest unpublished one on.
SELECT max(id)
FROM (
    SELECT id,
           created_at,
           sum(updated + deleted + CASE WHEN source = 'undo' THEN created ELSE 0 END)
               OVER (ORDER BY id DESC) AS kept
    FROM catalog_changeset
    WHERE pruned_at IS NULL
) AS remembered
WHERE (created_at < %(before)s OR kept > %(rows)s)
  AND NOT EXISTS (
      SELECT
      FROM catalog_changeset AS unpublished
      WHERE unpublished.published_at IS NULL AND unpublished.id <= remembered.id
  )
