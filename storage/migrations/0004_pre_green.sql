-- Why: daily energy balance per enterprise, imported trades and certificates, indicator values.
-- Locks: new tables only. Transaction: on.
CREATE TABLE balance_day (
    enterprise_id integer NOT NULL,
    day         date NOT NULL,
    import_kwh  double precision NOT NULL,
    export_kwh  double precision NOT NULL,
    direct_kwh  double precision NOT NULL,
    onsite_kwh  double precision NOT NULL,
    charge_kwh  double precision NOT NULL,
    discharge_kwh double precision NOT NULL,
    physical_green_kwh double precision NOT NULL,
    grid_draw_kwh double precision NOT NULL,
    consumption_kwh double precision NOT NULL,
    estimated_kwh double precision NOT NULL,
    buckets     smallint NOT NULL,
    expected_buckets smallint NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, day)
);
COMMENT ON TABLE balance_day IS 'sums of the 15-minute balances of a local day in which every balance channel has a value';
COMMENT ON COLUMN balance_day.physical_green_kwh IS 'P of domain 1.1: on-site + direct - green export [kWh]';
COMMENT ON COLUMN balance_day.grid_draw_kwh IS 'D of domain 1.1: grid import - non-green export [kWh]';
COMMENT ON COLUMN balance_day.consumption_kwh IS 'E = D + P [kWh]';
COMMENT ON COLUMN balance_day.estimated_kwh IS 'metered energy of this day that was estimated, all balance channels [kWh]';
COMMENT ON COLUMN balance_day.buckets IS 'number of 15-minute balances that could be closed';

CREATE TABLE stale_indicator (
    enterprise_id integer PRIMARY KEY,
    from_day    date NOT NULL
);
COMMENT ON TABLE stale_indicator IS 'work list of the indicator job: everything of this enterprise from this day on';

CREATE TABLE import_batch (
    import_batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    source      text NOT NULL,
    sha256      bytea NOT NULL,
    rows        integer NOT NULL,
    imported_at timestamptz NOT NULL
);

CREATE TABLE trade (
    trade_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id integer NOT NULL REFERENCES enterprise,
    contract    text NOT NULL,
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    kind        text NOT NULL CHECK (kind IN ('green', 'nuclear')),
    settled_wh  bigint NOT NULL CHECK (settled_wh >= 0),
    import_batch_id bigint NOT NULL REFERENCES import_batch,
    UNIQUE (enterprise_id, contract, month)
);
COMMENT ON COLUMN trade.month IS 'month of generation, first day';
COMMENT ON COLUMN trade.settled_wh IS 'settled energy, integer Wh';

CREATE TABLE certificate (
    certificate_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id integer NOT NULL REFERENCES enterprise,
    series      text NOT NULL,
    serial_first bigint NOT NULL,
    serial_last bigint NOT NULL CHECK (serial_last >= serial_first),
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    cancelled_on date NOT NULL,
    import_batch_id bigint NOT NULL REFERENCES import_batch
);
COMMENT ON TABLE certificate IS 'cancelled green certificates (GEC); one serial = 1 MWh; ranges never overlap (checked at import under a lock)';
COMMENT ON COLUMN certificate.month IS 'month of generation: the claim belongs to this year';
CREATE INDEX certificate_by_series ON certificate (series, serial_first);

CREATE TABLE indicator_value (
    indicator   text NOT NULL,
    park_id     smallint NOT NULL REFERENCES park,
    enterprise_id integer,
    period_kind text NOT NULL CHECK (period_kind IN ('day', 'rolling_7d', 'month', 'ytd')),
    period_start date NOT NULL,
    period_stop date NOT NULL,
    value       double precision,
    numerator   double precision,
    denominator double precision,
    unit        text NOT NULL,
    completeness_ratio double precision NOT NULL,
    estimated_ratio double precision NOT NULL,
    status      text NOT NULL CHECK (status IN ('provisional', 'final')),
    computed_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (park_id, enterprise_id, indicator, period_kind, period_start, period_stop)
);
COMMENT ON TABLE indicator_value IS 'enterprise_id null: the park as a whole; periods are half-open local days';
COMMENT ON COLUMN indicator_value.value IS 'numerator / denominator in `unit`; null: cannot tell';
COMMENT ON COLUMN indicator_value.completeness_ratio IS 'closed balances / due balances of the period';
COMMENT ON COLUMN indicator_value.estimated_ratio IS 'estimated part of the metered amounts of the period';
