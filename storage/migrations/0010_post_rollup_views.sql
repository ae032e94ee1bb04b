-- Why: energy per hour, day and month for dashboards, from the roll-ups: a chart of a year reads
-- thousands of rows, not millions. And every day known so far goes on the
-- work list: it has no roll-up yet but channel_day. Locks: catalogue rows. Transaction: on.

CREATE VIEW dash.energy_hour AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, h.hour_start AS at,
       sum(h.value) FILTER (WHERE h.role = 'grid_import') AS grid_import_kwh,
       sum(h.value) FILTER (WHERE h.role = 'direct_supply') AS direct_supply_kwh,
       sum(h.value) FILTER (WHERE h.role = 'onsite_pv') AS onsite_pv_kwh,
       sum(h.value) FILTER (WHERE h.role = 'onsite_wind') AS onsite_wind_kwh,
       sum(h.value) FILTER (WHERE h.role = 'storage_discharge') AS storage_discharge_kwh,
       sum(h.value) FILTER (WHERE h.role = 'storage_charge') AS storage_charge_kwh,
       sum(h.value) FILTER (WHERE h.role = 'grid_export') AS grid_export_kwh,
       sum(h.estimated_value) AS estimated_kwh, sum(h.edited_value) AS edited_kwh,
       sum(h.buckets) AS buckets, sum(h.expected_buckets) AS expected_buckets
FROM enterprise_hour h
JOIN dash.enterprise e ON e.enterprise_id = h.enterprise_id
WHERE h.role IN ('grid_import', 'grid_export', 'direct_supply', 'onsite_pv', 'onsite_wind',
                 'storage_charge', 'storage_discharge')
GROUP BY e.park_key, e.enterprise_key, e.name_zh, e.name_en, h.hour_start;
COMMENT ON VIEW dash.energy_hour IS 'metered energy per enterprise and hour of the park zone; every column is positive in its own direction, null: no channel of the role had a value';
COMMENT ON COLUMN dash.energy_hour.at IS 'start of the hour';
COMMENT ON COLUMN dash.energy_hour.estimated_kwh IS 'estimated part of the metered energy, all balance channels';
COMMENT ON COLUMN dash.energy_hour.edited_kwh IS 'part that was edited by hand, all balance channels';
COMMENT ON COLUMN dash.energy_hour.buckets IS 'quarter-hours x channels with a value';
COMMENT ON COLUMN dash.energy_hour.expected_buckets IS 'quarter-hours x channels in service of the roles that have a value at all; fewer buckets: the sums are too low';

CREATE VIEW dash.energy_day AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, d.day,
       d.day::timestamp AT TIME ZONE p.timezone AS at,
       sum(d.value) FILTER (WHERE d.role = 'grid_import') AS grid_import_kwh,
       sum(d.value) FILTER (WHERE d.role = 'direct_supply') AS direct_supply_kwh,
       sum(d.value) FILTER (WHERE d.role = 'onsite_pv') AS onsite_pv_kwh,
       sum(d.value) FILTER (WHERE d.role = 'onsite_wind') AS onsite_wind_kwh,
       sum(d.value) FILTER (WHERE d.role = 'storage_discharge') AS storage_discharge_kwh,
       sum(d.value) FILTER (WHERE d.role = 'storage_charge') AS storage_charge_kwh,
       sum(d.value) FILTER (WHERE d.role = 'grid_export') AS grid_export_kwh,
       sum(d.estimated_value) AS estimated_kwh, sum(d.edited_value) AS edited_kwh,
       sum(d.buckets) AS buckets, sum(d.expected_buckets) AS expected_buckets
FROM enterprise_day d
JOIN dash.enterprise e ON e.enterprise_id = d.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key
WHERE d.role IN ('grid_import', 'grid_export', 'direct_supply', 'onsite_pv', 'onsite_wind',
                 'storage_charge', 'storage_discharge')
GROUP BY e.park_key, e.enterprise_key, e.name_zh, e.name_en, d.day, p.timezone;
COMMENT ON VIEW dash.energy_day IS 'metered energy per enterprise and local day; columns as energy_hour';
COMMENT ON COLUMN dash.energy_day.at IS 'local midnight that begins the day';
COMMENT ON COLUMN dash.energy_day.estimated_kwh IS 'estimated part of the metered energy, all balance channels';
COMMENT ON COLUMN dash.energy_day.edited_kwh IS 'part that was edited by hand, all balance channels';
COMMENT ON COLUMN dash.energy_day.buckets IS 'quarter-hours x channels with a value';
COMMENT ON COLUMN dash.energy_day.expected_buckets IS 'quarter-hours x channels in service of the roles that have a value at all; fewer buckets: the sums are too low';

CREATE VIEW dash.energy_month AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, d.month,
       d.month::timestamp AT TIME ZONE p.timezone AS at,
       sum(d.value) FILTER (WHERE d.role = 'grid_import') AS grid_import_kwh,
       sum(d.value) FILTER (WHERE d.role = 'direct_supply') AS direct_supply_kwh,
       sum(d.value) FILTER (WHERE d.role = 'onsite_pv') AS onsite_pv_kwh,
       sum(d.value) FILTER (WHERE d.role = 'onsite_wind') AS onsite_wind_kwh,
       sum(d.value) FILTER (WHERE d.role = 'storage_discharge') AS storage_discharge_kwh,
       sum(d.value) FILTER (WHERE d.role = 'storage_charge') AS storage_charge_kwh,
       sum(d.value) FILTER (WHERE d.role = 'grid_export') AS grid_export_kwh,
       sum(d.estimated_value) AS estimated_kwh, sum(d.edited_value) AS edited_kwh,
       sum(d.buckets) AS buckets, sum(d.expected_buckets) AS expected_buckets
FROM enterprise_month d
JOIN dash.enterprise e ON e.enterprise_id = d.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key
WHERE d.role IN ('grid_import', 'grid_export', 'direct_supply', 'onsite_pv', 'onsite_wind',
                 'storage_charge', 'storage_discharge')
GROUP BY e.park_key, e.enterprise_key, e.name_zh, e.name_en, d.month, p.timezone;
COMMENT ON VIEW dash.energy_month IS 'metered energy per enterprise and local month (first day), the running one as far as it is; columns as energy_hour';
COMMENT ON COLUMN dash.energy_month.at IS 'local midnight that begins the month';
COMMENT ON COLUMN dash.energy_month.estimated_kwh IS 'estimated part of the metered energy, all balance channels';
COMMENT ON COLUMN dash.energy_month.edited_kwh IS 'part that was edited by hand, all balance channels';
COMMENT ON COLUMN dash.energy_month.buckets IS 'quarter-hours x channels with a value';
COMMENT ON COLUMN dash.energy_month.expected_buckets IS 'quarter-hours of the whole month x channels in service of the roles that have a value at all';

INSERT INTO stale_day (channel_id, day) SELECT channel_id, day FROM channel_day
ON CONFLICT DO NOTHING;

-- Gauges had no days so far.
INSERT INTO stale_day (channel_id, day)
SELECT c.channel_id, d.day::date
FROM channel c
JOIN meter m ON m.meter_id = c.meter_id
JOIN park p ON p.park_id = m.park_id
CROSS JOIN LATERAL (
    SELECT min(i.bucket_start) AS first_at, max(i.bucket_start) AS last_at
    FROM interval i WHERE i.channel_id = c.channel_id) s
CROSS JOIN LATERAL generate_series(date_trunc('day', s.first_at AT TIME ZONE p.timezone),
    s.last_at AT TIME ZONE p.timezone, interval '1 day') AS d (day)
WHERE c.kind = 'gauge'
ON CONFLICT DO NOTHING;

-- What the numbers of the roll-ups are.
COMMENT ON COLUMN channel_hour.value IS 'amount, or mean of a gauge; canonical unit';
COMMENT ON COLUMN channel_hour.edited_value IS 'part of value that was edited by hand, canonical unit';
COMMENT ON COLUMN channel_month.value IS 'amount, or mean of a gauge; canonical unit';
COMMENT ON COLUMN channel_month.edited_value IS 'part of value that was edited by hand, canonical unit';
COMMENT ON COLUMN channel_hour.low IS 'gauges: lowest reading, canonical unit';
COMMENT ON COLUMN channel_hour.high IS 'gauges: highest reading, canonical unit';
COMMENT ON COLUMN channel_hour.last IS 'gauges: last reading, canonical unit';
COMMENT ON COLUMN channel_day.low IS 'gauges: lowest reading, canonical unit';
COMMENT ON COLUMN channel_day.high IS 'gauges: highest reading, canonical unit';
COMMENT ON COLUMN channel_day.last IS 'gauges: last reading, canonical unit';
COMMENT ON COLUMN channel_month.low IS 'gauges: lowest reading, canonical unit';
COMMENT ON COLUMN channel_month.high IS 'gauges: highest reading, canonical unit';
COMMENT ON COLUMN channel_month.last IS 'gauges: last reading, canonical unit';
COMMENT ON COLUMN enterprise_hour.value IS 'sum over the channels of the role, canonical unit';
COMMENT ON COLUMN enterprise_hour.edited_value IS 'part of value that was edited by hand, canonical unit';
COMMENT ON COLUMN enterprise_day.value IS 'sum over the channels of the role, canonical unit';
COMMENT ON COLUMN enterprise_day.edited_value IS 'part of value that was edited by hand, canonical unit';
COMMENT ON COLUMN enterprise_month.value IS 'sum over the channels of the role, canonical unit';
COMMENT ON COLUMN enterprise_month.edited_value IS 'part of value that was edited by hand, canonical unit';

GRANT SELECT ON dash.energy_hour, dash.energy_day, dash.energy_month TO greenpark_reader;
