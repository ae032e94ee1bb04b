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

-- name: enqueue
-- A message to one recipient, due at once. The park clock may be replayed or accelerated,
-- delivery is not: its times start from the server's clock.
-- %(alert_id)s bigint, %(kind)s text, %(recipient)s text, %(recipient_name)s text,
-- %(language)s text, %(message_id)s text, %(context)s jsonb
INSERT INTO outbox (alert_id, channel, kind, recipient, recipient_name, language, message_id,
                    context, created_at, next_try_at)
VALUES (%(alert_id)s, 'email', %(kind)s, %(recipient)s, %(recipient_name)s, %(language)s,
        %(message_id)s, %(context)s, now(), now())
ON CONFLICT (alert_id, channel, kind, recipient) DO NOTHING

-- name: claim_due
-- The next due message, leased to the caller. A message waits for the earlier ones of its alert
-- to the same recipient, so that nobody reads "resolved" before "opened".
-- %(wall_now)s timestamptz, %(claimed_until)s timestamptz (both wall clock)
UPDATE outbox
SET claimed_until = %(claimed_until)s, attempts = attempts + 1
WHERE outbox_id = (
    SELECT o.outbox_id FROM outbox o
    WHERE o.sent_at IS NULL AND o.failed_at IS NULL AND o.next_try_at <= %(wall_now)s
      AND (o.claimed_until IS NULL OR o.claimed_until <= %(wall_now)s)
      AND NOT EXISTS (
          SELECT 1 FROM outbox e
          WHERE e.alert_id = o.alert_id AND e.channel = o.channel AND e.recipient = o.recipient
            AND e.outbox_id < o.outbox_id AND e.sent_at IS NULL AND e.failed_at IS NULL)
    ORDER BY o.next_try_at, o.outbox_id
    LIMIT 1
    FOR UPDATE OF o SKIP LOCKED)
RETURNING outbox_id, alert_id, kind, recipient, recipient_name, language, message_id, context,
          created_at, attempts

-- name: mark_sent
-- True even if the lease has run out meanwhile. %(outbox_id)s bigint, %(wall_now)s timestamptz
UPDATE outbox SET sent_at = %(wall_now)s, claimed_until = NULL, failed_at = NULL, last_error = NULL
WHERE outbox_id = %(outbox_id)s AND sent_at IS NULL

-- name: mark_failed
-- Given up, unless another worker has claimed it since. %(outbox_id)s bigint,
-- %(attempts)s int, %(wall_now)s timestamptz, %(error)s text
UPDATE outbox SET failed_at = %(wall_now)s, claimed_until = NULL, last_error = %(error)s
WHERE outbox_id = %(outbox_id)s AND attempts = %(attempts)s AND sent_at IS NULL

-- name: mark_retry
-- To be tried again, unless another worker has claimed it since. %(outbox_id)s bigint,
-- %(attempts)s int, %(next_try_at)s timestamptz (wall clock), %(error)s text
UPDATE outbox SET next_try_at = %(next_try_at)s, claimed_until = NULL, last_error = %(error)s
WHERE outbox_id = %(outbox_id)s AND attempts = %(attempts)s AND sent_at IS NULL

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
