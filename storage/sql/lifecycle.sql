-- name: horizon
SELECT at FROM horizon WHERE name = 'reading'

-- name: move_horizon
-- Never backward. %(at)s timestamptz
INSERT INTO horizon (name, at) VALUES ('reading', %(at)s)
ON CONFLICT (name) DO UPDATE SET at = greatest(horizon.at, excluded.at)

-- name: work_before
-- %(at)s timestamptz
SELECT count(*) FROM stale_range s JOIN channel c USING (channel_id)
WHERE c.retired_at IS NULL AND s.start_at < %(at)s

-- name: all_channels
-- Retired ones as well.
SELECT channel_id FROM channel ORDER BY channel_id

-- name: remove_readings
-- %(channel_id)s int, %(before)s timestamptz
DELETE FROM reading WHERE channel_id = %(channel_id)s AND ts < %(before)s

-- name: remove_revisions
-- %(before)s timestamptz
DELETE FROM reading_revision WHERE ts < %(before)s

-- name: remove_marks
-- %(before)s timestamptz
DELETE FROM reading_mark WHERE ts < %(before)s
