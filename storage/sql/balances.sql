-- name: create_day_staging
CREATE TEMP TABLE IF NOT EXISTS day_staging (channel_id integer, day date) ON COMMIT DELETE ROWS

-- name: copy_days
COPY day_staging (channel_id, day) FROM STDIN (FORMAT BINARY)

-- name: roll_up_days
-- Amounts of the staged local days from the intervals; sums in time order, so that they repeat.
-- One index range per channel and day, whatever the statistics say. A day without any interval
-- loses its row.
WITH day_sums AS MATERIALIZED (
    SELECT s.channel_id, s.day, a.*,
           extract(epoch FROM t.stop_at - t.start_at) / 900 AS expected_buckets
    FROM day_staging s
    JOIN channel c USING (channel_id) JOIN meter m USING (meter_id) JOIN park p USING (park_id)
    CROSS JOIN LATERAL (
        SELECT s.day::timestamp AT TIME ZONE p.timezone AS start_at,
               (s.day + 1)::timestamp AT TIME ZONE p.timezone AS stop_at) t
    CROSS JOIN LATERAL (
        SELECT sum(i.value ORDER BY i.bucket_start) AS value, count(*) AS buckets,
               count(*) FILTER (WHERE i.quality = 'estimated') AS estimated_buckets,
               coalesce(sum(i.value ORDER BY i.bucket_start)
                        FILTER (WHERE i.quality = 'estimated'), 0) AS estimated_value
        FROM interval i
        WHERE i.channel_id = s.channel_id
          AND i.bucket_start >= t.start_at AND i.bucket_start < t.stop_at) a
), gone AS (
    DELETE FROM channel_day d USING day_sums s
    WHERE d.channel_id = s.channel_id AND d.day = s.day AND s.buckets = 0
)
INSERT INTO channel_day (channel_id, day, value, buckets, estimated_buckets, estimated_value,
    expected_buckets)
SELECT channel_id, day, value, buckets, estimated_buckets, estimated_value, expected_buckets
FROM day_sums WHERE buckets > 0
ON CONFLICT (channel_id, day) DO UPDATE SET value = excluded.value, buckets = excluded.buckets,
    estimated_buckets = excluded.estimated_buckets, estimated_value = excluded.estimated_value,
    expected_buckets = excluded.expected_buckets

-- name: interval_values
-- 15-minute values of channels in [start, stop). %(channels)s int[], %(start)s, %(stop)s timestamptz
SELECT extract(epoch FROM bucket_start)::int8 AS start_s, channel_id, value,
       quality = 'estimated' AS estimated
FROM interval
WHERE channel_id = ANY (%(channels)s) AND bucket_start >= %(start)s AND bucket_start < %(stop)s
ORDER BY bucket_start, channel_id

-- name: upsert_balance_day
INSERT INTO balance_day (enterprise_id, day, import_kwh, export_kwh, direct_kwh, onsite_kwh,
    charge_kwh, discharge_kwh, physical_green_kwh, grid_draw_kwh, consumption_kwh, estimated_kwh,
    buckets, expected_buckets, computed_at)
VALUES (%(enterprise_id)s, %(day)s, %(import_kwh)s, %(export_kwh)s, %(direct_kwh)s, %(onsite_kwh)s,
    %(charge_kwh)s, %(discharge_kwh)s, %(physical_green_kwh)s, %(grid_draw_kwh)s,
    %(consumption_kwh)s, %(estimated_kwh)s, %(buckets)s, %(expected_buckets)s, %(now)s)
ON CONFLICT (enterprise_id, day) DO UPDATE SET import_kwh = excluded.import_kwh,
    export_kwh = excluded.export_kwh, direct_kwh = excluded.direct_kwh,
    onsite_kwh = excluded.onsite_kwh, charge_kwh = excluded.charge_kwh,
    discharge_kwh = excluded.discharge_kwh, physical_green_kwh = excluded.physical_green_kwh,
    grid_draw_kwh = excluded.grid_draw_kwh, consumption_kwh = excluded.consumption_kwh,
    estimated_kwh = excluded.estimated_kwh, buckets = excluded.buckets,
    expected_buckets = excluded.expected_buckets, computed_at = excluded.computed_at

-- name: delete_balance_days
-- %(enterprise_id)s int, %(days)s date[]
DELETE FROM balance_day WHERE enterprise_id = %(enterprise_id)s AND day = ANY (%(days)s)

-- name: mark_indicators_stale
-- %(enterprise_id)s int, %(from_day)s date
INSERT INTO stale_indicator (enterprise_id, from_day) VALUES (%(enterprise_id)s, %(from_day)s)
ON CONFLICT (enterprise_id) DO UPDATE
    SET from_day = least(stale_indicator.from_day, excluded.from_day)

-- name: take_stale_indicators
-- Claim all work of the indicator job of one park. %(park_id)s int
DELETE FROM stale_indicator s USING enterprise e
WHERE e.enterprise_id = s.enterprise_id AND e.park_id = %(park_id)s
RETURNING s.enterprise_id, s.from_day

-- name: balance_days
-- %(enterprise_id)s int, %(from_day)s, %(stop_day)s date
SELECT day, import_kwh, export_kwh, direct_kwh, onsite_kwh, charge_kwh, discharge_kwh,
       physical_green_kwh, grid_draw_kwh, consumption_kwh, estimated_kwh, buckets, expected_buckets
FROM balance_day
WHERE enterprise_id = %(enterprise_id)s AND day >= %(from_day)s AND day < %(stop_day)s
ORDER BY day

-- name: role_days
-- Daily amounts of all channels of an enterprise in a role; a day counts only if every channel has
-- all its buckets. %(enterprise_id)s int, %(role)s text, %(from_day)s, %(stop_day)s date
SELECT d.day, sum(d.value ORDER BY d.channel_id) AS value,
       sum(d.estimated_value ORDER BY d.channel_id) AS estimated_value
FROM channel_day d JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
WHERE m.enterprise_id = %(enterprise_id)s AND c.role = %(role)s AND c.retired_at IS NULL
  AND d.day >= %(from_day)s AND d.day < %(stop_day)s
GROUP BY d.day
HAVING count(*) FILTER (WHERE d.buckets = d.expected_buckets) = (
    SELECT count(*) FROM channel c2 JOIN meter m2 USING (meter_id)
    WHERE m2.enterprise_id = %(enterprise_id)s AND c2.role = %(role)s AND c2.retired_at IS NULL)
ORDER BY d.day
