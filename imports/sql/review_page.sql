-- One page of the rows of a review, risky ones first if that is asked for, then in the file's order.
-- Identifiers: review; matching, the query of review_matching.sql. Parameters: those of the query;
-- job; classes, those left out whole; risks_first; low, how many rows come before, and size.
-- Returns: line, kind, product_id, sku, the values before and after, the risks, and whether the row is left
-- out.
-- Invariant: lines are found first, so that what is sorted and passed over is narrow. A decision about
-- a row overrules that about its class, as in review_verdicts.sql.
WITH page AS (
    SELECT line, risky AND %(risks_first)s AS first
    FROM ({matching}) AS matching
    ORDER BY first DESC, line
    OFFSET %(low)s LIMIT %(size)s
)
SELECT row.line,
       row.kind,
       row.product_id,
       row.sku,
       row.name,
       row.description,
       row.price,
       row.active,
       row.old_name,
       row.old_description,
       row.old_price,
       row.old_active,
       row.price_moved,
       row.emptied,
       row.deactivates,
       row.kind IN ('new', 'changed') AND NOT coalesce(
           decision.include,
           NOT (
               row.kind = ANY(%(classes)s)
               OR (row.price_moved AND 'price_moved' = ANY(%(classes)s))
               OR (row.emptied AND 'emptied' = ANY(%(classes)s))
               OR (row.deactivates AND 'deactivates' = ANY(%(classes)s))
           )
       ) AS left_out
FROM page
JOIN {review} AS row USING (line)
LEFT JOIN imports_decision AS decision ON decision.job_id = %(job)s AND decision.line = row.line
ORDER BY page.first DESC, page.line
