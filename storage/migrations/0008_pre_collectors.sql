-- Why: collectors that speak more formats, share the work and tell how they are.
--   channel.kind interval    energy per period (NEM12, load profiles), beside registers and gauges
--   collector_state.health   in flight, queue, lag, last message per enterprise, refusals by reason
--   collector_subscription   which collector has subscribed what: re-sharding without loss
--   sparkplug_node           alias tables and sequence of Sparkplug nodes: survives a restart
--   import_progress          where an interrupted import of a file goes on
-- Locks: ACCESS EXCLUSIVE on channel and collector_state, both small. Transaction: on.
ALTER TABLE channel DROP CONSTRAINT channel_kind_check;
ALTER TABLE channel ADD CONSTRAINT channel_kind_check
    CHECK (kind IN ('register', 'gauge', 'interval'));

ALTER TABLE collector_state ADD COLUMN health jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN collector_state.health IS 'figures at updated_at: in_flight, queued, commit_lag_s, last_message, refused, ignored';

CREATE TABLE collector_subscription (
    client_id   text NOT NULL,
    filter      text NOT NULL,
    since       timestamptz NOT NULL,
    PRIMARY KEY (client_id, filter)
);
COMMENT ON TABLE collector_subscription IS 'granted by the broker: an old owner unsubscribes only what another collector has';

CREATE TABLE sparkplug_node (
    group_id    text NOT NULL,
    edge_node   text NOT NULL,
    state       jsonb NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (group_id, edge_node)
);
COMMENT ON COLUMN sparkplug_node.state IS 'bdSeq, last seq and the metrics (alias, name, data type) of the last birth certificates';

CREATE TABLE import_progress (
    sha256      bytea NOT NULL,
    mapping_sha256 bytea NOT NULL,
    file_name   text NOT NULL,
    rows_done   bigint NOT NULL,
    counters    jsonb NOT NULL,
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (sha256, mapping_sha256)
);
COMMENT ON TABLE import_progress IS 'file imports; rows_done is committed with the rows themselves';

GRANT SELECT, INSERT, UPDATE, DELETE ON collector_subscription, sparkplug_node TO greenpark_collector;
GRANT SELECT, INSERT, UPDATE ON import_progress TO greenpark_collector;
