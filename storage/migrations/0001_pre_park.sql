-- Why: master data of the park. The validated document is the truth for names, contacts, targets
-- and thresholds; the tables give every enterprise, meter and channel a stable number.
-- Locks: new tables only. Transaction: on.
CREATE TABLE park (
    park_id     smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text NOT NULL UNIQUE,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    timezone    text NOT NULL,
    simulated   boolean NOT NULL,
    document    jsonb NOT NULL,
    applied_at  timestamptz NOT NULL
);
COMMENT ON COLUMN park.timezone IS 'IANA zone in which days and months are cut';
COMMENT ON COLUMN park.document IS 'the applied park.yaml, validated';

CREATE TABLE park_history (
    park_history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    park_key    text NOT NULL,
    document    jsonb NOT NULL,
    applied_at  timestamptz NOT NULL
);

CREATE TABLE enterprise (
    enterprise_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    park_id     smallint NOT NULL REFERENCES park,
    key         text NOT NULL,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    kind        text NOT NULL,
    in_goal_boundary boolean NOT NULL,
    retired_at  timestamptz,
    UNIQUE (park_id, key)
);

CREATE TABLE meter (
    meter_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    park_id     smallint NOT NULL REFERENCES park,
    enterprise_id integer NOT NULL REFERENCES enterprise,
    key         text NOT NULL,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    retired_at  timestamptz,
    UNIQUE (park_id, key)
);

CREATE TABLE channel (
    channel_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_id    integer NOT NULL REFERENCES meter,
    key         text NOT NULL,
    quantity    text NOT NULL,
    unit        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('register', 'gauge')),
    role        text NOT NULL,
    factor      double precision NOT NULL CHECK (factor > 0),
    modulus     double precision CHECK (modulus > 0),
    period_s    integer NOT NULL CHECK (period_s > 0),
    rated_per_h double precision CHECK (rated_per_h > 0),
    in_service_from date,
    retired_at  timestamptz,
    UNIQUE (meter_id, key)
);
COMMENT ON COLUMN channel.unit IS 'unit of the raw readings';
COMMENT ON COLUMN channel.factor IS 'raw reading to canonical unit of the quantity: multiplier x unit factor';
COMMENT ON COLUMN channel.modulus IS 'register value at which the display wraps, in raw units';
COMMENT ON COLUMN channel.rated_per_h IS 'highest possible amount per hour, canonical unit';
COMMENT ON COLUMN channel.in_service_from IS 'first local day of service; null: always. Before it no balance waits for the channel';
