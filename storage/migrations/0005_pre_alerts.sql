-- Why: life cycle of alerts, the transactional outbox of their e-mails, job runs.
-- Locks: new tables only. Transaction: on.
CREATE TABLE alert (
    alert_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule        text NOT NULL,
    park_id     smallint NOT NULL REFERENCES park,
    enterprise_id integer REFERENCES enterprise,
    state       text NOT NULL CHECK (state IN ('pending', 'firing', 'acknowledged', 'resolved')),
    severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    evidence    jsonb NOT NULL,
    opened_at   timestamptz NOT NULL,
    evaluated_at timestamptz NOT NULL,
    resolved_at timestamptz
);
COMMENT ON COLUMN alert.evidence IS 'value, target, period, unit, completeness: what the e-mail shows';
COMMENT ON COLUMN alert.opened_at IS 'park clock';
CREATE UNIQUE INDEX alert_open ON alert (rule, park_id, enterprise_id) NULLS NOT DISTINCT
    WHERE state <> 'resolved';

CREATE TABLE alert_event (
    alert_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    bigint NOT NULL REFERENCES alert,
    at          timestamptz NOT NULL,
    old_state   text,
    new_state   text NOT NULL,
    note        text NOT NULL DEFAULT ''
);

CREATE TABLE outbox (
    outbox_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    bigint NOT NULL REFERENCES alert,
    channel     text NOT NULL CHECK (channel IN ('email')),
    kind        text NOT NULL CHECK (kind IN ('opened', 'resolved')),
    recipient   text NOT NULL,
    recipient_name text NOT NULL,
    language    text NOT NULL,
    message_id  text NOT NULL UNIQUE,
    context     jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    claimed_until timestamptz,
    attempts    integer NOT NULL DEFAULT 0,
    sent_at     timestamptz,
    failed_at   timestamptz,
    last_error  text,
    UNIQUE (alert_id, channel, kind, recipient)
);
COMMENT ON TABLE outbox IS 'written in the transaction that changes the alert; delivery times are wall clock';
CREATE INDEX outbox_due ON outbox (next_try_at) WHERE sent_at IS NULL AND failed_at IS NULL;

CREATE TABLE job_run (
    job         text PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    park_time   timestamptz,
    ok          boolean,
    detail      jsonb NOT NULL DEFAULT '{}',
    error       text
);
COMMENT ON TABLE job_run IS 'last run of each scheduled job; started_at and finished_at are wall clock';
