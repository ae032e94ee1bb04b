-- name: insert_activity_import
-- %(park_id)s int, %(source)s, %(imported_by)s, %(reason)s text, %(sha256)s bytea, %(now)s timestamptz
INSERT INTO activity_import (park_id, source, sha256, imported_by, reason, imported_at)
VALUES (%(park_id)s, %(source)s, %(sha256)s, %(imported_by)s, %(reason)s, %(now)s)
RETURNING activity_import_id

-- name: create_activity_staging
CREATE TEMP TABLE IF NOT EXISTS activity_staging (enterprise_id integer, item text, month date,
    detail text, value double precision, note text) ON COMMIT DELETE ROWS

-- name: clear_activity_staging
DELETE FROM activity_staging

-- name: copy_activity
COPY activity_staging (enterprise_id, item, month, detail, value, note) FROM STDIN

-- name: compare_activity
-- How many rows of the file are new, changed, known already.
SELECT count(*) FILTER (WHERE a.activity_id IS NULL),
       count(*) FILTER (WHERE a.value <> s.value OR a.note <> s.note),
       count(*) FILTER (WHERE a.value = s.value AND a.note = s.note)
FROM activity_staging s
LEFT JOIN activity a ON a.enterprise_id = s.enterprise_id AND a.item = s.item
    AND a.month = s.month AND a.detail = s.detail AND a.replaced_at IS NULL

-- name: replace_changed_activity
-- %(import_id)s bigint, %(now)s timestamptz
UPDATE activity a SET replaced_by = %(import_id)s, replaced_at = %(now)s
FROM activity_staging s
WHERE a.enterprise_id = s.enterprise_id AND a.item = s.item AND a.month = s.month
  AND a.detail = s.detail AND a.replaced_at IS NULL AND (a.value <> s.value OR a.note <> s.note)
RETURNING a.enterprise_id, a.month

-- name: withdraw_activity
-- What the file does not repeat of its enterprises and items in a period. %(import_id)s bigint,
-- %(now)s timestamptz, %(start)s, %(stop)s date
UPDATE activity a SET replaced_by = %(import_id)s, replaced_at = %(now)s
WHERE a.replaced_at IS NULL AND a.month >= %(start)s AND a.month < %(stop)s
  AND EXISTS (SELECT FROM activity_staging s
              WHERE s.enterprise_id = a.enterprise_id AND s.item = a.item)
  AND NOT EXISTS (SELECT FROM activity_staging s
                  WHERE s.enterprise_id = a.enterprise_id AND s.item = a.item
                    AND s.month = a.month AND s.detail = a.detail)
RETURNING a.enterprise_id, a.month

-- name: insert_activity
-- %(import_id)s bigint
INSERT INTO activity (enterprise_id, item, month, detail, value, note, activity_import_id)
SELECT s.enterprise_id, s.item, s.month, s.detail, s.value, s.note, %(import_id)s
FROM activity_staging s
WHERE NOT EXISTS (SELECT FROM activity a
                  WHERE a.enterprise_id = s.enterprise_id AND a.item = s.item
                    AND a.month = s.month AND a.detail = s.detail AND a.replaced_at IS NULL)
RETURNING enterprise_id, month

-- name: list_activity
-- %(park_id)s int, %(history)s bool: what was replaced as well
SELECT e.key AS enterprise, a.item, a.month, a.detail, a.value, a.note, i.source, i.imported_by,
       i.reason, i.imported_at, a.replaced_at
FROM activity a
JOIN enterprise e USING (enterprise_id)
JOIN activity_import i USING (activity_import_id)
WHERE e.park_id = %(park_id)s AND (%(history)s OR a.replaced_at IS NULL)
ORDER BY e.key, a.item, a.month, a.detail, a.activity_id

-- name: reported_amounts
-- In force of the enterprises, until a year ends. %(enterprises)s int[], %(stop)s date
SELECT a.enterprise_id, a.item, a.month, array_agg(a.value ORDER BY a.detail) AS amounts
FROM activity a
WHERE a.enterprise_id = ANY (%(enterprises)s) AND a.replaced_at IS NULL AND a.month < %(stop)s
GROUP BY a.enterprise_id, a.item, a.month
ORDER BY a.enterprise_id, a.item, a.month

-- name: metered_days
-- Daily sums of roles as arrays. %(enterprises)s int[], %(roles)s text[], %(start)s, %(stop)s date
SELECT enterprise_id, role, array_send(array_agg((day - %(start)s)::int2 ORDER BY day)),
       array_send(array_agg(value ORDER BY day)),
       array_send(array_agg(estimated_value ORDER BY day)),
       array_send(array_agg(buckets ORDER BY day)),
       array_send(array_agg(expected_buckets ORDER BY day))
FROM enterprise_day
WHERE enterprise_id = ANY (%(enterprises)s) AND role = ANY (%(roles)s)
  AND day >= %(start)s AND day < %(stop)s
GROUP BY enterprise_id, role

-- name: balanced_days
-- Use of electricity as the balances tell it. %(enterprises)s int[], %(start)s, %(stop)s date
SELECT enterprise_id, array_send(array_agg((day - %(start)s)::int2 ORDER BY day)),
       array_send(array_agg(consumption_kwh ORDER BY day)),
       array_send(array_agg(grid_draw_kwh ORDER BY day)),
       array_send(array_agg(physical_green_kwh ORDER BY day)),
       array_send(array_agg(estimated_kwh ORDER BY day)),
       array_send(array_agg(buckets::int4 ORDER BY day)),
       array_send(array_agg(expected_buckets::int4 ORDER BY day))
FROM balance_day
WHERE enterprise_id = ANY (%(enterprises)s) AND day >= %(start)s AND day < %(stop)s
GROUP BY enterprise_id

-- name: role_channels
-- Roles of the enterprises: whether only batches feed them. %(enterprises)s int[]
SELECT m.enterprise_id, c.role, bool_and(c.kind = 'batch')
FROM channel c JOIN meter m USING (meter_id)
WHERE m.enterprise_id = ANY (%(enterprises)s) AND c.retired_at IS NULL AND m.retired_at IS NULL
  AND c.role <> 'none' AND c.kind <> 'gauge'
GROUP BY m.enterprise_id, c.role

-- name: month_demands
-- Highest measured quarter-hour of the grid import of each local month (number of its edge), and how
-- many are known; meters of one enterprise are summed by quarter-hour. %(enterprises)s int[],
-- %(edges)s timestamptz[]: where the months begin, and the end
WITH mine AS (
    SELECT m.enterprise_id, c.channel_id, count(*) OVER (PARTITION BY m.enterprise_id) AS meters
    FROM channel c JOIN meter m USING (meter_id)
    WHERE m.enterprise_id = ANY (%(enterprises)s) AND c.role = 'grid_import'
), quarter AS (
    SELECT s.enterprise_id, i.bucket_start, i.value AS kwh
    FROM mine s JOIN interval i USING (channel_id)
    WHERE s.meters = 1 AND i.quality <> 'estimated'
      AND i.bucket_start >= (%(edges)s::timestamptz[])[1]
      AND i.bucket_start < (%(edges)s::timestamptz[])[array_upper(%(edges)s::timestamptz[], 1)]
    UNION ALL
    SELECT s.enterprise_id, i.bucket_start, sum(i.value)
    FROM mine s JOIN interval i USING (channel_id)
    WHERE s.meters > 1 AND i.quality <> 'estimated'
      AND i.bucket_start >= (%(edges)s::timestamptz[])[1]
      AND i.bucket_start < (%(edges)s::timestamptz[])[array_upper(%(edges)s::timestamptz[], 1)]
    GROUP BY s.enterprise_id, i.bucket_start
)
SELECT enterprise_id, width_bucket(bucket_start, %(edges)s::timestamptz[]) AS month_number,
       max(kwh) * 4 AS demand_kw, count(*) AS buckets
FROM quarter
GROUP BY enterprise_id, month_number

-- name: known_demands
-- Highest quarter-hours of months before the one that is computed. %(enterprises)s int[],
-- %(start)s, %(stop)s date
SELECT enterprise_id, period_start, numerator, completeness_ratio FROM indicator_value
WHERE enterprise_id = ANY (%(enterprises)s) AND indicator = 'max_demand' AND period_kind = 'month'
  AND period_start >= %(start)s AND period_start < %(stop)s AND numerator IS NOT NULL

-- name: substation_loads
-- Highest quarter-hour of apparent power of each meter in each local month, from measured active
-- energy and, where it is metered, reactive energy. %(meters)s text[], %(park_id)s int,
-- %(start)s, %(stop)s timestamptz, %(zone)s text
SELECT q.key, date_trunc('month', q.bucket_start, %(zone)s) AS month_at,
       max(sqrt(q.kwh ^ 2 + q.kvarh ^ 2)) * 4 AS load_kva, sum(q.kwh) AS energy_kwh,
       bool_or(q.kvarh > 0) AS has_reactive, count(*) AS buckets
FROM (
    SELECT m.key, i.bucket_start,
           sum(i.value) FILTER (WHERE c.quantity = 'active_energy') AS kwh,
           coalesce(sum(i.value) FILTER (WHERE c.quantity = 'reactive_energy'), 0) AS kvarh
    FROM meter m JOIN channel c USING (meter_id) JOIN interval i USING (channel_id)
    WHERE m.park_id = %(park_id)s AND m.key = ANY (%(meters)s)
      AND (c.role = 'substation_in' OR c.quantity = 'reactive_energy') AND c.kind <> 'gauge'
      AND i.bucket_start >= %(start)s AND i.bucket_start < %(stop)s AND i.quality <> 'estimated'
    GROUP BY m.key, i.bucket_start) q
WHERE q.kwh IS NOT NULL
GROUP BY q.key, month_at
ORDER BY q.key, month_at

-- name: measured_buckets
-- Received quarter-hours of all channels but batches by month. Amounts of long periods are spread, so
-- their quarter-hours are estimated in shape and yet received.
-- %(enterprises)s int[], %(start)s, %(stop)s date
SELECT m.enterprise_id, date_trunc('month', d.day)::date AS month,
       sum(d.buckets - CASE WHEN c.kind = 'interval' AND c.period_s > 900 THEN 0
           ELSE d.estimated_buckets END)::float8 AS measured
FROM channel c JOIN meter m USING (meter_id) JOIN channel_day d USING (channel_id)
WHERE m.enterprise_id = ANY (%(enterprises)s) AND c.kind <> 'batch' AND c.retired_at IS NULL
  AND m.retired_at IS NULL AND d.day >= %(start)s AND d.day < %(stop)s
  AND coalesce(c.in_service_from <= d.day, true)
GROUP BY m.enterprise_id, month

-- name: channels_due
-- Days of service of all channels but batches in a range of days. %(enterprises)s int[],
-- %(start)s, %(stop)s date
SELECT m.enterprise_id, k.month::date AS month,
       sum(greatest(least(%(stop)s, (k.month + interval '1 month')::date)
           - greatest(coalesce(c.in_service_from, %(start)s), %(start)s, k.month::date), 0))::float8
FROM channel c JOIN meter m USING (meter_id)
CROSS JOIN generate_series(date_trunc('month', %(start)s::date::timestamp),
    %(stop)s::date::timestamp - interval '1 day', interval '1 month') AS k (month)
WHERE m.enterprise_id = ANY (%(enterprises)s) AND c.kind <> 'batch' AND c.retired_at IS NULL
  AND m.retired_at IS NULL
GROUP BY m.enterprise_id, k.month

-- name: park_sums
-- Sums of enterprises for the park, in their order. %(park_id)s int, %(indicators)s text[],
-- %(from_day)s date
SELECT v.indicator, v.period_kind, v.period_start, v.period_stop, v.unit,
       sum(v.numerator ORDER BY v.enterprise_id) AS numerator,
       sum(v.denominator ORDER BY v.enterprise_id) AS denominator,
       count(v.value) AS told, count(*) AS members,
       sum(v.completeness_ratio * abs(v.numerator) ORDER BY v.enterprise_id)
           / nullif(sum(abs(v.numerator) ORDER BY v.enterprise_id), 0) AS weighted_ratio,
       min(v.completeness_ratio) AS least_ratio,
       (array_agg(e.key ORDER BY v.completeness_ratio, e.key))[1] AS least_key,
       array_agg(e.key ORDER BY e.key) FILTER (WHERE v.value IS NULL) AS silent,
       sum(v.estimated_ratio * abs(v.numerator) ORDER BY v.enterprise_id)
           / nullif(sum(abs(v.numerator) ORDER BY v.enterprise_id), 0) AS estimated_ratio,
       bool_and(v.status = 'final') AS is_final,
       (array_agg(v.note ORDER BY e.key) FILTER (WHERE v.value IS NULL))[1] AS note
FROM indicator_value v JOIN enterprise e USING (enterprise_id)
WHERE v.park_id = %(park_id)s AND v.indicator = ANY (%(indicators)s)
  AND v.period_kind IN ('month', 'year') AND v.period_stop > %(from_day)s
  AND e.retired_at IS NULL
GROUP BY v.indicator, v.period_kind, v.period_start, v.period_stop, v.unit

-- name: save_definition
-- %(park_id)s int, and the columns of a definition
INSERT INTO indicator_definition (park_id, indicator, name_zh, name_en, unit, domain_row, formula,
    source, confidence, sense, limit_value, limit_source)
VALUES (%(park_id)s, %(indicator)s, %(name_zh)s, %(name_en)s, %(unit)s, %(domain_row)s, %(formula)s,
    %(source)s, %(confidence)s, %(sense)s, %(limit_value)s, %(limit_source)s)
ON CONFLICT (park_id, indicator) DO UPDATE SET name_zh = excluded.name_zh,
    name_en = excluded.name_en, unit = excluded.unit, domain_row = excluded.domain_row,
    formula = excluded.formula, source = excluded.source, confidence = excluded.confidence,
    sense = excluded.sense, limit_value = excluded.limit_value,
    limit_source = excluded.limit_source
    WHERE indicator_definition IS DISTINCT FROM excluded

-- name: forget_definitions
-- Those that the program no longer knows. %(park_id)s int, %(indicators)s text[]
DELETE FROM indicator_definition
WHERE park_id = %(park_id)s AND NOT indicator = ANY (%(indicators)s)

-- name: night_quarters
-- Quarter-hours of water intake in a range that lie in the local hours before 05:00, the channels of an
-- enterprise summed; one that lacks a channel is left out. %(enterprise_id)s int,
-- %(start)s, %(stop)s timestamptz, %(zone)s text
WITH mine AS (
    SELECT c.channel_id FROM channel c JOIN meter m USING (meter_id)
    WHERE m.enterprise_id = %(enterprise_id)s AND c.role = 'water_intake'
      AND c.retired_at IS NULL AND m.retired_at IS NULL
)
SELECT extract(epoch FROM i.bucket_start)::float8 AS at_s,
       sum(i.value ORDER BY i.channel_id) * 4 AS flow_m3_per_h
FROM interval i JOIN mine USING (channel_id)
WHERE i.bucket_start >= %(start)s AND i.bucket_start < %(stop)s
  AND extract(hour FROM i.bucket_start AT TIME ZONE %(zone)s) < 5
GROUP BY i.bucket_start
HAVING count(*) = (SELECT count(*) FROM mine)
ORDER BY at_s

-- name: water_hours
-- Water intake by hour, complete ones. %(enterprise_id)s int, %(start)s, %(stop)s timestamptz
SELECT extract(epoch FROM hour_start)::float8 AS at_s, value FROM enterprise_hour
WHERE enterprise_id = %(enterprise_id)s AND role = 'water_intake' AND hour_start >= %(start)s
  AND hour_start < %(stop)s AND buckets = expected_buckets
ORDER BY at_s

-- name: newest_night
-- End of the newest night that is stored. %(enterprise_id)s int
SELECT max(period_stop) FROM indicator_value
WHERE enterprise_id = %(enterprise_id)s AND indicator = 'mnf_flow'
