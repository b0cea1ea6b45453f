-- Mark a lane's next deliveries as being sent: those that a person asked for, then those that have
-- been due the longest.
-- Parameters: endpoint; free, how many at most.
-- Returns: their ids.
-- Invariant: the lane is locked, so nobody else takes any; each part stops reading at its limit.
WITH asked_for AS (
    SELECT id
    FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND urgent AND NOT is_test
      AND state IN ('waiting', 'retrying') AND due_at <= clock_timestamp()
    ORDER BY id
    LIMIT %(free)s
), others AS (
    SELECT id
    FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND NOT urgent AND NOT is_test
      AND state IN ('waiting', 'retrying') AND due_at <= clock_timestamp()
    ORDER BY due_at, id
    LIMIT %(free)s - (SELECT count(*) FROM asked_for)
)
UPDATE webhooks_delivery
SET state = 'sending', attempts = attempts + 1, tries = tries + 1, urgent = false
WHERE id IN (SELECT id FROM asked_for UNION ALL SELECT id FROM others)
RETURNING id
