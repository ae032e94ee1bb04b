-- name: find_import
-- %(sha256)s bytea, %(mapping_sha256)s bytea
SELECT rows_done, counters, started_at, updated_at, finished_at FROM import_progress
WHERE sha256 = %(sha256)s AND mapping_sha256 = %(mapping_sha256)s

-- name: begin_import
-- Starts over what is there already. %(sha256)s, %(mapping_sha256)s bytea, %(file_name)s text, %(now)s timestamptz
INSERT INTO import_progress (sha256, mapping_sha256, file_name, rows_done, counters, started_at,
    updated_at)
VALUES (%(sha256)s, %(mapping_sha256)s, %(file_name)s, 0, '{}', %(now)s, %(now)s)
ON CONFLICT (sha256, mapping_sha256) DO UPDATE
    SET file_name = excluded.file_name, rows_done = 0, counters = '{}',
        started_at = excluded.started_at, updated_at = excluded.updated_at, finished_at = NULL

-- name: save_import
-- %(rows_done)s bigint, %(counters)s jsonb, %(finished_at)s timestamptz or null
UPDATE import_progress
SET rows_done = %(rows_done)s, counters = %(counters)s, updated_at = %(now)s,
    finished_at = %(finished_at)s
WHERE sha256 = %(sha256)s AND mapping_sha256 = %(mapping_sha256)s
