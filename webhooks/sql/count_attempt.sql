-- Count one attempt in the hour in which it began.
-- Parameters: endpoint; at, when it began; arrived and failed, 0 or 1; latencies, an array of
-- counts by class of latency.
-- Returns: nothing.
-- Invariant: one row for an endpoint and hour; attempts are only ever added.
INSERT INTO webhooks_endpointhour AS known (endpoint_id, hour, arrived, failed, latencies)
VALUES (
    %(endpoint)s, date_trunc('hour', %(at)s::timestamptz, 'UTC'),
    %(arrived)s, %(failed)s, %(latencies)s::integer[]
)
ON CONFLICT (endpoint_id, hour) DO UPDATE
SET arrived = known.arrived + excluded.arrived,
    failed = known.failed + excluded.failed,
    latencies = ARRAY(
        SELECT old + new
        FROM unnest(known.latencies, excluded.latencies) WITH ORDINALITY AS pairs (old, new, place)
        ORDER BY place
    )
