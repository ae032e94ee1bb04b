-- name: balance_values
-- Quarter-hours of channels in [start, stop), a row of arrays per channel; what is not measured is
-- marked with 1. %(channels)s int[], %(start)s, %(stop)s timestamptz
SELECT c.channel_id, array_send(i.at), array_send(i.value), array_send(i.estimated)
FROM unnest(%(channels)s::int[]) AS c (channel_id)
CROSS JOIN LATERAL (
    SELECT array_agg(q.bucket_start) AS at, array_agg(q.value) AS value,
           array_agg((q.quality <> 'measured')::int::smallint) AS estimated
    FROM interval q
    WHERE q.channel_id = c.channel_id
      AND q.bucket_start >= %(start)s AND q.bucket_start < %(stop)s) i
WHERE i.at IS NOT NULL

-- name: mark_balances_stale
-- %(enterprise_id)s int, %(days)s date[]
INSERT INTO stale_balance (enterprise_id, day)
SELECT %(enterprise_id)s, day FROM unnest(%(days)s::date[]) AS d (day) ON CONFLICT DO NOTHING

-- name: stale_enterprises
-- Enterprises with days to trace, with their numbers of days
SELECT enterprise_id, count(*) FROM stale_balance GROUP BY enterprise_id ORDER BY enterprise_id

-- name: take_stale_balances
-- Claim the days of an enterprise. %(enterprise_id)s int
DELETE FROM stale_balance WHERE enterprise_id = %(enterprise_id)s RETURNING day

-- name: last_day
-- Last local day of which the enterprise has an energy. %(enterprise_id)s int, %(roles)s text[]
SELECT max(day) FROM enterprise_day
WHERE enterprise_id = %(enterprise_id)s AND role = ANY (%(roles)s)

-- name: delete_balance_days
-- %(enterprise_id)s int, %(first)s, %(stop)s date
DELETE FROM balance_day
WHERE enterprise_id = %(enterprise_id)s AND day >= %(first)s AND day < %(stop)s

-- name: delete_balance_hours
-- %(enterprise_id)s int, %(start)s, %(stop)s timestamptz
DELETE FROM balance_hour
WHERE enterprise_id = %(enterprise_id)s AND hour_start >= %(start)s AND hour_start < %(stop)s

-- name: copy_balance_days
COPY balance_day (enterprise_id, day, expected_buckets, computed_at, import_kwh, export_kwh,
    direct_kwh, onsite_kwh, charge_kwh, discharge_kwh, load_kwh, unbalanced_kwh, onsite_to_load_kwh, onsite_to_charge_kwh, onsite_to_export_kwh,
    direct_to_load_kwh, direct_to_charge_kwh, direct_to_export_kwh, storage_to_load_kwh,
    storage_to_charge_kwh, storage_to_export_kwh, grid_to_load_kwh, grid_to_charge_kwh,
    grid_to_export_kwh, green_load_kwh, green_charge_kwh, green_export_kwh, direct_export_kwh,
    green_lost_kwh, untraced_kwh, physical_green_kwh, grid_draw_kwh, consumption_kwh,
    estimated_kwh, buckets)
FROM STDIN (FORMAT BINARY)

-- name: copy_balance_hours
COPY balance_hour (enterprise_id, hour_start, import_kwh, export_kwh, direct_kwh, onsite_kwh,
    charge_kwh, discharge_kwh, load_kwh, unbalanced_kwh, onsite_to_load_kwh, onsite_to_charge_kwh, onsite_to_export_kwh,
    direct_to_load_kwh, direct_to_charge_kwh, direct_to_export_kwh, storage_to_load_kwh,
    storage_to_charge_kwh, storage_to_export_kwh, grid_to_load_kwh, grid_to_charge_kwh,
    grid_to_export_kwh, green_load_kwh, green_charge_kwh, green_export_kwh, direct_export_kwh,
    green_lost_kwh, untraced_kwh, physical_green_kwh, grid_draw_kwh, consumption_kwh,
    estimated_kwh, buckets)
FROM STDIN (FORMAT BINARY)

-- name: stock_before
-- What the storage holds after the last day before %(day)s date. %(enterprise_id)s int
SELECT day, layers FROM storage_stock
WHERE enterprise_id = %(enterprise_id)s AND day < %(day)s ORDER BY day DESC LIMIT 1

-- name: delete_stocks
-- %(enterprise_id)s int, %(first)s, %(stop)s date
DELETE FROM storage_stock
WHERE enterprise_id = %(enterprise_id)s AND day >= %(first)s AND day < %(stop)s

-- name: insert_stock
-- %(enterprise_id)s int, %(day)s date, %(layers)s float8[]
INSERT INTO storage_stock (enterprise_id, day, layers)
VALUES (%(enterprise_id)s, %(day)s, %(layers)s)

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
-- Days of the enterprises of a park, or of one. %(park_id)s int or null, %(enterprise_id)s int or null,
-- %(from_day)s, %(stop_day)s date
SELECT enterprise_id, day, expected_buckets, b.import_kwh, b.export_kwh, b.direct_kwh, b.onsite_kwh, b.charge_kwh, b.discharge_kwh,
       b.load_kwh, b.unbalanced_kwh, b.onsite_to_load_kwh, b.onsite_to_charge_kwh,
       b.onsite_to_export_kwh, b.direct_to_load_kwh, b.direct_to_charge_kwh,
       b.direct_to_export_kwh, b.storage_to_load_kwh, b.storage_to_charge_kwh,
       b.storage_to_export_kwh, b.grid_to_load_kwh, b.grid_to_charge_kwh, b.grid_to_export_kwh,
       b.green_load_kwh, b.green_charge_kwh, b.green_export_kwh, b.direct_export_kwh,
       b.green_lost_kwh, b.untraced_kwh, b.physical_green_kwh, b.grid_draw_kwh,
       b.consumption_kwh, b.estimated_kwh, b.buckets
FROM balance_day b JOIN enterprise e USING (enterprise_id)
WHERE (%(park_id)s::int IS NULL OR e.park_id = %(park_id)s)
  AND (%(enterprise_id)s::int IS NULL OR b.enterprise_id = %(enterprise_id)s)
  AND day >= %(from_day)s AND day < %(stop_day)s
ORDER BY enterprise_id, day

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

-- name: balance_hours
-- End use and its green part by hour. %(enterprise_id)s int, %(start)s, %(stop)s timestamptz
SELECT extract(epoch FROM hour_start)::int8, load_kwh, green_load_kwh FROM balance_hour
WHERE enterprise_id = %(enterprise_id)s AND hour_start >= %(start)s AND hour_start < %(stop)s
ORDER BY hour_start
