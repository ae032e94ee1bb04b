-- name: save_finding
-- Insert or refresh. %(code)s text, %(severity)s text, %(start)s timestamptz, %(evidence)s jsonb
INSERT INTO finding (code, severity, enterprise_id, channel_id, period_start, period_stop, evidence,
    first_seen_at, last_seen_at)
VALUES (%(code)s, %(severity)s, %(enterprise_id)s, %(channel_id)s, %(start)s, %(stop)s,
    %(evidence)s, %(now)s, %(now)s)
ON CONFLICT (code, enterprise_id, channel_id, period_start) DO UPDATE
    SET severity = excluded.severity, period_stop = excluded.period_stop,
        evidence = excluded.evidence, last_seen_at = excluded.last_seen_at, withdrawn_at = NULL

-- name: forget_findings
-- Withdraws findings that begin in one of the ranges, before they are made anew; they stay on record.
-- %(codes)s text[], %(channels)s int[], %(lows)s, %(highs)s timestamptz[], %(now)s timestamptz
UPDATE finding f SET withdrawn_at = %(now)s
FROM unnest(%(channels)s::int[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    AS r (channel_id, low, high)
WHERE f.channel_id = r.channel_id AND f.period_start >= r.low AND f.period_start < r.high
  AND f.code = ANY (%(codes)s) AND f.withdrawn_at IS NULL

-- name: withdraw_findings
-- %(code)s text, %(enterprise_id)s int, %(start)s, %(now)s timestamptz
UPDATE finding SET withdrawn_at = %(now)s
WHERE code = %(code)s AND enterprise_id = %(enterprise_id)s AND channel_id IS NULL
  AND period_start = %(start)s AND withdrawn_at IS NULL

-- name: list_findings
-- Findings with their channel, newest first. %(limit)s int; text, timestamptz or null: %(code)s,
-- %(severity)s, %(enterprise)s, %(meter)s, %(park)s, %(start)s, %(stop)s; %(withdrawn)s bool
SELECT f.code, f.severity, e.key AS enterprise, m.key AS meter, c.key AS channel,
       f.period_start, f.period_stop, f.evidence, f.first_seen_at, f.last_seen_at,
       f.withdrawn_at
FROM finding f
LEFT JOIN channel c USING (channel_id)
LEFT JOIN meter m USING (meter_id)
LEFT JOIN enterprise e ON e.enterprise_id = coalesce(f.enterprise_id, m.enterprise_id)
LEFT JOIN park p ON p.park_id = e.park_id
WHERE (%(withdrawn)s OR f.withdrawn_at IS NULL)
  AND (%(code)s::text IS NULL OR starts_with(f.code, %(code)s))
  AND (%(severity)s::text IS NULL OR f.severity = %(severity)s)
  AND (%(enterprise)s::text IS NULL OR e.key = %(enterprise)s)
  AND (%(meter)s::text IS NULL OR m.key = %(meter)s)
  AND (%(park)s::text IS NULL OR p.key = %(park)s)
  AND (%(start)s::timestamptz IS NULL OR f.period_stop >= %(start)s)
  AND (%(stop)s::timestamptz IS NULL OR f.period_start < %(stop)s)
ORDER BY f.period_start DESC, f.finding_id DESC
LIMIT %(limit)s

-- name: list_quarantine
-- Refused messages as findings: one row per problem. Parameters as `list_findings`
SELECT 'quarantine.' || (d.problem->>'code') AS code, 'warning' AS severity,
       NULLIF(split_part(q.topic, '/', 3), '') AS enterprise,
       NULLIF(split_part(q.topic, '/', 4), '') AS meter, d.problem->>'field' AS channel,
       q.first_received_at AS period_start, q.last_received_at AS period_stop,
       jsonb_build_object('topic', q.topic, 'got', d.problem->'got',
           'expected', d.problem->'expected', 'occurrences', q.occurrences,
           'quarantine_id', q.quarantine_id) AS evidence,
       q.first_received_at AS first_seen_at, q.last_received_at AS last_seen_at,
       q.released_at AS withdrawn_at
FROM quarantine q CROSS JOIN LATERAL jsonb_array_elements(q.detail) AS d(problem)
WHERE (%(withdrawn)s OR q.released_at IS NULL)
  AND (%(code)s::text IS NULL OR starts_with('quarantine.' || (d.problem->>'code'), %(code)s))
  AND (%(severity)s::text IS NULL OR %(severity)s = 'warning')
  AND (%(enterprise)s::text IS NULL OR split_part(q.topic, '/', 3) = %(enterprise)s)
  AND (%(meter)s::text IS NULL OR split_part(q.topic, '/', 4) = %(meter)s)
  AND (%(park)s::text IS NULL OR split_part(q.topic, '/', 2) = %(park)s)
  AND (%(start)s::timestamptz IS NULL OR q.last_received_at >= %(start)s)
  AND (%(stop)s::timestamptz IS NULL OR q.first_received_at < %(stop)s)
ORDER BY q.first_received_at DESC, q.quarantine_id DESC
LIMIT %(limit)s
