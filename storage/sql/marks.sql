-- name: save_marks
-- Marks of readings whose value in force (the newest correction counts) is the marked one, and
-- what that makes stale, in pieces of at most a day. Returns the number of new marks.
-- %(channels)s int[], %(times)s timestamptz[], %(values)s float8[]
WITH given AS (
    SELECT DISTINCT g.channel_id, g.ts
    FROM unnest(%(channels)s::int[], %(times)s::timestamptz[], %(values)s::float8[])
        AS g (channel_id, ts, value)
    JOIN reading r USING (channel_id, ts)
    WHERE g.value = coalesce((SELECT v.value FROM reading_revision v
                              WHERE v.channel_id = r.channel_id AND v.ts = r.ts
                                AND v.kind = 'correction'
                              ORDER BY v.revision_id DESC LIMIT 1), r.value)
), fresh AS (
    INSERT INTO reading_mark (channel_id, ts, mark)
    SELECT channel_id, ts, 'estimated' FROM given ORDER BY channel_id, ts
    ON CONFLICT DO NOTHING
    RETURNING channel_id, ts
), stale AS (
    INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
    SELECT channel_id, min(ts), max(ts), 'mark' FROM fresh
    GROUP BY channel_id, date_bin('1 day', ts, timestamptz '2000-01-01 00:00+00')
)
SELECT count(*) FROM fresh

-- name: marked_times
-- Times of the readings of a channel in [start, stop) that their source calls estimated.
-- %(channel_id)s int, %(start)s timestamptz, %(stop)s timestamptz
SELECT extract(epoch FROM ts)::float8 AS at_s
FROM reading_mark
WHERE channel_id = %(channel_id)s AND ts >= %(start)s AND ts < %(stop)s
ORDER BY ts
