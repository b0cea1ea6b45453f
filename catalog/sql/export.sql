-- The chosen products as a CSV that an import takes: its columns, formulas made safe.
-- Identifiers: query, the statement that chooses them, with its own parameters; formula, rules.FORMULA
-- at the start of a text. Parameters: none but those of the query.
-- Returns: the file's lines, the header first; the row count is the number of products.
-- Invariant: what rules.escape_formula does is done here too. The regular expression costs more than
-- all the rest, so it is asked only of a text whose first character lets it match: before 0, or
-- one of = @ ＋ － ＝ ＠. An empty description is an empty cell, since "" would make every block one
-- with quotes, which an import reads more slowly.
COPY (
    SELECT CASE
               WHEN (ascii(sku) < 48 OR ascii(sku) IN (61, 64, 65291, 65293, 65309, 65312))
                   AND sku ~ {formula}
                   THEN '''' || sku
               ELSE sku
           END AS sku,
           CASE
               WHEN (ascii(name) < 48 OR ascii(name) IN (61, 64, 65291, 65293, 65309, 65312))
                   AND name ~ {formula}
                   THEN '''' || name
               ELSE name
           END AS name,
           CASE
               WHEN description = '' THEN NULL
               WHEN (
                       ascii(description) < 48
                       OR ascii(description) IN (61, 64, 65291, 65293, 65309, 65312)
                   )
                   AND description ~ {formula}
                   THEN '''' || description
               ELSE description
           END AS description,
           price,
           CASE WHEN active THEN 'true' ELSE 'false' END AS active
    FROM ({query}) AS product
    ORDER BY id
) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')
