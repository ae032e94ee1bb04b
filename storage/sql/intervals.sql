-- name: take_stale_ranges
-- Work of channels in use, neighbours together, claimed by deleting it in the transaction that writes
-- the result. %(channels)s int[], %(limit)s int
DELETE FROM stale_range WHERE stale_range_id IN (
    SELECT stale_range_id FROM stale_range WHERE channel_id = ANY (%(channels)s)
    ORDER BY channel_id, start_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
RETURNING channel_id, start_at, stop_at, reason

-- name: put_back
-- %(channel_id)s int, %(start_at)s, %(stop_at)s timestamptz, %(reason)s text
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
VALUES (%(channel_id)s, %(start_at)s, %(stop_at)s, %(reason)s)

-- name: create_interval_staging
-- Once per connection; method is the number of models.quality.METHODS.
CREATE TEMP TABLE IF NOT EXISTS interval_staging (
    channel_id integer, bucket_start timestamptz, value double precision, method smallint,
    edit_id integer, low double precision, high double precision, last double precision
) ON COMMIT DELETE ROWS

-- name: create_range_staging
CREATE TEMP TABLE IF NOT EXISTS range_staging (
    channel_id integer, low timestamptz, high timestamptz, reason text
) ON COMMIT DELETE ROWS

-- name: copy_ranges
COPY range_staging (channel_id, low, high, reason) FROM STDIN (FORMAT BINARY)

-- name: copy_amounts
-- Binary COPY of computed values.
COPY interval_staging (channel_id, bucket_start, value, method) FROM STDIN (FORMAT BINARY)

-- name: copy_edited
-- Binary COPY of values that an edit replaced.
COPY interval_staging (channel_id, bucket_start, value, method, edit_id) FROM STDIN (FORMAT BINARY)

-- name: copy_gauges
-- Binary COPY of means with their extremes.
COPY interval_staging (channel_id, bucket_start, value, method, low, high, last)
FROM STDIN (FORMAT BINARY)

-- name: copy_edited_gauges
-- Binary COPY of means that an edit replaced.
COPY interval_staging (channel_id, bucket_start, value, method, edit_id, low, high, last)
FROM STDIN (FORMAT BINARY)

-- name: copy_measured
-- Binary COPY of measured amounts where nothing is stored yet.
COPY interval (channel_id, bucket_start, value, quality, computed_at) FROM STDIN (FORMAT BINARY)

-- name: copy_states
-- The same for means of states with their extremes.
COPY interval (channel_id, bucket_start, value, quality, computed_at, low, high, last)
FROM STDIN (FORMAT BINARY)

-- name: copy_estimated
-- The same for estimates of one method.
COPY interval (channel_id, bucket_start, value, quality, computed_at, method)
FROM STDIN (FORMAT BINARY)

-- name: ranges_in_use
-- Staged ranges in which something is stored already: one index look-up each. %(low)s, %(high)s bound
-- all of them: constants keep the planner from looking at the chunks of other years.
SELECT r.channel_id, extract(epoch FROM r.low)::float8
FROM range_staging r CROSS JOIN LATERAL (
    SELECT FROM interval i WHERE i.channel_id = r.channel_id
      AND i.bucket_start >= r.low AND i.bucket_start < r.high
      AND i.bucket_start >= %(low)s AND i.bucket_start < %(high)s LIMIT 1) AS present

-- name: record_restatements
-- What differs from the intervals stored so far, before they are replaced. %(now)s timestamptz,
-- %(methods)s text[]
INSERT INTO restatement (channel_id, bucket_start, old_value, new_value, old_quality, new_quality,
    old_method, new_method, old_computed_at, reason, restated_at)
SELECT i.channel_id, i.bucket_start, i.value, s.value, i.quality, n.quality, i.method, n.method,
       i.computed_at, r.reason, %(now)s
FROM range_staging r
CROSS JOIN LATERAL (
    SELECT * FROM interval i WHERE i.channel_id = r.channel_id
      AND i.bucket_start >= r.low AND i.bucket_start < r.high
      AND i.bucket_start >= %(low)s AND i.bucket_start < %(high)s) AS i
LEFT JOIN interval_staging s ON s.channel_id = i.channel_id AND s.bucket_start = i.bucket_start
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.edit_id IS NOT NULL THEN 'edited' WHEN s.method = 0 THEN 'measured'
                WHEN s.method > 0 THEN 'estimated' END AS quality,
           (%(methods)s::text[])[s.method] AS method) AS n
WHERE (i.value, i.quality, i.method, i.edit_id)
    IS DISTINCT FROM (s.value, n.quality, n.method, s.edit_id)

-- name: replace_staged
-- Writes what is new or differs, deletes buckets that can no longer be computed (a correction broke
-- the register there); local days of both, and gaps whose shape was taken from them, are stale.
-- %(now)s, %(low)s, %(high)s timestamptz, %(methods)s text[]
WITH gone AS (
    DELETE FROM interval i USING range_staging r
    WHERE i.channel_id = r.channel_id AND i.bucket_start >= r.low AND i.bucket_start < r.high
      AND i.bucket_start >= %(low)s AND i.bucket_start < %(high)s
      AND NOT EXISTS (SELECT FROM interval_staging s
                      WHERE s.channel_id = i.channel_id AND s.bucket_start = i.bucket_start)
    RETURNING i.channel_id, i.bucket_start
), written AS (
    INSERT INTO interval (channel_id, bucket_start, value, quality, method, computed_at, edit_id,
        low, high, last)
    SELECT channel_id, bucket_start, value,
           CASE WHEN edit_id IS NOT NULL THEN 'edited' WHEN method = 0 THEN 'measured'
                ELSE 'estimated' END,
           (%(methods)s::text[])[method], %(now)s, edit_id, low, high, last
    FROM interval_staging ORDER BY channel_id, bucket_start
    ON CONFLICT (channel_id, bucket_start) DO UPDATE
        SET value = excluded.value, quality = excluded.quality, method = excluded.method,
            computed_at = excluded.computed_at, edit_id = excluded.edit_id, low = excluded.low,
            high = excluded.high, last = excluded.last
        WHERE (interval.value, interval.quality, interval.method, interval.edit_id, interval.low,
               interval.high, interval.last)
            IS DISTINCT FROM (excluded.value, excluded.quality, excluded.method, excluded.edit_id,
               excluded.low, excluded.high, excluded.last)
    RETURNING channel_id, bucket_start
), changed AS MATERIALIZED (
    SELECT * FROM gone UNION ALL SELECT * FROM written
), stale AS (
    INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
    SELECT DISTINCT g.channel_id, g.start_at, g.stop_at, 'like days changed'
    FROM shaped_gap g JOIN changed c ON c.channel_id = g.channel_id
        AND c.bucket_start >= g.from_at AND c.bucket_start < g.start_at
), days AS (
    INSERT INTO stale_day (channel_id, day)
    SELECT DISTINCT changed.channel_id, (changed.bucket_start AT TIME ZONE p.timezone)::date
    FROM changed JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
    JOIN park p USING (park_id)
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM changed

-- name: mark_gaps_stale
-- Gaps whose shape was taken from a time in which values were stored for the first time.
-- %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
SELECT DISTINCT g.channel_id, g.start_at, g.stop_at, 'like days changed'
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    AS r (channel_id, low, high)
JOIN shaped_gap g ON g.channel_id = r.channel_id AND r.high > g.from_at AND r.low < g.start_at
    AND NOT (g.start_at >= r.low AND g.start_at < r.high)  -- computed together with it

-- name: delete_shaped_gaps
-- Gaps that begin in a recomputed range, before they are written anew.
DELETE FROM shaped_gap g USING range_staging r
WHERE g.channel_id = r.channel_id AND g.start_at >= r.low AND g.start_at < r.high

-- name: insert_shaped_gap
-- %(channel_id)s int, %(start)s, %(stop)s, %(since)s timestamptz
INSERT INTO shaped_gap (channel_id, start_at, stop_at, from_at)
VALUES (%(channel_id)s, %(start)s, %(stop)s, %(since)s)
ON CONFLICT (channel_id, start_at) DO UPDATE
    SET stop_at = excluded.stop_at, from_at = excluded.from_at

-- name: measured_values
-- Measured quarter-hours of one channel in [start, stop). %(channel_id)s, %(start)s, %(stop)s
SELECT extract(epoch FROM bucket_start)::int8, value FROM interval
WHERE channel_id = %(channel_id)s AND bucket_start >= %(start)s AND bucket_start < %(stop)s
  AND quality = 'measured'
ORDER BY bucket_start

-- name: mark_days_stale
-- Local days of ranges in which values were stored for the first time.
-- %(channels)s int[], %(lows)s, %(highs)s timestamptz[]
INSERT INTO stale_day (channel_id, day)
SELECT DISTINCT r.channel_id, d::date
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    AS r (channel_id, low, high)
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id) JOIN park p USING (park_id)
CROSS JOIN LATERAL generate_series(
    date_trunc('day', r.low AT TIME ZONE p.timezone),
    (r.high - interval '1 microsecond') AT TIME ZONE p.timezone, interval '1 day') AS d
ON CONFLICT DO NOTHING

-- name: take_stale_days
-- Days to roll up, claimed by deleting them. %(limit)s int
DELETE FROM stale_day WHERE ctid IN (SELECT ctid FROM stale_day ORDER BY day LIMIT %(limit)s)
RETURNING channel_id, day

-- name: mark_stale
-- Readings and stored intervals of channels in [start, stop) on the work list, in pieces of at most
-- a UTC day: an interval may be wrong where no reading is, within a pause or after the last one.
-- %(channels)s int[], %(start)s, %(stop)s timestamptz or null,
-- %(reason)s text
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
SELECT s.channel_id, min(s.first), max(s.last), %(reason)s
FROM (
    SELECT r.channel_id, min(r.ts) AS first, max(r.ts) AS last
    FROM reading r
    WHERE r.channel_id = ANY (%(channels)s)
      AND r.ts >= coalesce(%(start)s::timestamptz, '-infinity')
      AND r.ts < coalesce(%(stop)s::timestamptz, 'infinity')
    GROUP BY r.channel_id, date_bin('1 day', r.ts, timestamptz '2000-01-01 00:00+00')
    UNION ALL
    SELECT i.channel_id, min(i.bucket_start), max(i.bucket_start)
    FROM interval i
    WHERE i.channel_id = ANY (%(channels)s)
      AND i.bucket_start >= coalesce(%(start)s::timestamptz, '-infinity')
      AND i.bucket_start < coalesce(%(stop)s::timestamptz, 'infinity')
    GROUP BY i.channel_id, date_bin('1 day', i.bucket_start, timestamptz '2000-01-01 00:00+00')
) s
GROUP BY s.channel_id, date_bin('1 day', s.first, timestamptz '2000-01-01 00:00+00')

-- name: last_restatement
SELECT coalesce(max(restatement_id), 0) FROM restatement

-- name: changes_since
-- What was restated after a number, by channel; a quarter-hour restated more than once counts once,
-- from its first to its last value. %(number)s int8
SELECT e.key || '/' || m.key || '/' || c.key AS channel, c.quantity, count(*) AS quarters,
       min(r.bucket_start) AS first, max(r.bucket_start) AS last,
       sum(r.old_value ORDER BY r.bucket_start) AS old_sum,
       sum(r.new_value ORDER BY r.bucket_start) AS new_sum
FROM (
    SELECT channel_id, bucket_start, (array_agg(old_value ORDER BY restatement_id))[1] AS old_value,
           (array_agg(new_value ORDER BY restatement_id DESC))[1] AS new_value
    FROM restatement WHERE restatement_id > %(number)s GROUP BY channel_id, bucket_start
) r JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
GROUP BY e.key, m.key, c.key, c.quantity ORDER BY 1
