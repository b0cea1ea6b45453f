-- The reasons for which a job's rows were refused, most frequent first.
-- Parameters: job.
-- Returns: code, rows that have it, line and value of the first of them.
-- Invariant: a row with two problems of one code counts once.
SELECT problem ->> 'code' AS code,
       count(DISTINCT line) AS rows,
       min(line) AS example_line,
       (array_agg(problem ->> 'value' ORDER BY line))[1] AS example_value
FROM imports_rejectedrow, jsonb_array_elements(problems) AS problem
WHERE job_id = %(job)s
GROUP BY code
ORDER BY rows DESC, code
