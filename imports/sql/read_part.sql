-- A slice of one part of a stored file.
-- Parameters: file; number, from 0 on; start, from 1 on, and length of the slice in bytes.
-- Returns: the bytes, the part's size and its SHA-256; no row behind the last part.
-- Invariant: parts of a complete file never change.
SELECT substring(data FROM %(start)s::int FOR %(length)s::int), octet_length(data), sha256
FROM imports_filepart
WHERE file_id = %(file)s AND number = %(number)s
