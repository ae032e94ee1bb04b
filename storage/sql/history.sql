-- name: shown_channels
-- Channels for output, retired ones as well. %(park)s, %(enterprise)s, %(meter)s, %(channel)s text or null
SELECT c.channel_id, e.key || '/' || m.key || '/' || c.key AS channel, c.quantity, c.kind, c.role,
       e.enterprise_id, e.key AS enterprise, p.timezone, c.in_service_from,
       coalesce(c.retired_at, m.retired_at) IS NOT NULL AS is_retired
FROM channel c
JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
JOIN park p ON p.park_id = e.park_id
WHERE (%(park)s::text IS NULL OR p.key = %(park)s)
  AND (%(enterprise)s::text IS NULL OR e.key = %(enterprise)s)
  AND (%(meter)s::text IS NULL OR m.key = %(meter)s)
  AND (%(channel)s::text IS NULL OR c.key = %(channel)s)
ORDER BY p.key, e.key, m.key, c.key

-- name: channel_span
-- First whole quarter-hour that readings or intervals reach, and the end of the last one. An amount
-- reaches to the end of its period. %(channel_id)s int
SELECT least(date_bin('15 minutes', r.first_ts + interval '15 minutes' - interval '1 microsecond',
                      timestamptz '2000-01-01 00:00Z'), i.first_at) AS first_at,
       greatest(date_bin('15 minutes', r.last_ts, timestamptz '2000-01-01 00:00Z'),
                i.last_at + interval '15 minutes') AS stop_at
FROM (SELECT (SELECT ts FROM reading WHERE channel_id = %(channel_id)s ORDER BY ts LIMIT 1)
                 AS first_ts,
             (SELECT ts FROM reading WHERE channel_id = %(channel_id)s ORDER BY ts DESC LIMIT 1)
             + (SELECT CASE kind WHEN 'interval' THEN make_interval(secs => period_s)
                    ELSE interval '0' END FROM channel WHERE channel_id = %(channel_id)s)
                 AS last_ts) r,
     (SELECT (SELECT bucket_start FROM interval WHERE channel_id = %(channel_id)s
              ORDER BY bucket_start LIMIT 1) AS first_at,
             (SELECT bucket_start FROM interval WHERE channel_id = %(channel_id)s
              ORDER BY bucket_start DESC LIMIT 1) AS last_at) i

-- name: list_quarters
-- Stored quarter-hours of a channel in [start, stop). %(channel_id)s int, %(start)s, %(stop)s timestamptz
SELECT i.bucket_start, i.value, i.quality, i.method, i.low, i.high, i.last,
       e.who AS edited_by, e.reason AS edit_reason
FROM interval i LEFT JOIN interval_edit e USING (edit_id)
WHERE i.channel_id = %(channel_id)s
  AND i.bucket_start >= %(start)s AND i.bucket_start < %(stop)s
ORDER BY i.bucket_start

-- name: list_quarters_as_of
-- What was known of them at a time: the old value of the first change after it if that value was known
-- by then, else the present value if it was. %(channel_id)s int, %(start)s, %(stop)s, %(as_of)s timestamptz
WITH replaced AS (
    SELECT DISTINCT ON (bucket_start) bucket_start, old_value AS value, old_quality AS quality,
           old_method AS method
    FROM restatement
    WHERE channel_id = %(channel_id)s
      AND bucket_start >= %(start)s AND bucket_start < %(stop)s AND restated_at > %(as_of)s
      AND (old_computed_at IS NULL OR old_computed_at <= %(as_of)s)
    ORDER BY bucket_start, restated_at, restatement_id
), known AS (
    SELECT i.bucket_start, i.value, i.quality, i.method, i.low, i.high, i.last
    FROM interval i
    WHERE i.channel_id = %(channel_id)s
      AND i.bucket_start >= %(start)s AND i.bucket_start < %(stop)s
      AND i.computed_at <= %(as_of)s
      AND NOT EXISTS (SELECT FROM replaced r WHERE r.bucket_start = i.bucket_start)
    UNION ALL
    SELECT bucket_start, value, quality, method, NULL, NULL, NULL
    FROM replaced WHERE value IS NOT NULL
)
SELECT k.*, e.who AS edited_by, e.reason AS edit_reason
FROM known k
LEFT JOIN LATERAL (
    SELECT w.who, w.reason FROM interval_edit w
    WHERE k.quality = 'edited' AND w.channel_id = %(channel_id)s
      AND w.start_at <= k.bucket_start AND w.stop_at > k.bucket_start AND w.made_at <= %(as_of)s
      AND (w.undone_at IS NULL OR w.undone_at > %(as_of)s)
    ORDER BY w.edit_id DESC LIMIT 1) e ON true
ORDER BY k.bucket_start

-- name: list_hours
-- %(channel_id)s int, %(start)s, %(stop)s timestamptz
SELECT hour_start AS period, value, low, high, last, buckets, expected_buckets, estimated_buckets,
       estimated_value, edited_buckets, edited_value
FROM channel_hour
WHERE channel_id = %(channel_id)s AND hour_start >= %(start)s AND hour_start < %(stop)s
ORDER BY hour_start

-- name: list_days
-- %(channel_id)s int, %(start)s, %(stop)s date
SELECT day AS period, value, low, high, last, buckets, expected_buckets, estimated_buckets,
       estimated_value, edited_buckets, edited_value
FROM channel_day
WHERE channel_id = %(channel_id)s AND day >= %(start)s AND day < %(stop)s
ORDER BY day

-- name: list_months
-- %(channel_id)s int, %(start)s, %(stop)s date
SELECT month AS period, value, low, high, last, buckets, expected_buckets, estimated_buckets,
       estimated_value, edited_buckets, edited_value
FROM channel_month
WHERE channel_id = %(channel_id)s AND month >= %(start)s AND month < %(stop)s
ORDER BY month

-- name: list_role_hours
-- %(enterprise_id)s int, %(role)s text, %(start)s, %(stop)s timestamptz
SELECT hour_start AS period, value, channels, buckets, expected_buckets, estimated_value, edited_value
FROM enterprise_hour
WHERE enterprise_id = %(enterprise_id)s AND role = %(role)s
  AND hour_start >= %(start)s AND hour_start < %(stop)s
ORDER BY hour_start

-- name: list_role_days
-- %(enterprise_id)s int, %(role)s text, %(start)s, %(stop)s date
SELECT day AS period, value, channels, buckets, expected_buckets, estimated_value, edited_value
FROM enterprise_day
WHERE enterprise_id = %(enterprise_id)s AND role = %(role)s
  AND day >= %(start)s AND day < %(stop)s
ORDER BY day

-- name: list_role_months
-- %(enterprise_id)s int, %(role)s text, %(start)s, %(stop)s date
SELECT month AS period, value, channels, buckets, expected_buckets, estimated_value, edited_value
FROM enterprise_month
WHERE enterprise_id = %(enterprise_id)s AND role = %(role)s
  AND month >= %(start)s AND month < %(stop)s
ORDER BY month

-- name: restatement_runs
-- What changed, per run, channel and reason; of a gauge the mean, not the sum. %(since)s timestamptz,
-- %(start)s, %(stop)s timestamptz or null, %(channels)s int[]
SELECT r.restated_at, e.key || '/' || m.key || '/' || c.key AS channel, r.reason, c.quantity,
       count(*) AS buckets, min(r.bucket_start) AS first_bucket, max(r.bucket_start) AS last_bucket,
       CASE c.kind WHEN 'gauge' THEN avg(r.old_value ORDER BY r.bucket_start)
           ELSE sum(r.old_value ORDER BY r.bucket_start) END AS old_sum,
       CASE c.kind WHEN 'gauge' THEN avg(r.new_value ORDER BY r.bucket_start)
           ELSE sum(r.new_value ORDER BY r.bucket_start) END AS new_sum
FROM restatement r
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
WHERE r.restated_at >= %(since)s
  AND (%(start)s::timestamptz IS NULL OR r.bucket_start >= %(start)s)
  AND (%(stop)s::timestamptz IS NULL OR r.bucket_start < %(stop)s)
  AND r.channel_id = ANY (%(channels)s)
GROUP BY r.restated_at, e.key, m.key, c.key, c.kind, c.quantity, r.reason
ORDER BY r.restated_at DESC, e.key, m.key, c.key, r.reason

-- name: restated_buckets
-- Every bucket of `restatement_runs`. %(since)s timestamptz, %(start)s, %(stop)s timestamptz or null,
-- %(channels)s int[]
SELECT r.restated_at, e.key || '/' || m.key || '/' || c.key AS channel, r.reason, c.quantity,
       r.bucket_start, r.old_value, r.new_value, r.old_quality, r.new_quality, r.old_method,
       r.new_method, r.old_computed_at
FROM restatement r
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
WHERE r.restated_at >= %(since)s
  AND (%(start)s::timestamptz IS NULL OR r.bucket_start >= %(start)s)
  AND (%(stop)s::timestamptz IS NULL OR r.bucket_start < %(stop)s)
  AND r.channel_id = ANY (%(channels)s)
ORDER BY r.restated_at DESC, e.key, m.key, c.key, r.bucket_start
