-- name: enterprise_status
-- Newest figures per enterprise for the live table. %(park_id)s int
SELECT e.key, e.name_zh, e.name_en, claim.value AS s3_ratio, claim.period_stop AS s3_stop,
       (SELECT v.value FROM indicator_value v WHERE v.park_id = e.park_id
          AND v.enterprise_id = e.enterprise_id AND v.indicator = 'green_share_physical'
          AND v.period_kind = 'ytd' ORDER BY v.period_stop DESC LIMIT 1) AS s1_ratio,
       (SELECT v.value FROM indicator_value v WHERE v.park_id = e.park_id
          AND v.enterprise_id = e.enterprise_id AND v.indicator = 'energy_intensity'
          AND v.period_kind = 'rolling_7d' ORDER BY v.period_stop DESC LIMIT 1)
          AS energy_kwh_per_t,
       (SELECT v.value FROM indicator_value v WHERE v.park_id = e.park_id
          AND v.enterprise_id = e.enterprise_id AND v.indicator = 'water_intensity'
          AND v.period_kind = 'rolling_7d' ORDER BY v.period_stop DESC LIMIT 1) AS water_m3_per_t,
       (SELECT count(*) FROM alert a WHERE a.enterprise_id = e.enterprise_id
          AND a.state IN ('firing', 'acknowledged')) AS open_alerts
FROM enterprise e
LEFT JOIN LATERAL (
    SELECT v.value, v.period_stop FROM indicator_value v
    WHERE v.park_id = e.park_id AND v.enterprise_id = e.enterprise_id
      AND v.indicator = 'green_share_claim' AND v.period_kind = 'ytd' AND v.status = 'final'
    ORDER BY v.period_stop DESC LIMIT 1) claim ON true
WHERE e.park_id = %(park_id)s AND e.retired_at IS NULL
ORDER BY e.enterprise_id

-- name: load_status
-- Mean load [kW] of the newest quarter-hour in which every enterprise's import is known.
-- %(park_id)s int
SELECT e.key, 4 * sum(i.value * CASE WHEN c.role IN ('grid_export', 'storage_charge') THEN -1
                                     ELSE 1 END) AS load_kw, i.bucket_start
FROM enterprise e
JOIN meter m ON m.enterprise_id = e.enterprise_id
JOIN channel c ON c.meter_id = m.meter_id AND c.role IN ('grid_import', 'grid_export',
    'direct_supply', 'onsite_pv', 'onsite_wind', 'storage_charge', 'storage_discharge')
JOIN LATERAL (SELECT bucket_start, value FROM interval
              WHERE channel_id = c.channel_id ORDER BY bucket_start DESC LIMIT 1) i ON true
WHERE e.park_id = %(park_id)s
GROUP BY e.key, i.bucket_start

-- name: totals
-- What there is, for the closing summary.
SELECT (SELECT count(*) FROM reading) AS readings,
       (SELECT count(*) FROM interval) AS intervals,
       (SELECT count(*) FROM indicator_value WHERE indicator LIKE 'green_share%%'
          AND value IS NOT NULL) AS shares,
       (SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL) AS mails,
       (SELECT count(*) FROM alert WHERE state IN ('firing', 'acknowledged')) AS open_alerts,
       (SELECT count(*) FROM alert WHERE state = 'resolved') AS resolved_alerts,
       (SELECT count(*) FROM quarantine) AS quarantined,
       (SELECT max(ts) FROM (SELECT r.ts FROM channel c CROSS JOIN LATERAL (
            SELECT ts FROM reading WHERE channel_id = c.channel_id ORDER BY ts DESC LIMIT 1) r)
            AS newest) AS newest_reading_at

-- name: daily_shares
-- The park's share of the year so far, day by day. %(park_id)s int
SELECT period_stop AS day, max(value) FILTER (WHERE indicator = 'green_share_physical') AS s1_ratio,
       max(value) FILTER (WHERE indicator = 'green_share_claim') AS s3_ratio,
       bool_and(status = 'final') AS is_final
FROM indicator_value
WHERE park_id = %(park_id)s AND enterprise_id IS NULL AND period_kind = 'ytd'
GROUP BY period_stop ORDER BY period_stop

-- name: monthly_sources
-- Energy of the park by month and source [kWh]. %(park_id)s int
SELECT date_trunc('month', b.day)::date AS month, sum(b.import_kwh) AS import_kwh,
       sum(b.direct_kwh) AS direct_kwh, sum(b.onsite_kwh) AS onsite_kwh
FROM balance_day b JOIN enterprise e USING (enterprise_id)
WHERE e.park_id = %(park_id)s GROUP BY 1 ORDER BY 1
