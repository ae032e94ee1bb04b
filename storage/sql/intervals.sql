-- name: take_stale_ranges
-- Work list, claimed by deleting it in the transaction that writes the result. %(limit)s int
DELETE FROM stale_range WHERE stale_range_id IN (
    SELECT stale_range_id FROM stale_range ORDER BY stale_range_id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
RETURNING channel_id, start_at, stop_at, reason

-- name: create_interval_staging
CREATE TEMP TABLE IF NOT EXISTS interval_staging (
    channel_id integer, bucket_start timestamptz, value double precision, quality text, method text
) ON COMMIT DELETE ROWS

-- name: create_range_staging
CREATE TEMP TABLE IF NOT EXISTS range_staging (
    channel_id integer, low timestamptz, high timestamptz, reason text
) ON COMMIT DELETE ROWS

-- name: copy_intervals
COPY interval_staging (channel_id, bucket_start, value, quality, method) FROM STDIN (FORMAT BINARY)

-- name: copy_ranges
COPY range_staging (channel_id, low, high, reason) FROM STDIN (FORMAT BINARY)

-- name: record_restatements
-- What differs from the intervals stored so far, before they are replaced. %(now)s timestamptz
INSERT INTO restatement (channel_id, bucket_start, old_value, new_value, old_quality, new_quality,
    reason, restated_at)
SELECT i.channel_id, i.bucket_start, i.value, s.value, i.quality, s.quality, r.reason, %(now)s
FROM range_staging r
JOIN interval i ON i.channel_id = r.channel_id
    AND i.bucket_start >= r.low AND i.bucket_start < r.high
LEFT JOIN interval_staging s ON s.channel_id = i.channel_id AND s.bucket_start = i.bucket_start
WHERE (i.value, i.quality) IS DISTINCT FROM (s.value, s.quality)

-- name: delete_vanished
-- Buckets that can no longer be computed (a correction broke the register there).
DELETE FROM interval i USING range_staging r
WHERE i.channel_id = r.channel_id AND i.bucket_start >= r.low AND i.bucket_start < r.high
  AND NOT EXISTS (SELECT FROM interval_staging s
                  WHERE s.channel_id = i.channel_id AND s.bucket_start = i.bucket_start)
RETURNING i.channel_id, i.bucket_start

-- name: upsert_intervals
-- %(now)s timestamptz. Returns the number of rows that are new or changed.
INSERT INTO interval (channel_id, bucket_start, value, quality, method, computed_at)
SELECT channel_id, bucket_start, value, quality, method, %(now)s
FROM interval_staging ORDER BY channel_id, bucket_start
ON CONFLICT (channel_id, bucket_start) DO UPDATE
    SET value = excluded.value, quality = excluded.quality, method = excluded.method,
        computed_at = excluded.computed_at
    WHERE (interval.value, interval.quality, interval.method)
        IS DISTINCT FROM (excluded.value, excluded.quality, excluded.method)

-- name: mark_days_stale
-- Local days touched by the recomputed ranges.
INSERT INTO stale_day (channel_id, day)
SELECT DISTINCT r.channel_id, d::date
FROM range_staging r
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id) JOIN park p USING (park_id)
CROSS JOIN LATERAL generate_series(
    date_trunc('day', r.low AT TIME ZONE p.timezone),
    (r.high - interval '1 microsecond') AT TIME ZONE p.timezone, interval '1 day') AS d
WHERE c.kind <> 'gauge'
ON CONFLICT DO NOTHING

-- name: take_stale_days
-- Days to roll up, claimed by deleting them. %(limit)s int
DELETE FROM stale_day WHERE ctid IN (SELECT ctid FROM stale_day ORDER BY day LIMIT %(limit)s)
RETURNING channel_id, day

-- name: list_intervals
-- Intervals of a time range for output. %(start)s, %(stop)s timestamptz, %(meter)s text or null
SELECT i.bucket_start, e.key || '/' || m.key || '/' || c.key AS channel, i.value,
       c.quantity, i.quality, i.method
FROM interval i
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id) JOIN enterprise e USING (enterprise_id)
WHERE i.bucket_start >= %(start)s AND i.bucket_start < %(stop)s
  AND (%(meter)s::text IS NULL OR m.key = %(meter)s)
ORDER BY e.key, m.key, c.key, i.bucket_start
