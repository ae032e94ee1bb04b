-- name: open_alerts
-- Alerts of a park that are not resolved, locked until the end of the transaction.
-- %(park_id)s int
SELECT alert_id, rule, enterprise_id, about, state, severity, evidence, opened_at, fired_at,
       clear_since, changes, is_flapping, muted_by, told_at, told_severity, reminded_at,
       escalated_at, acknowledged_at, acknowledged_by, evaluated_at
FROM alert
WHERE park_id = %(park_id)s AND state <> 'resolved'
ORDER BY alert_id
FOR UPDATE

-- name: recent_changes
-- When alerts that are resolved meanwhile went bad or good. %(park_id)s int, %(since)s timestamptz
SELECT DISTINCT ON (rule, enterprise_id, about) rule, enterprise_id, about, changes
FROM alert
WHERE park_id = %(park_id)s AND state = 'resolved' AND resolved_at >= %(since)s
ORDER BY rule, enterprise_id, about, resolved_at DESC

-- name: insert_alerts
-- New alerts; none where another transaction opened the same one first. %(park_id)s int,
-- %(rows)s jsonb: a list of objects with the names of the columns
INSERT INTO alert (park_id, rule, enterprise_id, about, state, severity, evidence, opened_at,
                   fired_at, clear_since, changes, is_flapping, muted_by, told_at, told_severity,
                   evaluated_at)
SELECT %(park_id)s, r.rule, r.enterprise_id, r.about, r.state, r.severity, r.evidence, r.opened_at,
       r.fired_at, r.clear_since, r.changes, r.is_flapping, r.muted_by, r.told_at, r.told_severity,
       r.evaluated_at
FROM jsonb_to_recordset(%(rows)s) AS r (rule text, enterprise_id int, about text, state text,
    severity text, evidence jsonb, opened_at timestamptz, fired_at timestamptz,
    clear_since timestamptz, changes timestamptz[], is_flapping boolean, muted_by text,
    told_at timestamptz, told_severity text, evaluated_at timestamptz)
ON CONFLICT (rule, park_id, enterprise_id, about) WHERE state <> 'resolved' DO NOTHING
RETURNING alert_id, rule, enterprise_id, about

-- name: update_alerts
-- Everything that evaluation changes of alerts. %(rows)s jsonb: a list of objects with the names of
-- the columns
UPDATE alert a
SET state = r.state, severity = r.severity, evidence = r.evidence, fired_at = r.fired_at,
    clear_since = r.clear_since, changes = r.changes, is_flapping = r.is_flapping,
    muted_by = r.muted_by, told_at = r.told_at, told_severity = r.told_severity,
    reminded_at = r.reminded_at, escalated_at = r.escalated_at,
    acknowledged_at = r.acknowledged_at, acknowledged_by = r.acknowledged_by,
    evaluated_at = r.evaluated_at,
    resolved_at = CASE r.state WHEN 'resolved' THEN r.evaluated_at END
FROM jsonb_to_recordset(%(rows)s) AS r (alert_id bigint, state text, severity text, evidence jsonb,
    fired_at timestamptz, clear_since timestamptz, changes timestamptz[], is_flapping boolean,
    muted_by text, told_at timestamptz, told_severity text, reminded_at timestamptz,
    escalated_at timestamptz, acknowledged_at timestamptz, acknowledged_by text,
    evaluated_at timestamptz)
WHERE a.alert_id = r.alert_id

-- name: touch_alerts
-- Evaluated again, nothing changed. %(alert_ids)s bigint[], %(now)s timestamptz (park clock)
UPDATE alert SET evaluated_at = %(now)s WHERE alert_id = ANY (%(alert_ids)s)

-- name: drop_pending
-- Alerts that never fired leave no trace. %(alert_ids)s bigint[]
WITH events AS (DELETE FROM alert_event WHERE alert_id = ANY (%(alert_ids)s))
DELETE FROM alert WHERE alert_id = ANY (%(alert_ids)s) AND state = 'pending'

-- name: add_events
-- %(rows)s jsonb: a list of alert_id, at, old_state, new_state, note, actor
INSERT INTO alert_event (alert_id, at, old_state, new_state, note, actor)
SELECT alert_id, at, old_state, new_state, note, actor
FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (alert_id bigint, at timestamptz, old_state text,
    new_state text, note text, actor text))
    WITH ORDINALITY AS r (alert_id, at, old_state, new_state, note, actor, number)
ORDER BY number

-- name: list_alerts
-- Alerts with the fate of their messages, newest first. Text, or null for any: %(park)s,
-- %(enterprise)s, %(rule)s, %(severity)s; %(alert_ids)s bigint[] or null, %(include_resolved)s,
-- %(include_pending)s boolean, %(limit)s int
SELECT a.alert_id, p.key AS park_key, e.key AS enterprise_key, a.rule, a.about, a.state, a.severity,
       a.evidence, a.opened_at, a.evaluated_at, a.resolved_at, a.fired_at, a.acknowledged_at,
       a.acknowledged_by, a.assignee, a.is_flapping, a.muted_by, a.told_at,
       m.sent AS mails_sent, m.waiting AS mails_waiting, m.failed AS mails_failed, m.last_error
FROM alert a
JOIN park p USING (park_id)
LEFT JOIN enterprise e USING (enterprise_id)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.sent_at IS NOT NULL) AS sent,
           count(*) FILTER (WHERE o.sent_at IS NULL AND o.failed_at IS NULL
                                  AND n.dropped IS NULL) AS waiting,
           count(*) FILTER (WHERE o.failed_at IS NOT NULL OR o.bounced_at IS NOT NULL) AS failed,
           (array_agg(o.last_error ORDER BY o.outbox_id DESC)
               FILTER (WHERE o.last_error IS NOT NULL))[1] AS last_error
    FROM notice n LEFT JOIN outbox o USING (outbox_id) WHERE n.alert_id = a.alert_id) m
WHERE (%(park)s::text IS NULL OR p.key = %(park)s)
  AND (%(enterprise)s::text IS NULL OR e.key = %(enterprise)s)
  AND (%(rule)s::text IS NULL OR a.rule = %(rule)s)
  AND (%(severity)s::text IS NULL OR a.severity = %(severity)s)
  AND (%(alert_ids)s::bigint[] IS NULL OR a.alert_id = ANY (%(alert_ids)s::bigint[]))
  AND (%(include_resolved)s OR a.state <> 'resolved')
  AND (%(include_pending)s OR a.state <> 'pending')
ORDER BY a.opened_at DESC, a.alert_id DESC
LIMIT %(limit)s

-- name: alert_events
-- History of one alert, oldest first. %(alert_id)s bigint
SELECT at, old_state, new_state, note, actor FROM alert_event
WHERE alert_id = %(alert_id)s ORDER BY alert_event_id

-- name: acknowledge
-- Firing alerts become acknowledged; others are told as they are. %(alert_ids)s bigint[], %(by)s text,
-- %(now)s timestamptz (park clock), %(note)s text
WITH seen AS (
    SELECT alert_id, rule, state, acknowledged_at, acknowledged_by FROM alert
    WHERE alert_id = ANY (%(alert_ids)s) ORDER BY alert_id FOR UPDATE
), done AS (
    UPDATE alert a SET state = 'acknowledged', acknowledged_at = %(now)s, acknowledged_by = %(by)s
    FROM seen s WHERE a.alert_id = s.alert_id AND s.state = 'firing'
    RETURNING a.alert_id
), event AS (
    INSERT INTO alert_event (alert_id, at, old_state, new_state, note, actor)
    SELECT alert_id, %(now)s, 'firing', 'acknowledged', %(note)s, %(by)s FROM done
)
SELECT s.alert_id, s.rule, s.state AS old_state, d.alert_id IS NOT NULL AS is_changed,
       s.acknowledged_at, s.acknowledged_by
FROM seen s LEFT JOIN done d USING (alert_id) ORDER BY s.alert_id

-- name: comment
-- A remark, and who looks after it if named; no row: there is no such alert. %(alert_id)s bigint,
-- %(now)s timestamptz, %(note)s, %(by)s text, %(assignee)s text or null
WITH found AS (
    UPDATE alert SET assignee = coalesce(%(assignee)s, assignee) WHERE alert_id = %(alert_id)s
    RETURNING alert_id, state
)
INSERT INTO alert_event (alert_id, at, old_state, new_state, note, actor)
SELECT alert_id, %(now)s, state, state, %(note)s, %(by)s FROM found
RETURNING alert_id

-- name: add_silence
-- %(park_id)s int, %(rule)s, %(about)s text or null, %(enterprise_id)s int or null, %(starts_at)s,
-- %(ends_at)s, %(now)s timestamptz (park clock), %(reason)s, %(by)s text
INSERT INTO silence (park_id, rule, enterprise_id, about, starts_at, ends_at, reason, created_by,
                     created_at)
VALUES (%(park_id)s, %(rule)s, %(enterprise_id)s, %(about)s, %(starts_at)s, %(ends_at)s, %(reason)s,
        %(by)s, %(now)s)
RETURNING silence_id

-- name: end_silence
-- No row: there is none that lasts. %(silence_id)s bigint, %(now)s timestamptz, %(by)s text
UPDATE silence SET ends_at = greatest(starts_at, %(now)s), ended_by = %(by)s
WHERE silence_id = %(silence_id)s AND ends_at > %(now)s
RETURNING silence_id

-- name: list_silences
-- Those that last or are to come. %(park_id)s int or null, %(now)s timestamptz (park clock)
SELECT s.silence_id, p.key AS park_key, s.rule, s.enterprise_id, e.key AS enterprise_key, s.about,
       s.starts_at, s.ends_at, s.reason, s.created_by
FROM silence s JOIN park p USING (park_id) LEFT JOIN enterprise e USING (enterprise_id)
WHERE (%(park_id)s::integer IS NULL OR s.park_id = %(park_id)s::integer) AND s.ends_at > %(now)s
ORDER BY s.silence_id

-- name: trends
-- Newest values of indicators by subject. %(park_id)s int, %(keys)s jsonb: a list of indicator, kind,
-- enterprise_id, stop (last day), %(points)s int
SELECT k.number, v.period_stop, v.value
FROM ROWS FROM (jsonb_to_recordset(%(keys)s)
        AS (indicator text, kind text, enterprise_id int, stop date))
    WITH ORDINALITY AS k (indicator, kind, enterprise_id, stop, number)
CROSS JOIN LATERAL (
    SELECT period_stop, value FROM indicator_value
    WHERE park_id = %(park_id)s AND indicator = k.indicator AND period_kind = k.kind
      AND enterprise_id IS NOT DISTINCT FROM k.enterprise_id AND period_stop <= k.stop
    ORDER BY period_stop DESC LIMIT %(points)s) v
ORDER BY k.number, v.period_stop

-- name: rule_runs
-- The last answers of each rule. %(park_id)s int
SELECT rule, asked_at, breaches, clears, cannot_tell FROM rule_run
WHERE park_id = %(park_id)s ORDER BY rule

-- name: note_rule_runs
-- %(park_id)s int, %(now)s timestamptz (park clock), %(rows)s jsonb: a list of rule, breaches,
-- clears, cannot_tell
INSERT INTO rule_run (park_id, rule, asked_at, breaches, clears, cannot_tell)
SELECT %(park_id)s, rule, %(now)s, breaches, clears, cannot_tell
FROM jsonb_to_recordset(%(rows)s) AS r (rule text, breaches int, clears int, cannot_tell int)
ON CONFLICT (park_id, rule) DO UPDATE SET asked_at = excluded.asked_at,
    breaches = excluded.breaches, clears = excluded.clears, cannot_tell = excluded.cannot_tell

-- name: open_by_severity
-- Number of alerts that people were told of and that are not resolved.
SELECT severity, count(*)::int AS alerts FROM alert WHERE state IN ('firing', 'acknowledged')
GROUP BY severity ORDER BY severity
