-- Queries of the overview dashboard. They read views of schema dash only.
-- Variables: $lang 'en' or 'zh', $park one key, $enterprise keys (All is a sub-select, so that an
-- empty database gives no "IN ()"). Macros that depend on TimescaleDB are not used.

-- name: variable_park
SELECT CASE '$lang' WHEN 'zh' THEN name_zh ELSE name_en END AS __text, park_key AS __value
FROM dash.park
ORDER BY 1

-- name: variable_enterprise
SELECT CASE '$lang' WHEN 'zh' THEN name_zh ELSE name_en END AS __text, enterprise_key AS __value
FROM dash.enterprise
WHERE park_key = '$park' AND retired_at IS NULL
ORDER BY 1

-- name: annotation_alerts
SELECT opened_at AS "time", CASE '$lang' WHEN 'zh' THEN name_zh ELSE name_en END AS text,
       rule || ',' || severity AS tags
FROM dash.alert
WHERE park_key = '$park' AND $__timeFilter(opened_at)
ORDER BY 1

-- name: share_now
SELECT j.s3_ratio, d.s1_ratio, j.path_ratio
FROM (VALUES (1)) AS one (n)
LEFT JOIN dash.green_share_judged j ON j.park_key = '$park' AND j.is_park
LEFT JOIN LATERAL (
    SELECT s1_ratio FROM dash.green_share_day
    WHERE park_key = '$park' AND is_park
    ORDER BY day DESC LIMIT 1
) d ON true

-- name: gap_now
SELECT 100 * j.gap_ratio AS gap_points
FROM (VALUES (1)) AS one (n)
LEFT JOIN dash.green_share_judged j ON j.park_key = '$park' AND j.is_park

-- name: required_now
SELECT j.required_ratio
FROM (VALUES (1)) AS one (n)
LEFT JOIN dash.green_share_judged j ON j.park_key = '$park' AND j.is_park

-- name: load_now
SELECT (
    SELECT sum(load_kw)
    FROM dash.load_15min
    WHERE park_key = '$park' AND enterprise_key IN ($enterprise)
      AND bucket_start > (SELECT now_at - interval '2 hours' FROM dash.clock)
    GROUP BY bucket_start
    HAVING count(load_kw) > 0
    ORDER BY count(load_kw) DESC, bucket_start DESC
    LIMIT 1
) AS load_kw

-- name: alerts_now
SELECT count(*) AS open_alerts
FROM dash.open_alert
WHERE park_key = '$park' AND state <> 'pending' AND (is_park OR enterprise_key IN ($enterprise))

-- name: data_now
SELECT (SELECT simulated::integer FROM dash.park WHERE park_key = '$park') AS simulated,
       max(behind_s) / 60 AS behind_minutes, sum(silent_channels)::integer AS silent_channels
FROM dash.freshness
WHERE park_key = '$park' AND enterprise_key IN ($enterprise)

-- name: share_path
SELECT at AS "time", CASE WHEN is_final THEN s3_ratio END AS s3_ratio,
       CASE WHEN NOT is_final THEN s3_ratio END AS s3_open_ratio, s1_ratio, path_ratio,
       estimated_ratio
FROM dash.green_share_day
WHERE park_key = '$park' AND is_park AND $__timeFilter(at)
ORDER BY 1

-- name: load_by_source
WITH due AS MATERIALIZED (
    SELECT first_at, stop_at
    FROM dash.balance_channel
    WHERE park_key = '$park' AND enterprise_key IN ($enterprise)
), bucket AS (
    SELECT bucket_start, sum(grid_import_kw) AS grid_import_kw,
           sum(direct_supply_kw) AS direct_supply_kw, sum(onsite_pv_kw) AS onsite_pv_kw,
           sum(onsite_wind_kw) AS onsite_wind_kw,
           sum(storage_discharge_kw) AS storage_discharge_kw,
           -sum(storage_charge_kw) AS storage_charge_kw, -sum(grid_export_kw) AS grid_export_kw,
           sum(load_kw) AS load_kw, sum(channels) AS channels, sum(estimated_kw) AS estimated_kw
    FROM dash.load_15min
    WHERE park_key = '$park' AND enterprise_key IN ($enterprise)
      AND bucket_start >= $__timeFrom() AND bucket_start < $__timeTo()
    GROUP BY bucket_start
), complete AS (
    SELECT b.*, b.channels >= (
        SELECT count(*) FROM due d
        WHERE d.first_at <= b.bucket_start AND d.stop_at > b.bucket_start
    ) AS is_complete
    FROM bucket b
)
SELECT date_bin(make_interval(secs => greatest($__interval_ms, 900000) / 1000), c.bucket_start,
                p.day_origin_at) AS "time",
       avg(grid_import_kw) AS grid_import_kw, avg(direct_supply_kw) AS direct_supply_kw,
       avg(onsite_pv_kw) AS onsite_pv_kw, avg(onsite_wind_kw) AS onsite_wind_kw,
       avg(storage_discharge_kw) AS storage_discharge_kw,
       avg(storage_charge_kw) AS storage_charge_kw, avg(grid_export_kw) AS grid_export_kw,
       avg(load_kw) FILTER (WHERE is_complete) AS load_kw, avg(estimated_kw) AS estimated_kw
FROM complete c
CROSS JOIN dash.park p
WHERE p.park_key = '$park'
GROUP BY 1
ORDER BY 1

-- name: alerts
SELECT severity, state, rule, CASE '$lang' WHEN 'zh' THEN name_zh ELSE name_en END AS name,
       trim_scale(round((v.scale * value)::numeric, v.digits)) || ' / '
           || trim_scale(round((v.scale * target)::numeric, v.digits)) || ' ' || v.label
           AS value_target,
       opened_at
FROM dash.open_alert
CROSS JOIN LATERAL (
    SELECT CASE unit WHEN 'ratio' THEN 100 ELSE 1 END AS scale,
           CASE WHEN unit = 'ratio' THEN 1 WHEN abs(target) < 100 THEN 2 ELSE 0 END AS digits,
           CASE unit WHEN 'ratio' THEN '%' ELSE replace(unit, 'm3', 'm³') END AS label
) v
WHERE park_key = '$park' AND (is_park OR enterprise_key IN ($enterprise))
ORDER BY CASE severity WHEN 'critical' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, opened_at DESC

-- name: enterprises
SELECT CASE '$lang' WHEN 'zh' THEN e.name_zh ELSE e.name_en END AS name,
       j.s3_ratio, s.s1_ratio, 100 * j.gap_ratio AS gap_points, i.energy_deviation_ratio,
       i.water_deviation_ratio
FROM dash.enterprise e
LEFT JOIN dash.green_share_judged j
    ON j.park_key = '$park' AND NOT j.is_park AND j.enterprise_key = e.enterprise_key
LEFT JOIN (
    SELECT DISTINCT ON (enterprise_key) enterprise_key, s1_ratio
    FROM dash.green_share_day
    WHERE park_key = '$park' AND NOT is_park
    ORDER BY enterprise_key, day DESC
) s ON s.enterprise_key = e.enterprise_key
LEFT JOIN (
    SELECT DISTINCT ON (enterprise_key) enterprise_key, energy_deviation_ratio, water_deviation_ratio
    FROM dash.intensity
    WHERE park_key = '$park'
    ORDER BY enterprise_key, day DESC
) i ON i.enterprise_key = e.enterprise_key
WHERE e.park_key = '$park' AND e.enterprise_key IN ($enterprise) AND e.retired_at IS NULL
ORDER BY j.gap_ratio NULLS LAST, 1

-- name: energy_intensity
SELECT CASE '$lang' WHEN 'zh' THEN name_zh ELSE name_en END AS name, energy_kwh_per_t AS value,
       energy_target_kwh_per_t AS target, energy_deviation_ratio AS deviation_ratio,
       energy_completeness_ratio AS completeness_ratio, energy_estimated_ratio AS estimated_ratio,
       to_char(day, 'MM-DD') AS day
FROM (
    SELECT DISTINCT ON (enterprise_key) *
    FROM dash.intensity
    WHERE park_key = '$park' AND enterprise_key IN ($enterprise)
    ORDER BY enterprise_key, day DESC
) i
WHERE energy_kwh_per_t IS NOT NULL OR energy_target_kwh_per_t IS NOT NULL
ORDER BY energy_deviation_ratio DESC NULLS LAST, 1

-- name: water_intensity
SELECT CASE '$lang' WHEN 'zh' THEN name_zh ELSE name_en END AS name, water_m3_per_t AS value,
       water_target_m3_per_t AS target, water_deviation_ratio AS deviation_ratio,
       water_completeness_ratio AS completeness_ratio, water_estimated_ratio AS estimated_ratio,
       to_char(day, 'MM-DD') AS day
FROM (
    SELECT DISTINCT ON (enterprise_key) *
    FROM dash.intensity
    WHERE park_key = '$park' AND enterprise_key IN ($enterprise)
    ORDER BY enterprise_key, day DESC
) i
WHERE water_m3_per_t IS NOT NULL OR water_target_m3_per_t IS NOT NULL
ORDER BY water_deviation_ratio DESC NULLS LAST, 1

-- name: freshness
SELECT CASE '$lang' WHEN 'zh' THEN f.name_zh ELSE f.name_en END AS name, f.last_reading_at,
       f.behind_s / 60 AS behind_minutes, f.silent_channels, f.channels, q.completeness_ratio, q.estimated_ratio
FROM dash.freshness f
LEFT JOIN (
    SELECT enterprise_key, sum(estimated_kwh) / nullif(sum(metered_kwh), 0) AS estimated_ratio,
           sum(buckets)::double precision / nullif(sum(expected_buckets), 0) AS completeness_ratio
    FROM dash.estimated
    WHERE park_key = '$park' AND at > (SELECT now_at - interval '7 days' FROM dash.clock)
    GROUP BY enterprise_key
) q ON q.enterprise_key = f.enterprise_key
WHERE f.park_key = '$park' AND f.enterprise_key IN ($enterprise)
ORDER BY f.behind_s DESC NULLS FIRST, 1
