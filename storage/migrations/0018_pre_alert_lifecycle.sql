-- Why: alerts of objects (a meter, a project), pending and acknowledged alerts, flapping, silences;
-- what is to be told waits as notices until it is packed into messages.
-- Locks: alert and outbox, shortly. Transaction: on.
ALTER TABLE alert
    ADD COLUMN about text NOT NULL DEFAULT '',
    ADD COLUMN fired_at timestamptz,
    ADD COLUMN clear_since timestamptz,
    ADD COLUMN changes timestamptz[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_flapping boolean NOT NULL DEFAULT false,
    ADD COLUMN muted_by text,
    ADD COLUMN told_at timestamptz,
    ADD COLUMN told_severity text,
    ADD COLUMN reminded_at timestamptz,
    ADD COLUMN escalated_at timestamptz,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text,
    ADD COLUMN assignee text;
COMMENT ON COLUMN alert.about IS 'key of the meter, project... that it is about; empty: the subject as a whole';
COMMENT ON COLUMN alert.fired_at IS 'park clock; null: pending, nobody was told';
COMMENT ON COLUMN alert.clear_since IS 'park clock; good since then, but not yet for as long as its rule asks for';
COMMENT ON COLUMN alert.changes IS 'when it went bad or good lately (park clock): many mean that it flaps';
COMMENT ON COLUMN alert.muted_by IS 'why nobody is told at present: inhibited:<rule>, silence:<number>, maintenance';
COMMENT ON COLUMN alert.told_at IS 'park clock; null: nobody was told yet';
UPDATE alert SET fired_at = opened_at, told_at = opened_at, told_severity = severity;
DROP INDEX alert_open;
CREATE UNIQUE INDEX alert_open ON alert (rule, park_id, enterprise_id, about) NULLS NOT DISTINCT
    WHERE state <> 'resolved';
CREATE INDEX alert_resolved ON alert (park_id, resolved_at) WHERE state = 'resolved';

ALTER TABLE alert_event ADD COLUMN actor text NOT NULL DEFAULT '';
COMMENT ON COLUMN alert_event.actor IS 'who did it; empty: the program';
CREATE INDEX alert_event_by_alert ON alert_event (alert_id);

CREATE TABLE silence (
    silence_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    park_id     smallint NOT NULL REFERENCES park,
    rule        text,
    enterprise_id integer REFERENCES enterprise,
    about       text,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at >= starts_at),
    reason      text NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_by    text
);
COMMENT ON TABLE silence IS 'alerts about which nobody is told for a time (park clock); null matches everything';

ALTER TABLE outbox
    DROP CONSTRAINT outbox_channel_check,
    DROP CONSTRAINT outbox_kind_check,
    DROP CONSTRAINT outbox_alert_id_channel_kind_recipient_key,
    ADD COLUMN park_id smallint REFERENCES park,
    ADD COLUMN thread text,
    ADD COLUMN packed_at timestamptz,
    ADD COLUMN bounced_at timestamptz,
    ADD CONSTRAINT outbox_channel CHECK (channel IN ('email')),
    ADD CONSTRAINT outbox_kind CHECK (kind IN
        ('opened', 'worse', 'reminder', 'escalated', 'resolved', 'digest', 'summary'));
UPDATE outbox o SET park_id = a.park_id, packed_at = o.created_at,
    thread = coalesce(o.context ->> 'in_reply_to', o.message_id)
FROM alert a WHERE a.alert_id = o.alert_id;
ALTER TABLE outbox ALTER COLUMN park_id SET NOT NULL, ALTER COLUMN thread SET NOT NULL,
    ALTER COLUMN packed_at SET NOT NULL;
COMMENT ON COLUMN outbox.thread IS 'message_id of the first message of a conversation; later ones wait for earlier ones';
COMMENT ON COLUMN outbox.packed_at IS 'park clock';
COMMENT ON COLUMN outbox.bounced_at IS 'wall clock; a mail server further on gave it back';
CREATE INDEX outbox_waiting ON outbox (thread) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_packed ON outbox (park_id, packed_at);
CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL;

CREATE TABLE notice (
    notice_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    bigint NOT NULL REFERENCES alert,
    change      text NOT NULL CHECK (change IN
        ('opened', 'worse', 'reminder', 'escalated', 'resolved')),
    at          timestamptz NOT NULL,
    channel     text NOT NULL CHECK (channel IN ('email')),
    recipient   text NOT NULL,
    recipient_name text NOT NULL,
    language    text NOT NULL,
    reason      text NOT NULL,
    way         text NOT NULL CHECK (way IN ('at_once', 'daily', 'weekly')),
    outbox_id   bigint REFERENCES outbox,
    dropped     text
);
COMMENT ON TABLE notice IS 'what somebody is to be told of an alert; packed into a message of the outbox, or dropped with the reason';
COMMENT ON COLUMN notice.at IS 'park clock';
CREATE INDEX notice_waiting ON notice (notice_id) WHERE outbox_id IS NULL AND dropped IS NULL;
CREATE INDEX notice_by_alert ON notice (alert_id);
CREATE INDEX notice_by_message ON notice (outbox_id);
INSERT INTO notice (alert_id, change, at, channel, recipient, recipient_name, language, reason, way,
                    outbox_id)
SELECT alert_id, kind, created_at, channel, recipient, recipient_name, language,
       coalesce(context ->> 'reason', 'contact'), 'at_once', outbox_id
FROM outbox ORDER BY outbox_id;
ALTER TABLE outbox DROP COLUMN alert_id;

CREATE TABLE rule_run (
    park_id     smallint NOT NULL REFERENCES park,
    rule        text NOT NULL,
    asked_at    timestamptz NOT NULL,
    breaches    integer NOT NULL,
    clears      integer NOT NULL,
    cannot_tell integer NOT NULL,
    PRIMARY KEY (park_id, rule)
);
COMMENT ON TABLE rule_run IS 'the last answers of each rule, in numbers of subjects';
COMMENT ON COLUMN rule_run.asked_at IS 'park clock';
