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
