-- Why: what dashboards read. Views only; greenpark_reader has no right on the tables below them.
-- Names are bilingual (name_zh, name_en); ratios are 0..1; a value that cannot be told is null,
-- never zero. Locks: catalogue rows. Transaction: on.

CREATE VIEW dash.clock AS
SELECT CASE WHEN j.park_time IS NULL OR abs(extract(epoch FROM j.park_time - j.started_at)) < 300
            THEN now() ELSE j.park_time END AS now_at
FROM (VALUES (1)) AS one (n)
LEFT JOIN LATERAL (
    SELECT park_time, started_at FROM job_run
    WHERE park_time IS NOT NULL ORDER BY started_at DESC LIMIT 1) j ON true;
COMMENT ON COLUMN dash.clock.now_at IS
    'present instant of the park: the wall clock, or the time of the last job run when the park clock is replayed or accelerated';

CREATE VIEW dash.park AS
SELECT p.park_id, p.key AS park_key, p.name_zh, p.name_en, p.timezone, p.simulated,
       g.year AS goal_year, g.start_ratio AS goal_start_ratio,
       g.year_end_ratio AS goal_year_end_ratio, g.share AS goal_share, g.source AS goal_source,
       timestamp '2000-01-03' AT TIME ZONE p.timezone AS day_origin_at
FROM park p
LEFT JOIN LATERAL jsonb_to_record(p.document -> 'goal') AS g (
    year integer, start_ratio double precision, year_end_ratio double precision,
    share text, source text) ON true;
COMMENT ON COLUMN dash.park.goal_start_ratio IS 'glide path on 1 January, share 0..1';
COMMENT ON COLUMN dash.park.goal_year_end_ratio IS 'promised share at year end, 0..1';
COMMENT ON COLUMN dash.park.goal_share IS 'which share the promise is read by: S1 or S3';
COMMENT ON COLUMN dash.park.day_origin_at IS 'a local Monday midnight: origin for date_bin, so that long bins start with local days';

CREATE VIEW dash.enterprise AS
SELECT e.enterprise_id, p.key AS park_key, e.key AS enterprise_key, e.name_zh, e.name_en, e.kind,
       e.in_goal_boundary, e.retired_at,
       coalesce((d.targets ->> 'green_share_ratio')::double precision,
                (p.document -> 'goal' ->> 'year_end_ratio')::double precision)
           AS green_share_target_ratio,
       (d.targets ->> 'energy_intensity_kwh_per_t')::double precision AS energy_target_kwh_per_t,
       (d.targets ->> 'water_intensity_m3_per_t')::double precision AS water_target_m3_per_t
FROM enterprise e
JOIN park p ON p.park_id = e.park_id
LEFT JOIN LATERAL (
    SELECT x.entry -> 'targets' AS targets
    FROM jsonb_array_elements(p.document -> 'enterprises') AS x (entry)
    WHERE x.entry ->> 'key' = e.key LIMIT 1) d ON true;
COMMENT ON COLUMN dash.enterprise.green_share_target_ratio IS 'share at year end, 0..1; own target, else the goal of the park';
COMMENT ON COLUMN dash.enterprise.energy_target_kwh_per_t IS 'kWh per tonne of product; null: no target';
COMMENT ON COLUMN dash.enterprise.water_target_m3_per_t IS 'm3 per tonne of product; null: no target';

-- The value of a day is known at its end, so `at` is the local midnight that closes the day.
CREATE VIEW dash.green_share_day AS
WITH pair AS (
    SELECT park_id, enterprise_id, period_start, period_stop,
           max(value) FILTER (WHERE indicator = 'green_share_physical') AS s1_ratio,
           max(value) FILTER (WHERE indicator = 'green_share_claim') AS s3_ratio,
           min(completeness_ratio) AS completeness_ratio,
           max(estimated_ratio) AS estimated_ratio,
           bool_and(status = 'final') AS is_final,
           (period_stop - period_start)::double precision
               / ((period_start + interval '1 year')::date - period_start) AS elapsed_ratio
    FROM indicator_value
    WHERE period_kind = 'ytd' AND indicator IN ('green_share_physical', 'green_share_claim')
    GROUP BY park_id, enterprise_id, period_start, period_stop
), aimed AS (
    SELECT p.park_key, coalesce(e.enterprise_key, 'park') AS enterprise_key,
           v.enterprise_id IS NULL AS is_park,
           coalesce(e.name_zh, p.name_zh) AS name_zh, coalesce(e.name_en, p.name_en) AS name_en,
           v.period_stop - 1 AS day, v.period_stop::timestamp AT TIME ZONE p.timezone AS at,
           v.s1_ratio, v.s3_ratio,
           CASE p.goal_share WHEN 'S1' THEN v.s1_ratio ELSE v.s3_ratio END AS goal_share_ratio,
           CASE WHEN extract(year FROM v.period_start) = p.goal_year
                THEN coalesce(e.green_share_target_ratio, p.goal_year_end_ratio)
           END AS target_ratio,
           p.goal_start_ratio, v.elapsed_ratio, v.completeness_ratio, v.estimated_ratio, v.is_final
    FROM pair v
    JOIN dash.park p ON p.park_id = v.park_id
    LEFT JOIN dash.enterprise e ON e.enterprise_id = v.enterprise_id
)
SELECT a.park_key, a.enterprise_key, a.is_park, a.name_zh, a.name_en, a.day, a.at,
       a.s1_ratio, a.s3_ratio, a.goal_share_ratio, a.target_ratio, g.path_ratio,
       a.goal_share_ratio - g.path_ratio AS gap_ratio,
       (a.target_ratio - a.elapsed_ratio * a.goal_share_ratio)
           / nullif(1 - a.elapsed_ratio, 0) AS required_ratio,
       a.completeness_ratio, a.estimated_ratio, a.is_final
FROM aimed a
CROSS JOIN LATERAL (
    SELECT a.goal_start_ratio + (a.target_ratio - a.goal_start_ratio) * a.elapsed_ratio
        AS path_ratio) g;
COMMENT ON VIEW dash.green_share_day IS 'green share of the calendar year so far, one row per subject and day; enterprise_key ''park'' with is_park: the park';
COMMENT ON COLUMN dash.green_share_day.s1_ratio IS 'physical green share P/E, 0..1';
COMMENT ON COLUMN dash.green_share_day.s3_ratio IS 'claimable green share (P+Tg+C)/E, 0..1';
COMMENT ON COLUMN dash.green_share_day.goal_share_ratio IS 'the one of the two by which the promise is read, 0..1';
COMMENT ON COLUMN dash.green_share_day.path_ratio IS 'glide path of that day: straight line from the start to the year-end target, 0..1; null outside the goal year';
COMMENT ON COLUMN dash.green_share_day.gap_ratio IS 'share minus path; negative: behind';
COMMENT ON COLUMN dash.green_share_day.required_ratio IS 'share needed over the rest of the year if consumption per day stays as it was; above 1: out of reach without certificates';
COMMENT ON COLUMN dash.green_share_day.completeness_ratio IS 'closed balances / due balances, 0..1';
COMMENT ON COLUMN dash.green_share_day.estimated_ratio IS 'estimated part of the metered energy, 0..1';

-- Shares are judged on final days only: a month without its settlement looks worse than it is.
CREATE VIEW dash.green_share_judged AS
SELECT DISTINCT ON (park_key, is_park, enterprise_key) *
FROM dash.green_share_day
ORDER BY park_key, is_park, enterprise_key, extract(year FROM day) DESC, is_final DESC, day DESC;
COMMENT ON VIEW dash.green_share_judged IS 'the day of green_share_day by which a subject is judged: the newest final one of the newest year, else the newest';

CREATE VIEW dash.balance_channel AS
SELECT m.enterprise_id, e.park_key, e.enterprise_key, m.key AS meter_key, c.key AS channel_key,
       c.role, coalesce(c.in_service_from::timestamp AT TIME ZONE p.timezone, '-infinity')
           AS first_at,
       coalesce(least(c.retired_at, m.retired_at), 'infinity') AS stop_at
FROM channel c
JOIN meter m ON m.meter_id = c.meter_id
JOIN dash.enterprise e ON e.enterprise_id = m.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key
WHERE c.role IN ('grid_import', 'grid_export', 'direct_supply', 'onsite_pv', 'onsite_wind',
                 'storage_charge', 'storage_discharge');
COMMENT ON VIEW dash.balance_channel IS 'channels that take part in an energy balance, in service in [first_at, stop_at)';

-- An enterprise has a load in a quarter-hour only if every balance channel in service has a value.
CREATE VIEW dash.load_15min AS
WITH span AS MATERIALIZED (
    SELECT enterprise_id, first_at, stop_at FROM dash.balance_channel
), metered AS (
    SELECT m.enterprise_id, i.bucket_start, count(*) AS channels,
           4 * sum(i.value) FILTER (WHERE c.role = 'grid_import') AS grid_import_kw,
           4 * sum(i.value) FILTER (WHERE c.role = 'grid_export') AS grid_export_kw,
           4 * sum(i.value) FILTER (WHERE c.role = 'direct_supply') AS direct_supply_kw,
           4 * sum(i.value) FILTER (WHERE c.role = 'onsite_pv') AS onsite_pv_kw,
           4 * sum(i.value) FILTER (WHERE c.role = 'onsite_wind') AS onsite_wind_kw,
           4 * sum(i.value) FILTER (WHERE c.role = 'storage_charge') AS storage_charge_kw,
           4 * sum(i.value) FILTER (WHERE c.role = 'storage_discharge') AS storage_discharge_kw,
           4 * sum(i.value) FILTER (WHERE i.quality = 'estimated') AS estimated_kw
    FROM interval i
    JOIN channel c ON c.channel_id = i.channel_id
    JOIN meter m ON m.meter_id = c.meter_id
    WHERE c.role IN ('grid_import', 'grid_export', 'direct_supply', 'onsite_pv', 'onsite_wind',
                     'storage_charge', 'storage_discharge')
    GROUP BY m.enterprise_id, i.bucket_start
)
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, b.bucket_start,
       b.grid_import_kw, b.direct_supply_kw, b.onsite_pv_kw, b.onsite_wind_kw,
       b.storage_discharge_kw, b.storage_charge_kw, b.grid_export_kw,
       CASE WHEN b.channels >= d.due THEN
           coalesce(b.grid_import_kw, 0) + coalesce(b.direct_supply_kw, 0)
           + coalesce(b.onsite_pv_kw, 0) + coalesce(b.onsite_wind_kw, 0)
           + coalesce(b.storage_discharge_kw, 0) - coalesce(b.storage_charge_kw, 0)
           - coalesce(b.grid_export_kw, 0) END AS load_kw,
       b.estimated_kw, b.channels, d.due AS due_channels
FROM metered b
JOIN dash.enterprise e ON e.enterprise_id = b.enterprise_id
CROSS JOIN LATERAL (
    SELECT count(*) AS due FROM span s
    WHERE s.enterprise_id = b.enterprise_id AND s.first_at <= b.bucket_start
      AND s.stop_at > b.bucket_start) d;
COMMENT ON VIEW dash.load_15min IS 'mean power per enterprise and quarter-hour = 4 x kWh; every column is positive in its own direction';
COMMENT ON COLUMN dash.load_15min.load_kw IS 'mean kW consumed: import + direct + on-site + discharge - charge - export; null: a balance channel is missing';
COMMENT ON COLUMN dash.load_15min.estimated_kw IS 'part of the metered power that was estimated, mean kW, all balance channels; null: none';
COMMENT ON COLUMN dash.load_15min.channels IS 'balance channels with a value';
COMMENT ON COLUMN dash.load_15min.due_channels IS 'balance channels in service';

CREATE VIEW dash.intensity AS
WITH pair AS (
    SELECT enterprise_id, period_stop,
           max(value) FILTER (WHERE indicator = 'energy_intensity') AS energy_kwh_per_t,
           max(value) FILTER (WHERE indicator = 'water_intensity') AS water_m3_per_t,
           max(completeness_ratio) FILTER (WHERE indicator = 'energy_intensity')
               AS energy_completeness_ratio,
           max(completeness_ratio) FILTER (WHERE indicator = 'water_intensity')
               AS water_completeness_ratio,
           max(estimated_ratio) FILTER (WHERE indicator = 'energy_intensity')
               AS energy_estimated_ratio,
           max(estimated_ratio) FILTER (WHERE indicator = 'water_intensity')
               AS water_estimated_ratio,
           bool_and(status = 'final') AS is_final
    FROM indicator_value
    WHERE period_kind = 'rolling_7d' AND enterprise_id IS NOT NULL
      AND indicator IN ('energy_intensity', 'water_intensity')
    GROUP BY enterprise_id, period_stop
)
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, v.period_stop - 1 AS day,
       v.period_stop::timestamp AT TIME ZONE p.timezone AS at,
       v.energy_kwh_per_t, e.energy_target_kwh_per_t,
       v.energy_kwh_per_t / nullif(e.energy_target_kwh_per_t, 0) - 1 AS energy_deviation_ratio,
       v.energy_completeness_ratio, v.energy_estimated_ratio,
       v.water_m3_per_t, e.water_target_m3_per_t,
       v.water_m3_per_t / nullif(e.water_target_m3_per_t, 0) - 1 AS water_deviation_ratio,
       v.water_completeness_ratio, v.water_estimated_ratio, v.is_final
FROM pair v
JOIN dash.enterprise e ON e.enterprise_id = v.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key;
COMMENT ON VIEW dash.intensity IS 'consumption per tonne of product over the last 7 local days, one row per enterprise and last day counted';
COMMENT ON COLUMN dash.intensity.energy_kwh_per_t IS 'kWh per tonne; null: cannot tell';
COMMENT ON COLUMN dash.intensity.energy_deviation_ratio IS 'actual / target - 1; positive: uses more than promised';
COMMENT ON COLUMN dash.intensity.water_m3_per_t IS 'm3 per tonne; null: cannot tell';
COMMENT ON COLUMN dash.intensity.water_deviation_ratio IS 'actual / target - 1; positive: uses more than promised';

CREATE VIEW dash.alert AS
SELECT a.alert_id, p.park_key, coalesce(e.enterprise_key, 'park') AS enterprise_key,
       a.enterprise_id IS NULL AS is_park,
       coalesce(e.name_zh, p.name_zh) AS name_zh, coalesce(e.name_en, p.name_en) AS name_en,
       a.rule, a.severity, a.state, x.value, x.target, a.evidence ->> 'unit' AS unit,
       a.evidence ->> 'period_start' AS period_start, a.evidence ->> 'period_stop' AS period_stop,
       a.opened_at, a.evaluated_at, a.resolved_at
FROM alert a
JOIN dash.park p ON p.park_id = a.park_id
LEFT JOIN dash.enterprise e ON e.enterprise_id = a.enterprise_id
CROSS JOIN LATERAL (
    SELECT CASE jsonb_typeof(a.evidence -> 'value') WHEN 'number'
                THEN (a.evidence ->> 'value')::double precision END AS value,
           CASE jsonb_typeof(a.evidence -> 'target') WHEN 'number'
                THEN (a.evidence ->> 'target')::double precision END AS target) x;
COMMENT ON COLUMN dash.alert.value IS 'in `unit`';
COMMENT ON COLUMN dash.alert.target IS 'in `unit`';

CREATE VIEW dash.open_alert AS
SELECT alert_id, park_key, enterprise_key, is_park, name_zh, name_en, rule, severity, state,
       value, target, unit, period_start, period_stop, opened_at, evaluated_at
FROM dash.alert WHERE state <> 'resolved';
COMMENT ON COLUMN dash.open_alert.value IS 'in `unit`';
COMMENT ON COLUMN dash.open_alert.target IS 'in `unit`';

-- One index look-up per channel, never a scan of the readings.
CREATE VIEW dash.channel_freshness AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, m.key AS meter_key,
       c.key AS channel_key, c.quantity, c.period_s, l.ts AS last_reading_at,
       greatest(extract(epoch FROM k.now_at - l.ts), 0)::double precision AS behind_s,
       l.ts IS NULL OR l.ts < k.now_at - make_interval(secs => greatest(3 * c.period_s, 900))
           AS is_silent
FROM channel c
JOIN meter m ON m.meter_id = c.meter_id
JOIN dash.enterprise e ON e.enterprise_id = m.enterprise_id
CROSS JOIN dash.clock k
LEFT JOIN LATERAL (SELECT r.ts FROM reading r
                   WHERE r.channel_id = c.channel_id ORDER BY r.ts DESC LIMIT 1) l ON true
WHERE c.retired_at IS NULL AND m.retired_at IS NULL AND e.retired_at IS NULL;
COMMENT ON COLUMN dash.channel_freshness.behind_s IS 'seconds since the last reading, park clock; null: never read';
COMMENT ON COLUMN dash.channel_freshness.period_s IS 'nominal sampling period in seconds';
COMMENT ON COLUMN dash.channel_freshness.is_silent IS 'nothing for three sampling periods, at least 15 minutes';

CREATE VIEW dash.freshness AS
SELECT park_key, enterprise_key, name_zh, name_en, max(last_reading_at) AS last_reading_at,
       min(behind_s) AS behind_s, count(*) AS channels,
       count(*) FILTER (WHERE is_silent) AS silent_channels
FROM dash.channel_freshness
GROUP BY park_key, enterprise_key, name_zh, name_en;
COMMENT ON COLUMN dash.freshness.behind_s IS 'seconds since the last reading of the enterprise, park clock; null: never read';
COMMENT ON COLUMN dash.freshness.channels IS 'channels in service';
COMMENT ON COLUMN dash.freshness.silent_channels IS 'channels with nothing for three sampling periods';

CREATE VIEW dash.estimated AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, b.day,
       (b.day + 1)::timestamp AT TIME ZONE p.timezone AS at,
       b.import_kwh + b.export_kwh + b.direct_kwh + b.onsite_kwh + b.charge_kwh + b.discharge_kwh
           AS metered_kwh,
       b.estimated_kwh, b.consumption_kwh, b.buckets, b.expected_buckets
FROM balance_day b
JOIN dash.enterprise e ON e.enterprise_id = b.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key;
COMMENT ON VIEW dash.estimated IS 'how much of each local day was closed and how much of its metered energy was estimated';
COMMENT ON COLUMN dash.estimated.metered_kwh IS 'kWh through all balance channels';
COMMENT ON COLUMN dash.estimated.estimated_kwh IS 'estimated part of metered_kwh';
COMMENT ON COLUMN dash.estimated.buckets IS 'quarter-hours with a closed balance';
COMMENT ON COLUMN dash.estimated.expected_buckets IS 'quarter-hours of the day';

GRANT SELECT ON ALL TABLES IN SCHEMA dash TO greenpark_reader;
