-- Mark one delivery of a lane as being sent: one that a person asked for, else the oldest of all
-- that wait, if its time has come.
-- Parameters: endpoint.
-- Returns: its id, or nothing.
-- Invariant: the lane is locked, so nobody else takes any; a delivery that is not due holds back all
-- that came after it.
WITH asked_for AS (
    SELECT id
    FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND urgent AND NOT is_test
      AND state IN ('waiting', 'retrying') AND due_at <= clock_timestamp()
    ORDER BY id
    LIMIT 1
), oldest AS (
    SELECT id
    FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND NOT is_test AND state IN ('waiting', 'retrying')
    ORDER BY id
    LIMIT 1
)
UPDATE webhooks_delivery
SET state = 'sending', attempts = attempts + 1, tries = tries + 1, urgent = false
WHERE id = coalesce((SELECT id FROM asked_for), (SELECT id FROM oldest))
  AND due_at <= clock_timestamp()
RETURNING id
