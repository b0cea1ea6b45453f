-- The reasons for which a job's rows are still refused, most frequent first.
-- Parameters: job.
-- Returns: code, rows that have it, line and value of the first of them.
-- Invariant: a row with two problems of one code counts once, one that another import has taken not
-- at all; an import that failed or was cancelled takes nothing.
SELECT cause.code, cause.rows, cause.example_line, example.value
FROM (
    SELECT found.code, count(*) AS rows, min(refused.line) AS example_line
    FROM imports_rejectedrow AS refused
    LEFT JOIN imports_importjob AS taker ON taker.id = refused.repaired_by_id
    -- Told apart within each row: counting distinct lines instead would sort all of them.
    CROSS JOIN LATERAL (
        SELECT DISTINCT problem ->> 'code' AS code
        FROM jsonb_array_elements(refused.problems) AS problem
    ) AS found
    WHERE refused.job_id = %(job)s
      AND (taker.id IS NULL OR taker.state IN ('failed', 'cancelled'))
    GROUP BY found.code
) AS cause
CROSS JOIN LATERAL (
    SELECT problem ->> 'value' AS value
    FROM imports_rejectedrow AS first
    CROSS JOIN LATERAL jsonb_array_elements(first.problems) WITH ORDINALITY AS nth (problem, place)
    WHERE first.job_id = %(job)s
      AND first.line = cause.example_line
      AND problem ->> 'code' = cause.code
    ORDER BY place
    LIMIT 1
) AS example
ORDER BY cause.rows DESC, cause.code
