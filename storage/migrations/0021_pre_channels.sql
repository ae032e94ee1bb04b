-- Why: messages go to webhooks and chat rooms as well, each an opt-in of a contact.
-- Locks: outbox and notice, shortly. Transaction: on.
ALTER TABLE outbox DROP CONSTRAINT outbox_channel,
    ADD CONSTRAINT outbox_channel CHECK (channel IN ('email', 'webhook', 'chat'));
ALTER TABLE notice DROP CONSTRAINT notice_channel_check,
    ADD CONSTRAINT notice_channel CHECK (channel IN ('email', 'webhook', 'chat'));
COMMENT ON COLUMN outbox.recipient IS 'e-mail address, or the name of a channel of the channels file';
COMMENT ON COLUMN notice.recipient IS 'e-mail address, or the name of a channel of the channels file';
