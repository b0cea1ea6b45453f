-- The reasons for which a job's rows are still refused, most frequent first.
-- Parameters: job.
-- Returns: code, rows that have it, line and value of the first of them.
-- Invariant: a row with two problems of one code counts once, one that another import has taken not
-- at all; an import that failed or was cancelled takes nothing.
SELECT problem ->> 'code' AS code,
       count(DISTINCT line) AS rows,
       min(line) AS example_line,
       (array_agg(problem ->> 'value' ORDER BY line))[1] AS example_value
FROM imports_rejectedrow AS refused
CROSS JOIN LATERAL jsonb_array_elements(problems) AS problem
LEFT JOIN imports_importjob AS taker ON taker.id = refused.repaired_by_id
WHERE refused.job_id = %(job)s
  AND (taker.id IS NULL OR taker.state IN ('failed', 'cancelled'))
GROUP BY code
ORDER BY rows DESC, code
