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
