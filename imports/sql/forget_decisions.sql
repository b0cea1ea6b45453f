-- Forgets the decisions about single rows of a class, about which is decided as a whole now.
-- Identifiers: review. Parameters: job; class: new, changed, price_moved, emptied or deactivates.
-- Returns: nothing.
-- Invariant: decisions about rows of other classes stay.
DELETE FROM imports_decision AS decision
USING {review} AS row
WHERE decision.job_id = %(job)s
  AND decision.line = row.line
  AND CASE %(class)s
      WHEN 'price_moved' THEN row.price_moved
      WHEN 'emptied' THEN row.emptied
      WHEN 'deactivates' THEN row.deactivates
      ELSE row.kind = %(class)s
  END
