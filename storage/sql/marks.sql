-- name: marked_times
-- %(channel_id)s int, %(start)s, %(stop)s timestamptz
SELECT extract(epoch FROM ts)::float8 FROM reading_mark
WHERE channel_id = %(channel_id)s AND ts >= %(start)s AND ts < %(stop)s ORDER BY ts
