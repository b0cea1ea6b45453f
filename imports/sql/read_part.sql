-- One part of a stored file.
-- Parameters: the file's id, the part's number from 0 on (positional).
-- Returns: the bytes and their SHA-256; no row behind the last part.
-- Invariant: parts are written once and never changed.
SELECT data, sha256
FROM imports_filepart
WHERE file_id = %s AND number = %s
