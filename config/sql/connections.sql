-- Connections of clients to this database, by what they do.
-- Parameters: none.
-- Returns: a state of pg_stat_activity and how many are in it.
-- Invariant: reads the server's memory only; of other roles' connections it may not see the state.
SELECT coalesce(state, 'unknown'), count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
GROUP BY 1
