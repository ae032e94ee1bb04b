-- name: add_notices
-- What contacts are to be told. %(rows)s jsonb: a list of objects with the names of the columns
INSERT INTO notice (alert_id, change, at, channel, recipient, recipient_name, language, reason, way)
SELECT alert_id, change, at, channel, recipient, recipient_name, language, reason, way
FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (alert_id bigint, change text, at timestamptz,
    channel text, recipient text, recipient_name text, language text, reason text, way text))
    WITH ORDINALITY AS r (alert_id, change, at, channel, recipient, recipient_name, language,
                          reason, way, number)
ORDER BY number

-- name: tell_again
-- Everybody who was to be told of an alert hears of its end, on the same way.
-- %(alert_ids)s bigint[], %(change)s text, %(now)s timestamptz (park clock)
INSERT INTO notice (alert_id, change, at, channel, recipient, recipient_name, language, reason, way)
SELECT alert_id, %(change)s, %(now)s, channel, recipient, recipient_name, language, reason, way
FROM (SELECT DISTINCT ON (alert_id, channel, recipient) * FROM notice
      WHERE alert_id = ANY (%(alert_ids)s) AND dropped IS NULL
      ORDER BY alert_id, channel, recipient, notice_id) told
ORDER BY notice_id

-- name: waiting_notices
-- Notices that are in no message yet, with their alerts, locked. %(park_id)s int
SELECT n.notice_id, n.alert_id, n.change, n.at, n.channel, n.recipient, n.recipient_name, n.language,
       n.reason, n.way, a.rule, a.enterprise_id, a.about, a.state, a.severity, a.evidence,
       a.opened_at, a.fired_at, a.resolved_at, a.acknowledged_at, a.acknowledged_by, a.is_flapping
FROM notice n JOIN alert a USING (alert_id)
WHERE n.outbox_id IS NULL AND n.dropped IS NULL AND a.park_id = %(park_id)s
ORDER BY n.notice_id
FOR UPDATE OF n

-- name: first_messages
-- The first message about each alert to each recipient. %(alert_ids)s bigint[]
SELECT DISTINCT ON (n.alert_id, n.channel, n.recipient) n.alert_id, n.channel, n.recipient, o.thread
FROM notice n JOIN outbox o USING (outbox_id)
WHERE n.alert_id = ANY (%(alert_ids)s) AND o.kind NOT IN ('digest', 'summary')
ORDER BY n.alert_id, n.channel, n.recipient, o.outbox_id

-- name: packed_since
-- Messages that were put into the outbox, but digests, by recipient. %(park_id)s int, %(since)s
-- timestamptz (park clock)
SELECT channel, recipient, count(*) AS messages, bool_or(kind = 'summary') AS has_summary
FROM outbox WHERE park_id = %(park_id)s AND packed_at > %(since)s AND kind <> 'digest'
GROUP BY channel, recipient

-- name: last_digests
-- When the newest digest of each recipient was packed (park clock). %(park_id)s int, %(since)s
-- timestamptz
SELECT channel, recipient, max(packed_at) AS packed_at FROM outbox
WHERE park_id = %(park_id)s AND kind = 'digest' AND packed_at > %(since)s
GROUP BY channel, recipient

-- name: open_for
-- Alerts that are open and of which a recipient was told. %(park_id)s int, %(channel)s, %(recipient)s
-- text
SELECT a.alert_id, a.rule, a.enterprise_id, a.about, a.state, a.severity, a.evidence, a.opened_at,
       a.fired_at, a.resolved_at, a.acknowledged_at, a.acknowledged_by, a.is_flapping
FROM alert a
WHERE a.park_id = %(park_id)s AND a.state IN ('firing', 'acknowledged')
  AND EXISTS (SELECT FROM notice n WHERE n.alert_id = a.alert_id AND n.channel = %(channel)s
                AND n.recipient = %(recipient)s AND n.dropped IS NULL)
ORDER BY a.alert_id

-- name: enqueue
-- A message to one recipient, due at once, and the notices that it carries. The park clock may be
-- replayed or accelerated, delivery is not: its times start from the server's clock.
-- %(park_id)s int, %(channel)s, %(kind)s, %(recipient)s, %(recipient_name)s, %(language)s,
-- %(message_id)s, %(thread)s text, %(context)s jsonb, %(now)s timestamptz (park clock),
-- %(notice_ids)s bigint[]
WITH message AS (
    INSERT INTO outbox (park_id, channel, kind, recipient, recipient_name, language, message_id,
                        thread, context, packed_at, created_at, next_try_at)
    VALUES (%(park_id)s, %(channel)s, %(kind)s, %(recipient)s, %(recipient_name)s, %(language)s,
            %(message_id)s, %(thread)s, %(context)s, %(now)s, now(), now())
    RETURNING outbox_id
)
UPDATE notice SET outbox_id = message.outbox_id
FROM message WHERE notice_id = ANY (%(notice_ids)s)

-- name: drop_notices
-- %(notice_ids)s bigint[], %(reason)s text
UPDATE notice SET dropped = %(reason)s
WHERE notice_id = ANY (%(notice_ids)s) AND outbox_id IS NULL

-- name: claim_due
-- The next due message, leased to the caller. A message waits for the earlier ones of its thread to
-- the same recipient, so that nobody reads "resolved" before "opened".
-- %(wall_now)s timestamptz, %(claimed_until)s timestamptz (both wall clock)
UPDATE outbox
SET claimed_until = %(claimed_until)s, attempts = attempts + 1
WHERE outbox_id = (
    SELECT o.outbox_id FROM outbox o
    WHERE o.sent_at IS NULL AND o.failed_at IS NULL AND o.next_try_at <= %(wall_now)s
      AND (o.claimed_until IS NULL OR o.claimed_until <= %(wall_now)s)
      AND NOT EXISTS (
          SELECT 1 FROM outbox e
          WHERE e.thread = o.thread AND e.recipient = o.recipient AND e.channel = o.channel
            AND e.outbox_id < o.outbox_id AND e.sent_at IS NULL AND e.failed_at IS NULL)
    ORDER BY o.next_try_at, o.outbox_id
    LIMIT 1
    FOR UPDATE OF o SKIP LOCKED)
RETURNING outbox_id, channel, kind, recipient, recipient_name, language, message_id, context,
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

-- name: mark_bounced
-- A message came back after it was taken; no row: it is not one of ours. %(message_id)s text,
-- %(wall_now)s timestamptz, %(error)s text, %(permanent)s boolean
UPDATE outbox SET bounced_at = %(wall_now)s, last_error = %(error)s,
    failed_at = CASE WHEN %(permanent)s THEN %(wall_now)s ELSE failed_at END
WHERE message_id = %(message_id)s
RETURNING outbox_id, recipient
