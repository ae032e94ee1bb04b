-- Why: dashboards see acknowledged, flapping and muted alerts, what happened to them and to their
-- messages. Pending alerts are not shown as open: nobody is told of them.
-- Locks: catalogue rows. Transaction: on.
CREATE OR REPLACE VIEW dash.alert AS
SELECT a.alert_id, p.park_key, coalesce(e.enterprise_key, 'park') AS enterprise_key,
       a.enterprise_id IS NULL AS is_park,
       coalesce(e.name_zh, p.name_zh) AS name_zh, coalesce(e.name_en, p.name_en) AS name_en,
       a.rule, a.severity, a.state, x.value, x.target, a.evidence ->> 'unit' AS unit,
       a.evidence ->> 'period_start' AS period_start, a.evidence ->> 'period_stop' AS period_stop,
       a.opened_at, a.evaluated_at, a.resolved_at, a.about, a.fired_at, a.acknowledged_at,
       a.acknowledged_by, a.assignee, a.is_flapping, a.muted_by, a.told_at,
       extract(epoch FROM coalesce(a.acknowledged_at, a.resolved_at) - a.fired_at)::double precision
           AS answered_after_s,
       extract(epoch FROM a.resolved_at - a.fired_at)::double precision AS resolved_after_s
FROM alert a
JOIN dash.park p ON p.park_id = a.park_id
LEFT JOIN dash.enterprise e ON e.enterprise_id = a.enterprise_id
CROSS JOIN LATERAL (
    SELECT CASE jsonb_typeof(a.evidence -> 'value') WHEN 'number'
                THEN (a.evidence ->> 'value')::double precision END AS value,
           CASE jsonb_typeof(a.evidence -> 'target') WHEN 'number'
                THEN (a.evidence ->> 'target')::double precision END AS target) x;
COMMENT ON COLUMN dash.alert.answered_after_s IS 'seconds from firing to the acknowledgement (or to resolution without one)';
COMMENT ON COLUMN dash.alert.resolved_after_s IS 'seconds from firing to resolution';

CREATE OR REPLACE VIEW dash.open_alert AS
SELECT alert_id, park_key, enterprise_key, is_park, name_zh, name_en, rule, severity, state,
       value, target, unit, period_start, period_stop, opened_at, evaluated_at, about, fired_at,
       acknowledged_at, acknowledged_by, assignee, is_flapping, muted_by
FROM dash.alert WHERE state IN ('firing', 'acknowledged');

CREATE VIEW dash.alert_event AS
SELECT a.park_key, a.enterprise_key, a.alert_id, a.rule, a.about, a.severity, v.at, v.old_state,
       v.new_state, v.note, v.actor
FROM alert_event v JOIN dash.alert a ON a.alert_id = v.alert_id;
COMMENT ON VIEW dash.alert_event IS 'history of the alerts (park clock)';

CREATE VIEW dash.message_day AS
SELECT p.park_key, (o.packed_at AT TIME ZONE p.timezone)::date AS day, o.channel, o.kind,
       count(*) AS messages, count(o.sent_at) AS sent, count(o.failed_at) AS failed,
       count(*) FILTER (WHERE o.sent_at IS NULL AND o.failed_at IS NULL) AS waiting
FROM outbox o JOIN dash.park p ON p.park_id = o.park_id
GROUP BY p.park_key, day, o.channel, o.kind;
COMMENT ON VIEW dash.message_day IS 'messages by local day of the park clock, without recipients';
COMMENT ON COLUMN dash.message_day.messages IS 'number';
COMMENT ON COLUMN dash.message_day.sent IS 'taken by a mail server or channel';
COMMENT ON COLUMN dash.message_day.failed IS 'refused for good';
COMMENT ON COLUMN dash.message_day.waiting IS 'not delivered yet';

GRANT SELECT ON dash.alert_event, dash.message_day TO greenpark_reader;
