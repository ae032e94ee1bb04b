-- Why: raw readings (append-only, never edited), what arrived a second time with another value,
-- what could not be used, and what a reading made stale.
-- Locks: new tables only. Transaction: on. TimescaleDB, where present, turns `reading` into a
-- hypertable afterwards (storage/timescale.py).
CREATE TABLE reading (
    channel_id  integer NOT NULL,
    ts          timestamptz NOT NULL,
    value       double precision NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (channel_id, ts)
);
COMMENT ON TABLE reading IS 'first value received for a channel and time; no foreign key, so that ingest stays one index write';
COMMENT ON COLUMN reading.ts IS 'time of measurement, UTC';
COMMENT ON COLUMN reading.value IS 'raw value in channel.unit, multiplier not applied';

CREATE TABLE reading_revision (
    channel_id  integer NOT NULL,
    ts          timestamptz NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('conflict', 'correction')),
    value       double precision NOT NULL,
    received_at timestamptz NOT NULL,
    revision_id bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (channel_id, ts, kind, value)
);
COMMENT ON TABLE reading_revision IS 'a second value for the same channel and time: conflict (kept, not used) or declared correction (the newest counts)';

CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256      bytea NOT NULL UNIQUE,
    topic       text NOT NULL,
    payload     bytea NOT NULL,
    reason      text NOT NULL,
    detail      jsonb NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    occurrences integer NOT NULL DEFAULT 1,
    released_at timestamptz
);
COMMENT ON COLUMN quarantine.sha256 IS 'of topic, NUL, payload: a redelivered message is counted, not repeated';
COMMENT ON COLUMN quarantine.reason IS 'code of the first problem; detail lists all of them';

CREATE TABLE stale_range (
    stale_range_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id  integer NOT NULL,
    start_at    timestamptz NOT NULL,
    stop_at     timestamptz NOT NULL,
    reason      text NOT NULL
);
COMMENT ON TABLE stale_range IS 'work list of the interval job: readings of [start_at, stop_at] (both inclusive) are new';

CREATE TABLE collector_state (
    client_id   text PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    counters    jsonb NOT NULL
);
