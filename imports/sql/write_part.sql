-- One part of a stored file, in place of the one that was there.
-- Parameters: file; number, from 0 on; data; sha256 of the data.
-- Returns: nothing.
-- Invariant: a part is replaced only while its file is not complete.
INSERT INTO imports_filepart (file_id, number, data, sha256)
VALUES (%(file)s, %(number)s, %(data)b, %(sha256)b)
ON CONFLICT (file_id, number) DO UPDATE SET data = excluded.data, sha256 = excluded.sha256
