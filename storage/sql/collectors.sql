-- name: save_state
-- %(client_id)s text, %(started_at)s timestamptz, %(now)s timestamptz, %(counters)s jsonb, %(health)s jsonb
INSERT INTO collector_state (client_id, started_at, updated_at, counters, health)
VALUES (%(client_id)s, %(started_at)s, %(now)s, %(counters)s, %(health)s)
ON CONFLICT (client_id) DO UPDATE SET started_at = excluded.started_at,
    updated_at = excluded.updated_at, counters = excluded.counters, health = excluded.health

-- name: lock_client
-- One collector per client id: held by the very connection that commits. %(client_id)s text
SELECT pg_try_advisory_lock(hashtext('greenpark collector'), hashtext(%(client_id)s))

-- name: end_own_ghosts
-- Connections of this very process that the server has not noticed to be broken. %(application)s text
SELECT count(pg_terminate_backend(pid, 3000)) FROM pg_stat_activity
WHERE application_name = %(application)s AND pid <> pg_backend_pid() AND usename = current_user

-- name: subscriptions
-- Who has subscribed what.
SELECT client_id, filter FROM collector_subscription

-- name: add_subscription
-- %(client_id)s text, %(filter)s text, %(now)s timestamptz
INSERT INTO collector_subscription (client_id, filter, since)
VALUES (%(client_id)s, %(filter)s, %(now)s) ON CONFLICT DO NOTHING

-- name: drop_subscription
-- %(client_id)s text, %(filter)s text
DELETE FROM collector_subscription WHERE client_id = %(client_id)s AND filter = %(filter)s
