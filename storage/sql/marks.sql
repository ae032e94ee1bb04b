-- name: save_marks
-- Marks of values, and what that makes stale, in pieces of at most a day. Returns the number of new
-- marks. %(channels)s int[], %(times)s timestamptz[], %(values)s float8[]
WITH fresh AS (
    INSERT INTO reading_mark (channel_id, ts, value, mark)
    SELECT DISTINCT g.channel_id, g.ts, g.value, 'estimated'
    FROM unnest(%(channels)s::int[], %(times)s::timestamptz[], %(values)s::float8[])
        AS g (channel_id, ts, value)
    ORDER BY g.channel_id, g.ts, g.value
    ON CONFLICT DO NOTHING
    RETURNING channel_id, ts
), stale AS (
    INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
    SELECT channel_id, min(ts), max(ts), 'mark' FROM fresh
    GROUP BY channel_id, date_bin('1 day', ts, timestamptz '2000-01-01 00:00+00')
)
SELECT count(*) FROM fresh

-- name: marked_times
-- Times of the readings of a channel in [start, stop) whose value in force (the newest correction
-- counts) its source calls estimated.
-- %(channel_id)s int, %(start)s timestamptz, %(stop)s timestamptz
SELECT date_part('epoch', m.ts) AS at_s
FROM reading_mark m JOIN reading r USING (channel_id, ts)
WHERE m.channel_id = %(channel_id)s AND m.ts >= %(start)s AND m.ts < %(stop)s
  AND m.value = coalesce((SELECT v.value FROM reading_revision v
                          WHERE v.channel_id = m.channel_id AND v.ts = m.ts
                            AND v.kind = 'correction'
                          ORDER BY v.revision_id DESC LIMIT 1), r.value)
ORDER BY m.ts
