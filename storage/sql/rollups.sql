-- name: create_day_staging
-- Local days to roll up; item numbers them in order of channel and day.
CREATE TEMP TABLE IF NOT EXISTS day_staging (item integer, channel_id integer, day date,
    start_at timestamptz, stop_at timestamptz, is_gauge boolean) ON COMMIT DELETE ROWS

-- name: create_day_calendar
-- All days of the months of the staged days. even_hours: hours are cut every 60 minutes from start_at
-- on; else the clocks change by less.
CREATE TEMP TABLE IF NOT EXISTS day_calendar (park_id smallint, day date, start_at timestamptz,
    stop_at timestamptz, buckets smallint, even_hours boolean) ON COMMIT DELETE ROWS

-- name: create_hour_made
CREATE TEMP TABLE IF NOT EXISTS hour_made (LIKE channel_hour) ON COMMIT DELETE ROWS

-- name: create_day_made
CREATE TEMP TABLE IF NOT EXISTS day_made (LIKE channel_day INCLUDING DEFAULTS) ON COMMIT DELETE ROWS

-- name: copy_days
COPY day_staging (item, channel_id, day, start_at, stop_at, is_gauge) FROM STDIN (FORMAT BINARY)

-- name: copy_calendar
COPY day_calendar (park_id, day, start_at, stop_at, buckets, even_hours) FROM STDIN (FORMAT BINARY)

-- name: channel_kinds
-- Kind and park of every channel, retired ones as well.
SELECT c.channel_id, c.kind, m.park_id FROM channel c JOIN meter m USING (meter_id)

-- name: read_amounts
-- Quarter-hours of the staged days, a row of arrays per day: row by row costs three times more. One
-- index range per day, whatever the statistics say. Quality: 0 measured, 1 estimated, 2 edited.
SELECT s.item, i.buckets, array_send(i.at), array_send(i.value), array_send(i.quality)
FROM day_staging s
CROSS JOIN LATERAL (
    SELECT count(*) AS buckets, array_agg(q.bucket_start ORDER BY q.bucket_start) AS at,
           array_agg(q.value ORDER BY q.bucket_start) AS value,
           array_agg(CASE q.quality WHEN 'measured' THEN 0::smallint
                     WHEN 'estimated' THEN 1::smallint ELSE 2::smallint END
                     ORDER BY q.bucket_start) AS quality
    FROM interval q
    WHERE q.channel_id = s.channel_id
      AND q.bucket_start >= s.start_at AND q.bucket_start < s.stop_at) i
WHERE NOT s.is_gauge AND i.buckets > 0

-- name: read_states
-- As `read_amounts`; an edited mean is its own low, high and last.
SELECT s.item, i.buckets, array_send(i.at), array_send(i.value), array_send(i.quality),
           array_send(i.low), array_send(i.high), array_send(i.last)
FROM day_staging s
CROSS JOIN LATERAL (
    SELECT count(*) AS buckets, array_agg(q.bucket_start ORDER BY q.bucket_start) AS at,
           array_agg(q.value ORDER BY q.bucket_start) AS value,
           array_agg(CASE q.quality WHEN 'measured' THEN 0::smallint
                     WHEN 'estimated' THEN 1::smallint ELSE 2::smallint END
                     ORDER BY q.bucket_start) AS quality,
           array_agg(coalesce(q.low, q.value) ORDER BY q.bucket_start) AS low,
           array_agg(coalesce(q.high, q.value) ORDER BY q.bucket_start) AS high,
           array_agg(coalesce(q.last, q.value) ORDER BY q.bucket_start) AS last
    FROM interval q
    WHERE q.channel_id = s.channel_id
      AND q.bucket_start >= s.start_at AND q.bucket_start < s.stop_at) i
WHERE s.is_gauge AND i.buckets > 0

-- name: items_with_hours
-- Staged days that have rows already; all others are written at half the price.
SELECT s.item
FROM day_staging s
CROSS JOIN LATERAL (
    SELECT FROM channel_hour x WHERE x.channel_id = s.channel_id
      AND x.hour_start >= s.start_at AND x.hour_start < s.stop_at LIMIT 1) h

-- name: insert_hour_amounts
COPY channel_hour (channel_id, hour_start, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value) FROM STDIN (FORMAT BINARY)

-- name: insert_hour_states
COPY channel_hour (channel_id, hour_start, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value, low, high, last) FROM STDIN (FORMAT BINARY)

-- name: stage_hour_amounts
COPY hour_made (channel_id, hour_start, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value) FROM STDIN (FORMAT BINARY)

-- name: stage_hour_states
COPY hour_made (channel_id, hour_start, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value, low, high, last) FROM STDIN (FORMAT BINARY)

-- name: merge_hours
-- Rows that differ from what is stored, and away with what vanished; the others are not touched.
WITH old AS MATERIALIZED (
    SELECT h.* FROM day_staging s
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM channel_hour x
        WHERE x.channel_id = s.channel_id
          AND x.hour_start >= s.start_at AND x.hour_start < s.stop_at OFFSET 0) h
), gone AS (
    DELETE FROM channel_hour WHERE ctid = ANY (ARRAY(
        SELECT o.place FROM old o LEFT JOIN hour_made n USING (channel_id, hour_start)
        WHERE n.channel_id IS NULL))
)
INSERT INTO channel_hour (channel_id, hour_start, value, low, high, last, buckets,
    expected_buckets, estimated_buckets, estimated_value, edited_buckets, edited_value)
SELECT n.channel_id, n.hour_start, n.value, n.low, n.high, n.last, n.buckets, n.expected_buckets,
       n.estimated_buckets, n.estimated_value, n.edited_buckets, n.edited_value
FROM hour_made n LEFT JOIN old o USING (channel_id, hour_start)
WHERE (n.value, n.low, n.high, n.last, n.buckets, n.expected_buckets, n.estimated_buckets,
       n.estimated_value, n.edited_buckets, n.edited_value)
    IS DISTINCT FROM (o.value, o.low, o.high, o.last, o.buckets, o.expected_buckets,
        o.estimated_buckets, o.estimated_value, o.edited_buckets, o.edited_value)
ON CONFLICT (channel_id, hour_start) DO UPDATE SET value = excluded.value, low = excluded.low,
    high = excluded.high, last = excluded.last, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets,
    estimated_buckets = excluded.estimated_buckets, estimated_value = excluded.estimated_value,
    edited_buckets = excluded.edited_buckets, edited_value = excluded.edited_value

-- name: items_with_days
-- Staged days that have rows already; all others are written at half the price.
SELECT s.item
FROM day_staging s
CROSS JOIN LATERAL (
    SELECT FROM channel_day x WHERE x.channel_id = s.channel_id
      AND x.day = s.day LIMIT 1) h

-- name: insert_day_amounts
COPY channel_day (channel_id, day, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value) FROM STDIN (FORMAT BINARY)

-- name: insert_day_states
COPY channel_day (channel_id, day, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value, low, high, last) FROM STDIN (FORMAT BINARY)

-- name: stage_day_amounts
COPY day_made (channel_id, day, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value) FROM STDIN (FORMAT BINARY)

-- name: stage_day_states
COPY day_made (channel_id, day, buckets, expected_buckets, value, estimated_buckets,
    estimated_value, edited_buckets, edited_value, low, high, last) FROM STDIN (FORMAT BINARY)

-- name: merge_days
-- Rows that differ from what is stored, and away with what vanished; the others are not touched.
WITH old AS MATERIALIZED (
    SELECT h.* FROM day_staging s
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM channel_day x
        WHERE x.channel_id = s.channel_id
          AND x.day = s.day OFFSET 0) h
), gone AS (
    DELETE FROM channel_day WHERE ctid = ANY (ARRAY(
        SELECT o.place FROM old o LEFT JOIN day_made n USING (channel_id, day)
        WHERE n.channel_id IS NULL))
)
INSERT INTO channel_day (channel_id, day, value, low, high, last, buckets,
    expected_buckets, estimated_buckets, estimated_value, edited_buckets, edited_value)
SELECT n.channel_id, n.day, n.value, n.low, n.high, n.last, n.buckets, n.expected_buckets,
       n.estimated_buckets, n.estimated_value, n.edited_buckets, n.edited_value
FROM day_made n LEFT JOIN old o USING (channel_id, day)
WHERE (n.value, n.low, n.high, n.last, n.buckets, n.expected_buckets, n.estimated_buckets,
       n.estimated_value, n.edited_buckets, n.edited_value)
    IS DISTINCT FROM (o.value, o.low, o.high, o.last, o.buckets, o.expected_buckets,
        o.estimated_buckets, o.estimated_value, o.edited_buckets, o.edited_value)
ON CONFLICT (channel_id, day) DO UPDATE SET value = excluded.value, low = excluded.low,
    high = excluded.high, last = excluded.last, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets,
    estimated_buckets = excluded.estimated_buckets, estimated_value = excluded.estimated_value,
    edited_buckets = excluded.edited_buckets, edited_value = excluded.edited_value

-- name: roll_up_months
-- Months of the staged days from their days, in day order; a month in progress is compared with all
-- quarter-hours of the calendar month.
WITH staged AS MATERIALIZED (
    SELECT s.channel_id, s.month, c.kind, sum(k.buckets) AS expected_buckets
    FROM (SELECT DISTINCT channel_id, date_trunc('month', day)::date AS month FROM day_staging) s
    JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
    JOIN day_calendar k ON k.park_id = m.park_id
        AND k.day >= s.month AND k.day < (s.month + interval '1 month')::date
    GROUP BY s.channel_id, s.month, c.kind
), made AS MATERIALIZED (
    SELECT s.channel_id, s.month,
           CASE s.kind WHEN 'gauge' THEN a.weighted / a.buckets ELSE a.value END AS value,
           a.low, a.high, a.last, a.buckets,
           CASE s.kind WHEN 'batch' THEN a.buckets ELSE s.expected_buckets END AS expected_buckets,
           a.estimated_buckets,
           CASE s.kind WHEN 'gauge' THEN a.weighted_estimated / a.buckets
               ELSE a.estimated_value END AS estimated_value,
           a.edited_buckets,
           CASE s.kind WHEN 'gauge' THEN a.weighted_edited / a.buckets
               ELSE a.edited_value END AS edited_value
    FROM staged s
    CROSS JOIN LATERAL (
        SELECT sum(d.value ORDER BY d.day) AS value,
               sum(d.value * d.buckets ORDER BY d.day) AS weighted, sum(d.buckets) AS buckets,
               min(d.low) AS low, max(d.high) AS high,
               (array_agg(d.last ORDER BY d.day))[count(*)] AS last,
               sum(d.estimated_buckets) AS estimated_buckets,
               sum(d.estimated_value ORDER BY d.day) AS estimated_value,
               sum(d.estimated_value * d.buckets ORDER BY d.day) AS weighted_estimated,
               sum(d.edited_buckets) AS edited_buckets,
               sum(d.edited_value ORDER BY d.day) AS edited_value,
               sum(d.edited_value * d.buckets ORDER BY d.day) AS weighted_edited
        FROM channel_day d
        WHERE d.channel_id = s.channel_id
          AND d.day >= s.month AND d.day < (s.month + interval '1 month')::date) a
    WHERE a.buckets > 0
), old AS MATERIALIZED (
    SELECT d.* FROM staged s
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM channel_month x
        WHERE x.channel_id = s.channel_id AND x.month = s.month OFFSET 0) d
), gone AS (
    DELETE FROM channel_month WHERE ctid = ANY (ARRAY(
        SELECT o.place FROM old o LEFT JOIN made n USING (channel_id, month)
        WHERE n.channel_id IS NULL))
)
INSERT INTO channel_month (channel_id, month, value, low, high, last, buckets, expected_buckets,
    estimated_buckets, estimated_value, edited_buckets, edited_value)
SELECT n.* FROM made n LEFT JOIN old o USING (channel_id, month)
WHERE (n.value, n.low, n.high, n.last, n.buckets, n.expected_buckets, n.estimated_buckets,
       n.estimated_value, n.edited_buckets, n.edited_value)
    IS DISTINCT FROM (o.value, o.low, o.high, o.last, o.buckets, o.expected_buckets,
        o.estimated_buckets, o.estimated_value, o.edited_buckets, o.edited_value)
ON CONFLICT (channel_id, month) DO UPDATE SET value = excluded.value, low = excluded.low,
    high = excluded.high, last = excluded.last, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets,
    estimated_buckets = excluded.estimated_buckets, estimated_value = excluded.estimated_value,
    edited_buckets = excluded.edited_buckets, edited_value = excluded.edited_value

-- name: mark_checks_stale
-- The validation job looks at what was rolled up.
INSERT INTO stale_check (channel_id, day) SELECT channel_id, day FROM day_staging
ON CONFLICT DO NOTHING

-- name: create_role_staging
-- Days of enterprises whose sums per role have to be made anew.
CREATE TEMP TABLE IF NOT EXISTS role_staging (enterprise_id integer, park_id smallint, day date)
ON COMMIT DELETE ROWS

-- name: create_role_due
-- Channels in service per staged day: each is waited for, a batch channel never.
CREATE TEMP TABLE IF NOT EXISTS role_due (enterprise_id integer, role text, park_id smallint,
    day date, channel_id integer, is_batch boolean) ON COMMIT DELETE ROWS

-- name: fill_role_staging
-- Gauges have no role. Channels without a role count too: they may have had one.
INSERT INTO role_staging
SELECT DISTINCT m.enterprise_id, m.park_id, s.day
FROM day_staging s JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
WHERE c.kind <> 'gauge'

-- name: fill_role_due
INSERT INTO role_due
SELECT s.enterprise_id, c.role, s.park_id, s.day, c.channel_id, c.kind = 'batch'
FROM role_staging s
JOIN meter m USING (enterprise_id) JOIN channel c USING (meter_id)
WHERE c.role <> 'none' AND c.retired_at IS NULL AND m.retired_at IS NULL
  AND coalesce(c.in_service_from <= s.day, true)

-- name: roll_up_role_hours
-- Sums in order of the channels, so that they repeat; a silent channel is missing from the buckets
-- and still expected.
WITH awaited AS (
    SELECT enterprise_id, role, day, count(*) FILTER (WHERE NOT is_batch) AS channels
    FROM role_due GROUP BY enterprise_id, role, day
), summed AS MATERIALIZED (
    SELECT r.enterprise_id, r.role, h.hour_start, r.park_id, r.day,
           sum(h.value ORDER BY r.channel_id) AS value, count(*) AS channels,
           sum(h.buckets) AS buckets,
           coalesce(sum(h.buckets) FILTER (WHERE r.is_batch), 0) AS batch_buckets,
           sum(h.estimated_value ORDER BY r.channel_id) AS estimated_value,
           sum(h.edited_value ORDER BY r.channel_id) AS edited_value
    FROM role_due r
    JOIN day_calendar k ON k.park_id = r.park_id AND k.day = r.day
    CROSS JOIN LATERAL (
        SELECT * FROM channel_hour x
        WHERE x.channel_id = r.channel_id
          AND x.hour_start >= k.start_at AND x.hour_start < k.stop_at OFFSET 0) h
    GROUP BY r.enterprise_id, r.role, r.park_id, r.day, h.hour_start
), made AS MATERIALIZED (
    SELECT s.enterprise_id, s.role, s.hour_start, s.value, s.channels, s.buckets,
           s.batch_buckets + a.channels * CASE WHEN k.even_hours THEN 4 ELSE (
               SELECT count(*) FROM generate_series(
                   k.start_at, k.stop_at - interval '1 microsecond', interval '15 minutes') AS g (at)
               WHERE date_trunc('hour', g.at, p.timezone) = s.hour_start) END AS expected_buckets,
           s.estimated_value, s.edited_value
    FROM summed s
    JOIN awaited a USING (enterprise_id, role, day)
    JOIN day_calendar k ON k.park_id = s.park_id AND k.day = s.day
    JOIN park p ON p.park_id = s.park_id
), old AS MATERIALIZED (
    SELECT h.* FROM role_staging s
    JOIN day_calendar k USING (park_id, day)
    CROSS JOIN unnest(%(roles)s::text[]) AS r (role)
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM enterprise_hour x
        WHERE x.enterprise_id = s.enterprise_id AND x.role = r.role
          AND x.hour_start >= k.start_at AND x.hour_start < k.stop_at OFFSET 0) h
), gone AS (
    DELETE FROM enterprise_hour WHERE ctid = ANY (ARRAY(
        SELECT o.place FROM old o LEFT JOIN made n USING (enterprise_id, role, hour_start)
        WHERE n.enterprise_id IS NULL))
)
INSERT INTO enterprise_hour (enterprise_id, role, hour_start, value, channels, buckets,
    expected_buckets, estimated_value, edited_value)
SELECT n.* FROM made n LEFT JOIN old o USING (enterprise_id, role, hour_start)
WHERE (n.value, n.channels, n.buckets, n.expected_buckets, n.estimated_value, n.edited_value)
    IS DISTINCT FROM (o.value, o.channels, o.buckets, o.expected_buckets, o.estimated_value,
        o.edited_value)
ON CONFLICT (enterprise_id, role, hour_start) DO UPDATE SET value = excluded.value,
    channels = excluded.channels, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets, estimated_value = excluded.estimated_value,
    edited_value = excluded.edited_value

-- name: roll_up_role_days
-- As the hours. %(roles)s text[]: all roles that there are
WITH made AS MATERIALIZED (
    SELECT r.enterprise_id, r.role, r.day, sum(d.value ORDER BY r.channel_id) AS value,
           count(d.value) AS channels, sum(d.buckets) AS buckets,
           sum(CASE WHEN r.is_batch THEN coalesce(d.buckets, 0) ELSE k.buckets END)
               AS expected_buckets,
           sum(d.estimated_value ORDER BY r.channel_id) AS estimated_value,
           sum(d.edited_value ORDER BY r.channel_id) AS edited_value
    FROM role_due r
    JOIN day_calendar k ON k.park_id = r.park_id AND k.day = r.day
    LEFT JOIN LATERAL (
        SELECT * FROM channel_day x
        WHERE x.channel_id = r.channel_id AND x.day = r.day OFFSET 0) d ON true
    GROUP BY r.enterprise_id, r.role, r.day
    HAVING count(d.value) > 0
), old AS MATERIALIZED (
    SELECT d.* FROM role_staging s
    CROSS JOIN unnest(%(roles)s::text[]) AS r (role)
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM enterprise_day x
        WHERE x.enterprise_id = s.enterprise_id AND x.role = r.role AND x.day = s.day OFFSET 0) d
), gone AS (
    DELETE FROM enterprise_day WHERE ctid = ANY (ARRAY(
        SELECT o.place FROM old o LEFT JOIN made n USING (enterprise_id, role, day)
        WHERE n.enterprise_id IS NULL))
)
INSERT INTO enterprise_day (enterprise_id, role, day, value, channels, buckets,
    expected_buckets, estimated_value, edited_value)
SELECT n.* FROM made n LEFT JOIN old o USING (enterprise_id, role, day)
WHERE (n.value, n.channels, n.buckets, n.expected_buckets, n.estimated_value, n.edited_value)
    IS DISTINCT FROM (o.value, o.channels, o.buckets, o.expected_buckets, o.estimated_value,
        o.edited_value)
ON CONFLICT (enterprise_id, role, day) DO UPDATE SET value = excluded.value,
    channels = excluded.channels, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets, estimated_value = excluded.estimated_value,
    edited_value = excluded.edited_value

-- name: roll_up_role_months
-- From the days of the role. A day without a row is expected as the channels in service demand.
-- %(roles)s text[]: all roles that there are
WITH staged AS MATERIALIZED (
    SELECT DISTINCT enterprise_id, park_id, date_trunc('month', day)::date AS month
    FROM role_staging
), awaited AS (
    SELECT s.enterprise_id, c.role, s.month, k.day,
           coalesce(sum(k.buckets) FILTER (WHERE c.kind <> 'batch'), 0) AS expected_buckets
    FROM staged s
    JOIN meter m USING (enterprise_id) JOIN channel c USING (meter_id)
    JOIN day_calendar k ON k.park_id = s.park_id
        AND k.day >= s.month AND k.day < (s.month + interval '1 month')::date
    WHERE c.role <> 'none' AND c.retired_at IS NULL AND m.retired_at IS NULL
      AND coalesce(c.in_service_from <= k.day, true)
    GROUP BY s.enterprise_id, c.role, s.month, k.day
), made AS MATERIALIZED (
    SELECT a.enterprise_id, a.role, a.month, sum(d.value ORDER BY a.day) AS value,
           max(d.channels) AS channels, sum(d.buckets) AS buckets,
           sum(coalesce(d.expected_buckets, a.expected_buckets)) AS expected_buckets,
           sum(d.estimated_value ORDER BY a.day) AS estimated_value,
           sum(d.edited_value ORDER BY a.day) AS edited_value
    FROM awaited a
    LEFT JOIN LATERAL (
        SELECT * FROM enterprise_day x
        WHERE x.enterprise_id = a.enterprise_id AND x.role = a.role AND x.day = a.day OFFSET 0) d
        ON true
    GROUP BY a.enterprise_id, a.role, a.month
    HAVING count(d.value) > 0
), old AS MATERIALIZED (
    SELECT d.* FROM staged s
    CROSS JOIN unnest(%(roles)s::text[]) AS r (role)
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM enterprise_month x
        WHERE x.enterprise_id = s.enterprise_id AND x.role = r.role AND x.month = s.month
        OFFSET 0) d
), gone AS (
    DELETE FROM enterprise_month WHERE ctid = ANY (ARRAY(
        SELECT o.place FROM old o LEFT JOIN made n USING (enterprise_id, role, month)
        WHERE n.enterprise_id IS NULL))
)
INSERT INTO enterprise_month (enterprise_id, role, month, value, channels, buckets,
    expected_buckets, estimated_value, edited_value)
SELECT n.* FROM made n LEFT JOIN old o USING (enterprise_id, role, month)
WHERE (n.value, n.channels, n.buckets, n.expected_buckets, n.estimated_value, n.edited_value)
    IS DISTINCT FROM (o.value, o.channels, o.buckets, o.expected_buckets, o.estimated_value,
        o.edited_value)
ON CONFLICT (enterprise_id, role, month) DO UPDATE SET value = excluded.value,
    channels = excluded.channels, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets, estimated_value = excluded.estimated_value,
    edited_value = excluded.edited_value
