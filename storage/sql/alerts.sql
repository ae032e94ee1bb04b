-- name: open_alerts
-- Alerts of a park that are not resolved, locked until the end of the transaction.
-- %(park_id)s int
SELECT alert_id, rule, enterprise_id, state, severity, evidence, opened_at
FROM alert
WHERE park_id = %(park_id)s AND state <> 'resolved'
ORDER BY alert_id
FOR UPDATE

-- name: open_alert
-- A new alert with its first event; no row if another transaction opened the same one first.
-- %(rule)s text, %(park_id)s int, %(enterprise_id)s int or null, %(state)s text,
-- %(severity)s text, %(evidence)s jsonb, %(now)s timestamptz (park clock), %(note)s text
WITH opened AS (
    INSERT INTO alert (rule, park_id, enterprise_id, state, severity, evidence, opened_at,
                       evaluated_at)
    VALUES (%(rule)s, %(park_id)s, %(enterprise_id)s, %(state)s, %(severity)s, %(evidence)s,
            %(now)s, %(now)s)
    ON CONFLICT (rule, park_id, enterprise_id) WHERE state <> 'resolved' DO NOTHING
    RETURNING alert_id, rule, enterprise_id, state, severity, evidence, opened_at
), event AS (
    INSERT INTO alert_event (alert_id, at, old_state, new_state, note)
    SELECT alert_id, %(now)s, NULL, state, %(note)s FROM opened
)
SELECT alert_id, rule, enterprise_id, state, severity, evidence, opened_at FROM opened

-- name: update_alert
-- Newest evidence and severity of an open alert.
-- %(alert_id)s bigint, %(severity)s text, %(evidence)s jsonb, %(now)s timestamptz (park clock)
UPDATE alert
SET severity = %(severity)s, evidence = %(evidence)s, evaluated_at = %(now)s
WHERE alert_id = %(alert_id)s

-- name: touch_alerts
-- Evaluated again, nothing changed. %(alert_ids)s bigint[], %(now)s timestamptz (park clock)
UPDATE alert SET evaluated_at = %(now)s WHERE alert_id = ANY (%(alert_ids)s)

-- name: resolve_alert
-- %(alert_id)s bigint, %(evidence)s jsonb, %(now)s timestamptz (park clock)
UPDATE alert
SET state = 'resolved', evidence = %(evidence)s, evaluated_at = %(now)s, resolved_at = %(now)s
WHERE alert_id = %(alert_id)s

-- name: add_event
-- %(alert_id)s bigint, %(now)s timestamptz (park clock), %(old_state)s text, %(new_state)s text,
-- %(note)s text
INSERT INTO alert_event (alert_id, at, old_state, new_state, note)
VALUES (%(alert_id)s, %(now)s, %(old_state)s, %(new_state)s, %(note)s)

-- name: list_alerts
-- Alerts with the fate of their messages, newest first.
-- %(park_id)s int or null (all parks), %(include_resolved)s boolean, %(limit)s int
SELECT a.alert_id, p.key AS park_key, e.key AS enterprise_key, a.rule, a.state, a.severity,
       a.evidence, a.opened_at, a.evaluated_at, a.resolved_at,
       m.sent AS mails_sent, m.waiting AS mails_waiting, m.failed AS mails_failed, m.last_error
FROM alert a
JOIN park p USING (park_id)
LEFT JOIN enterprise e USING (enterprise_id)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE sent_at IS NOT NULL) AS sent,
           count(*) FILTER (WHERE sent_at IS NULL AND failed_at IS NULL) AS waiting,
           count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed,
           (array_agg(last_error ORDER BY outbox_id DESC)
               FILTER (WHERE last_error IS NOT NULL))[1] AS last_error
    FROM outbox o WHERE o.alert_id = a.alert_id) m
WHERE (%(park_id)s::integer IS NULL OR a.park_id = %(park_id)s::integer)
  AND (%(include_resolved)s OR a.state <> 'resolved')
ORDER BY a.opened_at DESC, a.alert_id DESC
LIMIT %(limit)s
