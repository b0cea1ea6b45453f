-- How many products a plan creates, updates, deletes and leaves alone.
-- Identifiers: none. Parameters: none.
-- Returns: created, updated, deleted, already as wanted, left alone.
-- Invariant: they add up to the rows of the plan.
SELECT count(*) FILTER (WHERE kind = 'c'),
       count(*) FILTER (WHERE kind = 'u'),
       count(*) FILTER (WHERE kind = 'd'),
       count(*) FILTER (WHERE reason = 'same'),
       count(*) FILTER (WHERE reason <> 'same')
FROM bulk_plan
