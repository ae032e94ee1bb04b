-- name: interval_values
-- 15-minute values of channels in [start, stop); what is not measured is marked.
-- %(channels)s int[], %(start)s, %(stop)s timestamptz
SELECT extract(epoch FROM bucket_start)::int8 AS start_s, channel_id, value,
       quality <> 'measured' AS estimated
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
