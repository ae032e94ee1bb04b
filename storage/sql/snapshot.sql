-- name: snapshot_values
-- Newest values of indicators, oldest first. %(park_id)s int, %(stop_by)s date: no later period end,
-- but the month that lasts; %(keys)s jsonb: a list of indicator, kind, points, only_final
SELECT v.indicator, v.enterprise_id, v.period_kind, v.period_start, v.period_stop, v.value,
       v.numerator, v.denominator, v.unit, v.completeness_ratio, v.estimated_ratio, v.status, v.note
FROM (
    SELECT i.*, k.points, row_number() OVER (
               PARTITION BY i.indicator, i.period_kind, i.enterprise_id
               ORDER BY i.period_stop DESC) AS place
    FROM jsonb_to_recordset(%(keys)s)
        AS k (indicator text, kind text, points int, only_final boolean)
    JOIN indicator_value i ON i.indicator = k.indicator AND i.period_kind = k.kind
    WHERE i.park_id = %(park_id)s AND i.period_stop > %(stop_by)s::date - 420
      AND (i.period_stop <= %(stop_by)s
           OR i.period_kind = 'month' AND i.period_start < %(stop_by)s)
      AND (i.status = 'final' OR NOT k.only_final)) v
WHERE v.place <= v.points
ORDER BY v.indicator, v.period_kind, v.enterprise_id, v.period_stop

-- name: snapshot_limits
-- Thresholds of indicators in a park. %(park_id)s int
SELECT indicator, limit_value, sense, limit_source FROM indicator_definition
WHERE park_id = %(park_id)s AND limit_value IS NOT NULL

-- name: snapshot_forecasts
-- Newest forecast of each subject. %(park_id)s int, %(today)s date
SELECT DISTINCT ON (enterprise_id) enterprise_id, made_for, target_ratio, s3_p10_ratio,
       s3_p50_ratio, s3_p90_ratio, s1_probability_ratio, s3_probability_ratio, required_ratio,
       certificates_p50_mwh, known_ratio
FROM green_forecast WHERE park_id = %(park_id)s AND made_for <= %(today)s
ORDER BY enterprise_id, made_for DESC

-- name: snapshot_savings
-- Newest result of each project. %(park_id)s int, %(today)s date
SELECT DISTINCT ON (project) project, enterprise_id, name_zh, name_en, unit, reporting_start,
       reporting_stop, is_accepted, saved_amount, saved_low, saved_high, target_amount, refusals
FROM saving_result WHERE park_id = %(park_id)s AND reporting_start <= %(today)s
ORDER BY project, reporting_year DESC

-- name: snapshot_findings
-- Warnings and critical findings of the last 30 days that stood at a time. %(park_id)s int, %(now)s
-- timestamptz (park clock)
SELECT f.code, f.severity, coalesce(f.enterprise_id, m.enterprise_id) AS enterprise_id,
       coalesce(m.key, '') AS meter, coalesce(c.key, '') AS channel, f.period_start,
       f.period_stop, f.first_seen_at, f.evidence
FROM finding f
LEFT JOIN channel c USING (channel_id)
LEFT JOIN meter m USING (meter_id)
JOIN enterprise e ON e.enterprise_id = coalesce(f.enterprise_id, m.enterprise_id)
WHERE e.park_id = %(park_id)s AND f.severity <> 'info'
  AND f.period_stop > %(now)s::timestamptz - interval '30 days'
  AND f.first_seen_at <= %(now)s
  AND (f.withdrawn_at IS NULL OR f.withdrawn_at > %(now)s)
ORDER BY f.period_start DESC, f.finding_id

-- name: snapshot_heard
-- When each meter in service was last heard, one index look-up per channel. %(park_id)s int, %(now)s
-- timestamptz (park clock)
SELECT m.key, m.enterprise_id, max(r.ts) AS last_at, max(c.period_s)::double precision AS period_s
FROM meter m
JOIN enterprise e USING (enterprise_id)
JOIN channel c USING (meter_id)
LEFT JOIN LATERAL (
    SELECT ts FROM reading WHERE channel_id = c.channel_id AND ts <= %(now)s
    ORDER BY ts DESC LIMIT 1) r ON true
WHERE m.park_id = %(park_id)s AND m.retired_at IS NULL AND c.retired_at IS NULL
  AND e.retired_at IS NULL AND c.kind IN ('register', 'gauge')
GROUP BY m.key, m.enterprise_id
ORDER BY m.key

-- name: snapshot_undelivered
-- Recipients whose messages were refused for good. %(park_id)s int, %(wall_since)s timestamptz
SELECT recipient, count(*)::int AS failed,
       coalesce((array_agg(last_error ORDER BY outbox_id DESC))[1], '') AS error
FROM outbox
WHERE park_id = %(park_id)s AND failed_at > %(wall_since)s
GROUP BY recipient ORDER BY recipient

-- name: snapshot_jobs
-- Jobs that are over, with their error.
SELECT job, coalesce(park_time, started_at) AS seen_at, coalesce(error, '') AS error
FROM job_run WHERE ok IS NOT NULL ORDER BY job

-- name: snapshot_open
-- Alerts that are not resolved. %(park_id)s int
SELECT rule, enterprise_id, about FROM alert WHERE park_id = %(park_id)s AND state <> 'resolved'

-- name: snapshot_collectors
-- Sign of life of each collector that has subscriptions; a retired one has none.
SELECT s.updated_at FROM collector_state s
WHERE EXISTS (SELECT FROM collector_subscription c WHERE c.client_id = s.client_id)
ORDER BY s.updated_at

-- name: snapshot_loads
-- End use of the whole hours of each enterprise, the least first. %(park_id)s int, %(start)s,
-- %(stop)s timestamptz
SELECT b.enterprise_id, array_agg(b.load_kwh ORDER BY b.load_kwh)
FROM enterprise e JOIN balance_hour b USING (enterprise_id)
WHERE e.park_id = %(park_id)s AND e.retired_at IS NULL AND b.buckets = 4
  AND b.hour_start >= %(start)s AND b.hour_start < %(stop)s
GROUP BY b.enterprise_id

-- name: snapshot_curtailed
-- Hours of plants whose available power is metered: what they could have made and did not, beside the
-- net import of the park. As analytics/green/direct.py has it: a plant makes what its own meter tells,
-- else what arrives. %(park_id)s int, %(start)s, %(stop)s timestamptz
WITH park_hour AS (
    SELECT b.hour_start, greatest(sum(b.import_kwh - b.export_kwh), 0) AS import_kwh,
           count(*)::int AS balances
    FROM enterprise e JOIN balance_hour b USING (enterprise_id)
    WHERE e.park_id = %(park_id)s AND e.retired_at IS NULL AND b.buckets = 4
      AND b.hour_start >= %(start)s AND b.hour_start < %(stop)s
    GROUP BY b.hour_start
), plant_meter AS (
    SELECT DISTINCT m.enterprise_id FROM channel c JOIN meter m USING (meter_id)
    WHERE m.park_id = %(park_id)s AND c.role = 'direct_generation'
      AND c.retired_at IS NULL AND m.retired_at IS NULL
), plant AS (
    SELECT a.enterprise_id, a.role, a.hour_start, a.value AS available_kwh,
           CASE WHEN a.role = 'onsite_available' THEN b.onsite_kwh
                WHEN p.enterprise_id IS NULL THEN b.direct_kwh
                WHEN g.buckets = g.expected_buckets THEN g.value END AS made_kwh
    FROM enterprise e
    JOIN enterprise_hour a ON a.enterprise_id = e.enterprise_id
        AND a.role IN ('direct_available', 'onsite_available')
        AND a.hour_start >= %(start)s AND a.hour_start < %(stop)s
    LEFT JOIN plant_meter p ON p.enterprise_id = a.enterprise_id
    LEFT JOIN enterprise_hour g ON g.enterprise_id = a.enterprise_id
        AND g.role = 'direct_generation' AND g.hour_start = a.hour_start
    LEFT JOIN balance_hour b ON b.enterprise_id = a.enterprise_id
        AND b.hour_start = a.hour_start AND b.buckets = 4
    WHERE e.park_id = %(park_id)s AND e.retired_at IS NULL AND a.buckets = a.expected_buckets
)
SELECT p.enterprise_id, p.role, p.hour_start,
       greatest(p.available_kwh - p.made_kwh, 0) AS curtailed_kwh, h.import_kwh, h.balances
FROM plant p JOIN park_hour h USING (hour_start)
WHERE p.made_kwh IS NOT NULL
ORDER BY p.hour_start, p.enterprise_id, p.role

-- name: snapshot_restated
-- Energy of channels with a role on days that were over when a value of theirs changed; changes of
-- one quarter-hour add up, one that vanished counts as it is now. %(park_id)s int, %(since)s, %(now)s
-- timestamptz (park clock)
WITH changed AS (
    SELECT r.channel_id, (r.bucket_start AT TIME ZONE p.timezone)::date AS day,
           count(DISTINCT r.bucket_start) AS quarters,
           sum(coalesce(r.new_value, i.value, 0) - r.old_value) AS change_kwh,
           array_agg(DISTINCT r.reason) AS reasons
    FROM restatement r
    JOIN channel c USING (channel_id)
    JOIN meter m USING (meter_id)
    JOIN park p ON p.park_id = m.park_id
    LEFT JOIN interval i ON r.new_value IS NULL AND i.channel_id = r.channel_id
        AND i.bucket_start = r.bucket_start
    WHERE r.restated_at > %(since)s AND r.restated_at <= %(now)s AND m.park_id = %(park_id)s
      AND c.quantity = 'active_energy' AND c.role <> 'none' AND c.kind <> 'gauge'
      AND c.retired_at IS NULL AND m.retired_at IS NULL
      AND (r.bucket_start AT TIME ZONE p.timezone)::date
          < (r.restated_at AT TIME ZONE p.timezone)::date
    GROUP BY r.channel_id, day
)
SELECT m.key, c.key, m.enterprise_id, min(x.day), max(x.day), sum(x.quarters)::int,
       coalesce(sum(d.value), 0) - sum(x.change_kwh), coalesce(sum(d.value), 0),
       (SELECT string_agg(DISTINCT y.reason, ', ')
        FROM changed z CROSS JOIN unnest(z.reasons) AS y (reason)
        WHERE z.channel_id = x.channel_id)
FROM changed x
JOIN channel c USING (channel_id)
JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
LEFT JOIN channel_day d ON d.channel_id = x.channel_id AND d.day = x.day
WHERE e.retired_at IS NULL
GROUP BY x.channel_id, m.key, c.key, m.enterprise_id
ORDER BY m.key, c.key
