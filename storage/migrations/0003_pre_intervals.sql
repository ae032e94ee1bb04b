-- Why: 15-minute truth per channel, its changes, its daily roll-up, and findings.
-- Locks: new tables only. Transaction: on. `interval` becomes a hypertable like `reading`.
CREATE TABLE interval (
    channel_id  integer NOT NULL,
    bucket_start timestamptz NOT NULL,
    value       double precision NOT NULL,
    quality     text NOT NULL CHECK (quality IN ('measured', 'estimated', 'edited')),
    method      text,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (channel_id, bucket_start)
);
COMMENT ON TABLE interval IS '15-minute amounts (registers) or means (gauges); a missing bucket has no row, never a zero';
COMMENT ON COLUMN interval.value IS 'canonical unit of the channel quantity';
COMMENT ON COLUMN interval.method IS 'how an estimated value was made';

CREATE TABLE restatement (
    restatement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id  integer NOT NULL,
    bucket_start timestamptz NOT NULL,
    old_value   double precision,
    new_value   double precision,
    old_quality text,
    new_quality text,
    reason      text NOT NULL,
    restated_at timestamptz NOT NULL
);
COMMENT ON COLUMN restatement.old_value IS 'canonical unit; null: the bucket had no value';
COMMENT ON COLUMN restatement.new_value IS 'canonical unit; null: the bucket has no value any more';
CREATE INDEX restatement_by_channel ON restatement (channel_id, bucket_start);

CREATE TABLE stale_day (
    channel_id  integer NOT NULL,
    day         date NOT NULL,
    PRIMARY KEY (channel_id, day)
);
COMMENT ON TABLE stale_day IS 'work list of the daily roll-up; days are local to the park';

CREATE TABLE channel_day (
    channel_id  integer NOT NULL,
    day         date NOT NULL,
    value       double precision NOT NULL,
    buckets     smallint NOT NULL,
    estimated_buckets smallint NOT NULL,
    estimated_value double precision NOT NULL,
    expected_buckets smallint NOT NULL,
    PRIMARY KEY (channel_id, day)
);
COMMENT ON TABLE channel_day IS 'register channels: amount of the local day';
COMMENT ON COLUMN channel_day.value IS 'canonical unit';
COMMENT ON COLUMN channel_day.estimated_value IS 'part of value that was estimated, canonical unit';

CREATE TABLE finding (
    finding_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    enterprise_id integer,
    channel_id  integer,
    period_start timestamptz NOT NULL,
    period_stop timestamptz NOT NULL,
    evidence    jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (code, enterprise_id, channel_id, period_start)
);
