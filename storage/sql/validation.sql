-- name: take_checks
-- Claims finished local days whose values changed, by deleting them; the rest stays.
-- %(channels)s int[], %(stops)s date[] first unfinished day, %(limit)s int
DELETE FROM stale_check WHERE ctid IN (
    SELECT s.ctid
    FROM unnest(%(channels)s::int[], %(stops)s::date[]) AS e (channel_id, stop)
    JOIN stale_check s USING (channel_id)
    WHERE s.day < e.stop
    ORDER BY s.channel_id, s.day LIMIT %(limit)s
    FOR UPDATE OF s)
RETURNING channel_id, day

-- name: last_values
-- Start of the last quarter-hour in [low, high) that has a value. %(channels)s int[], %(low)s,
-- %(high)s timestamptz
SELECT w.channel_id, i.bucket_start
FROM unnest(%(channels)s::int[]) AS w (channel_id)
CROSS JOIN LATERAL (
    SELECT bucket_start FROM interval
    WHERE channel_id = w.channel_id AND bucket_start >= %(low)s AND bucket_start < %(high)s
    ORDER BY bucket_start DESC LIMIT 1) AS i

-- name: checked_until
-- First local day that was not yet looked at, per channel.
SELECT channel_id, checked_until FROM channel_check

-- name: set_checked_until
-- %(channels)s int[], %(days)s date[]
INSERT INTO channel_check (channel_id, checked_until)
SELECT * FROM unnest(%(channels)s::int[], %(days)s::date[])
ON CONFLICT (channel_id) DO UPDATE SET checked_until = excluded.checked_until

-- name: window_intervals
-- Values of channels in [low, high) as texts of bytes, big endian: start [us since 2000] and value;
-- second letter of the quality; lowest and highest of gauges. A row by row answer costs ten times
-- more. %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
SELECT w.n, a.bytes, a.quality, a.extremes
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    WITH ORDINALITY AS w (channel_id, low, high, n)
CROSS JOIN LATERAL (
    SELECT string_agg(timestamptz_send(i.bucket_start) || float8send(i.value), ''::bytea) AS bytes,
           string_agg(substr(i.quality, 2, 1), '') AS quality,
           string_agg(float8send(i.low) || float8send(i.high), ''::bytea) AS extremes
    FROM (SELECT bucket_start, value, quality, low, high FROM interval
          WHERE channel_id = w.channel_id AND bucket_start >= w.low AND bucket_start < w.high
          ORDER BY bucket_start) AS i) AS a
WHERE a.bytes IS NOT NULL

-- name: window_readings
-- Readings of channels in [low, high] and the next ones on both sides: time and arrival [us since
-- 2000], raw value as first received. %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
SELECT w.n, a.bytes
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    WITH ORDINALITY AS w (channel_id, low, high, n)
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT ts FROM reading WHERE channel_id = w.channel_id AND ts <= w.low
                     ORDER BY ts DESC LIMIT 1), w.low) AS first,
           coalesce((SELECT ts FROM reading WHERE channel_id = w.channel_id AND ts >= w.high
                     ORDER BY ts LIMIT 1), w.high) AS last) AS e
CROSS JOIN LATERAL (
    SELECT string_agg(timestamptz_send(r.ts) || timestamptz_send(r.received_at) || float8send(r.value),
                      ''::bytea) AS bytes
    FROM (SELECT ts, received_at, value FROM reading
          WHERE channel_id = w.channel_id AND ts BETWEEN e.first AND e.last ORDER BY ts) AS r) AS a
WHERE a.bytes IS NOT NULL

-- name: window_corrections
-- The newest correction of each reading in [low, high] and a day around.
-- %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
SELECT DISTINCT ON (w.n, v.ts) w.n, extract(epoch FROM v.ts)::float8 AS at_s, v.value
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    WITH ORDINALITY AS w (channel_id, low, high, n)
JOIN reading_revision v ON v.channel_id = w.channel_id AND v.kind = 'correction'
    AND v.ts BETWEEN w.low - interval '1 day' AND w.high + interval '1 day'
ORDER BY w.n, v.ts, v.revision_id DESC

-- name: window_edges
-- Last value before each window and first one after it. %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
SELECT (SELECT max(bucket_start) FROM interval WHERE channel_id = w.channel_id AND bucket_start < w.low),
       (SELECT min(bucket_start) FROM interval WHERE channel_id = w.channel_id AND bucket_start >= w.high)
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    WITH ORDINALITY AS w (channel_id, low, high, n)
ORDER BY w.n

-- name: window_findings
-- Findings that stand and touch a window. %(codes)s text[], %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
SELECT w.n, f.code, extract(epoch FROM f.period_start)::int8, extract(epoch FROM f.period_stop)::int8
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    WITH ORDINALITY AS w (channel_id, low, high, n)
JOIN finding f ON f.channel_id = w.channel_id AND f.period_start < w.high AND f.period_stop >= w.low
WHERE f.code = ANY (%(codes)s) AND f.withdrawn_at IS NULL
ORDER BY w.n, f.period_start

-- name: window_days
-- Daily amounts of channels in [first, stop), and whether they are complete.
-- %(channels)s int[], %(lows)s, %(highs)s date[]
SELECT w.n, d.day, d.value, d.buckets = d.expected_buckets AS complete
FROM unnest(%(channels)s::int[], %(lows)s::date[], %(highs)s::date[])
    WITH ORDINALITY AS w (channel_id, low, high, n)
JOIN channel_day d ON d.channel_id = w.channel_id AND d.day >= w.low AND d.day < w.high
ORDER BY w.n, d.day
