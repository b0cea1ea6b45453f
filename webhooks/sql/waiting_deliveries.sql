-- Deliveries that have neither arrived nor been given up, by the state of their endpoint.
-- Parameters: none.
-- Returns: the endpoint's state, how many wait, how many of them are due, the age in seconds of the
-- oldest.
-- Invariant: reads what waits, by a partial index of it; of the rest one row for each endpoint.
SELECT endpoint.state,
       sum(pending.waiting)::bigint,
       sum(pending.due)::bigint,
       extract(epoch FROM clock_timestamp() - min(oldest.created_at))::float8
FROM (
    SELECT endpoint_id, min(id) AS oldest_id, count(*) AS waiting,
           count(*) FILTER (WHERE due_at <= statement_timestamp()) AS due
    FROM webhooks_delivery
    WHERE state IN ('waiting', 'sending', 'retrying') AND NOT is_test
    GROUP BY endpoint_id
) AS pending
JOIN webhooks_endpoint AS endpoint ON endpoint.id = pending.endpoint_id
JOIN webhooks_delivery AS oldest ON oldest.id = pending.oldest_id
GROUP BY endpoint.state
