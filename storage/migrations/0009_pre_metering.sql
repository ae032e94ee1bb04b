-- Why: metering truth.
--   channel kinds rate and batch, resolution of a register
--   installation         dated facts of a channel: replacement of the meter, change of multiplier
--   interval_edit        manual edits with who and why; undone, never deleted
--   reading_mark         readings that their source itself calls estimated
--   shaped_gap           estimated gaps and the days their shape was taken from: restated with them
--   restatement          since when the old value was known: answers "as of"
--   channel_hour/_month, enterprise_hour/_day/_month   roll-ups
--   stale_check, channel_check                         work of the validation job
--   finding.withdrawn_at a finding that turned out otherwise stays on record
--   horizon              how far raw readings reach back after retention
-- Locks: ACCESS EXCLUSIVE on channel, interval, restatement, channel_day and finding, for catalogue
-- changes only; two index builds on finding and restatement. Transaction: on.
ALTER TABLE channel DROP CONSTRAINT channel_kind_check;
ALTER TABLE channel ADD CONSTRAINT channel_kind_check
    CHECK (kind IN ('register', 'gauge', 'interval', 'rate', 'batch'));
ALTER TABLE channel ADD COLUMN resolution double precision CHECK (resolution > 0);
COMMENT ON COLUMN channel.resolution IS 'step of the last digit of a register, raw unit; null: from the readings';

CREATE TABLE installation (
    installation_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id  integer NOT NULL REFERENCES channel,
    at          timestamptz NOT NULL,
    replaced    boolean NOT NULL,
    final_reading double precision,
    start_reading double precision,
    factor      double precision CHECK (factor > 0),
    modulus     double precision CHECK (modulus > 0),
    rated_per_h double precision CHECK (rated_per_h > 0),
    serial      text,
    origin      text NOT NULL CHECK (origin IN ('park.yaml', 'command')),
    who         text NOT NULL,
    reason      text NOT NULL,
    recorded_at timestamptz NOT NULL,
    undone_at   timestamptz,
    undone_by   text,
    undone_reason text
);
COMMENT ON TABLE installation IS 'from `at` on other facts hold for the channel; null: as before. Rows are undone, never changed';
COMMENT ON COLUMN installation.replaced IS 'another device: the register starts anew; false: the same device, e.g. a new multiplier';
COMMENT ON COLUMN installation.final_reading IS 'register of the old device at `at`, raw unit; null: not known';
COMMENT ON COLUMN installation.start_reading IS 'register of the new device at `at`, raw unit; null: not known';
COMMENT ON COLUMN installation.modulus IS 'register value at which the display wraps from `at` on, raw unit';
COMMENT ON COLUMN installation.factor IS 'raw reading to canonical unit from `at` on';
CREATE UNIQUE INDEX installation_active ON installation (channel_id, at) WHERE undone_at IS NULL;

CREATE TABLE interval_edit (
    edit_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id  integer NOT NULL REFERENCES channel,
    start_at    timestamptz NOT NULL,
    stop_at     timestamptz NOT NULL CHECK (stop_at > start_at),
    kind        text NOT NULL CHECK (kind IN ('value', 'total', 'missing')),
    who         text NOT NULL,
    reason      text NOT NULL,
    made_at     timestamptz NOT NULL,
    undone_at   timestamptz,
    undone_by   text,
    undone_reason text
);
COMMENT ON TABLE interval_edit IS 'manual edits; the newest that is not undone counts';
CREATE TABLE interval_edit_value (
    edit_id     integer NOT NULL REFERENCES interval_edit,
    bucket_start timestamptz NOT NULL,
    value       double precision,
    PRIMARY KEY (edit_id, bucket_start)
);
COMMENT ON COLUMN interval_edit_value.value IS 'canonical unit; null: declared to be missing';
CREATE INDEX interval_edit_by_channel ON interval_edit (channel_id, start_at) WHERE undone_at IS NULL;

CREATE TABLE reading_mark (
    channel_id  integer NOT NULL,
    ts          timestamptz NOT NULL,
    value       double precision NOT NULL,
    mark        text NOT NULL CHECK (mark IN ('estimated')),
    PRIMARY KEY (channel_id, ts, value)
);
COMMENT ON COLUMN reading_mark.value IS 'the value that is marked, raw unit: the mark counts while this value is in force';
COMMENT ON TABLE reading_mark IS 'readings that their source calls estimated: what is computed from them is so too';

CREATE TABLE shaped_gap (
    channel_id  integer NOT NULL,
    start_at    timestamptz NOT NULL,
    stop_at     timestamptz NOT NULL,
    from_at     timestamptz NOT NULL,
    PRIMARY KEY (channel_id, start_at)
);
COMMENT ON TABLE shaped_gap IS 'gaps estimated by like days of [from_at, start_at): stale when those change';

ALTER TABLE interval ADD COLUMN low double precision, ADD COLUMN high double precision,
    ADD COLUMN last double precision, ADD COLUMN edit_id integer;
COMMENT ON COLUMN interval.low IS 'gauges: lowest reading of the bucket, canonical unit';
COMMENT ON COLUMN interval.high IS 'gauges: highest reading of the bucket, canonical unit';
COMMENT ON COLUMN interval.last IS 'gauges: last reading of the bucket, canonical unit';
COMMENT ON COLUMN interval.value IS 'amount, or mean of a gauge; canonical unit of the channel quantity';
COMMENT ON TABLE interval IS '15-minute amounts (registers, amounts per period, rates, batches) or means (gauges); a missing bucket has no row, never a zero';

ALTER TABLE restatement ADD COLUMN old_computed_at timestamptz, ADD COLUMN old_method text,
    ADD COLUMN new_method text;
COMMENT ON COLUMN restatement.old_computed_at IS 'since when the old value was known; null: older than this column';
CREATE INDEX restatement_by_time ON restatement (restated_at);

ALTER TABLE channel_day ADD COLUMN low double precision, ADD COLUMN high double precision,
    ADD COLUMN last double precision, ADD COLUMN edited_buckets smallint NOT NULL DEFAULT 0,
    ADD COLUMN edited_value double precision NOT NULL DEFAULT 0;
COMMENT ON TABLE channel_day IS 'per local day: amount, or mean of a gauge over its buckets';
COMMENT ON COLUMN channel_day.value IS 'canonical unit';
COMMENT ON COLUMN channel_day.edited_value IS 'part of value that was edited by hand, canonical unit';

CREATE TABLE channel_hour (
    channel_id  integer NOT NULL,
    hour_start  timestamptz NOT NULL,
    value       double precision NOT NULL,
    low         double precision,
    high        double precision,
    last        double precision,
    buckets     smallint NOT NULL,
    expected_buckets smallint NOT NULL,
    estimated_buckets smallint NOT NULL,
    estimated_value double precision NOT NULL,
    edited_buckets smallint NOT NULL,
    edited_value double precision NOT NULL,
    PRIMARY KEY (channel_id, hour_start)
);
COMMENT ON TABLE channel_hour IS 'per hour of the park zone: amount, or mean of a gauge over its buckets; canonical unit';

CREATE TABLE channel_month (
    channel_id  integer NOT NULL,
    month       date NOT NULL,
    value       double precision NOT NULL,
    low         double precision,
    high        double precision,
    last        double precision,
    buckets     smallint NOT NULL,
    expected_buckets smallint NOT NULL,
    estimated_buckets smallint NOT NULL,
    estimated_value double precision NOT NULL,
    edited_buckets smallint NOT NULL,
    edited_value double precision NOT NULL,
    PRIMARY KEY (channel_id, month)
);
COMMENT ON TABLE channel_month IS 'per local month (first day): amount, or mean of a gauge over its buckets; canonical unit';

CREATE TABLE enterprise_hour (
    enterprise_id integer NOT NULL,
    role        text NOT NULL,
    hour_start  timestamptz NOT NULL,
    value       double precision NOT NULL,
    channels    smallint NOT NULL,
    buckets     integer NOT NULL,
    expected_buckets integer NOT NULL,
    estimated_value double precision NOT NULL,
    edited_value double precision NOT NULL,
    PRIMARY KEY (enterprise_id, role, hour_start)
);
CREATE TABLE enterprise_day (
    enterprise_id integer NOT NULL,
    role        text NOT NULL,
    day         date NOT NULL,
    value       double precision NOT NULL,
    channels    smallint NOT NULL,
    buckets     integer NOT NULL,
    expected_buckets integer NOT NULL,
    estimated_value double precision NOT NULL,
    edited_value double precision NOT NULL,
    PRIMARY KEY (enterprise_id, role, day)
);
CREATE TABLE enterprise_month (
    enterprise_id integer NOT NULL,
    role        text NOT NULL,
    month       date NOT NULL,
    value       double precision NOT NULL,
    channels    smallint NOT NULL,
    buckets     integer NOT NULL,
    expected_buckets integer NOT NULL,
    estimated_value double precision NOT NULL,
    edited_value double precision NOT NULL,
    PRIMARY KEY (enterprise_id, role, month)
);
COMMENT ON TABLE enterprise_hour IS 'sum of the channels of a role per hour of the park zone; canonical unit of the role; complete when buckets = expected_buckets';
COMMENT ON TABLE enterprise_day IS 'sum of the channels of a role per local day; canonical unit of the role; complete when buckets = expected_buckets';
COMMENT ON TABLE enterprise_month IS 'sum of the channels of a role per local month (first day); canonical unit of the role; complete when buckets = expected_buckets';
COMMENT ON COLUMN enterprise_day.expected_buckets IS 'quarter-hours of the day x channels of the role in service';

CREATE TABLE stale_check (
    channel_id  integer NOT NULL,
    day         date NOT NULL,
    PRIMARY KEY (channel_id, day)
);
COMMENT ON TABLE stale_check IS 'work list of the validation job: local days whose values changed; kept until the day is over';
CREATE TABLE channel_check (
    channel_id  integer PRIMARY KEY,
    checked_until date NOT NULL
);
COMMENT ON COLUMN channel_check.checked_until IS 'first local day that the validation job has not yet looked at';

ALTER TABLE finding ADD COLUMN withdrawn_at timestamptz;
COMMENT ON COLUMN finding.withdrawn_at IS 'computed anew, it was no finding any more; null: stands';
CREATE INDEX finding_by_channel ON finding (channel_id, period_start);

CREATE TABLE horizon (
    name        text PRIMARY KEY CHECK (name IN ('reading')),
    at          timestamptz NOT NULL
);
COMMENT ON TABLE horizon IS 'raw readings before this time were removed; intervals before it are never computed again';

CREATE INDEX stale_range_by_channel ON stale_range (channel_id, start_at);
GRANT SELECT, INSERT ON reading_mark TO greenpark_collector;
GRANT SELECT ON horizon, installation TO greenpark_collector;
