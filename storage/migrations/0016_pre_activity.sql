-- Why: activity data that no meter gives (production, money, fuels, waste, contracts) with its audit;
-- what indicators mean and which threshold is set; flows between meters; savings of retrofit projects.
-- Locks: new tables only. Transaction: on.
CREATE TABLE activity_import (
    activity_import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    park_id     smallint NOT NULL REFERENCES park,
    source      text NOT NULL,
    sha256      bytea NOT NULL,
    imported_by text NOT NULL,
    reason      text NOT NULL,
    imported_at timestamptz NOT NULL
);
COMMENT ON TABLE activity_import IS 'who brought which file of reported data, when and why';

CREATE TABLE activity (
    activity_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id integer NOT NULL REFERENCES enterprise,
    item        text NOT NULL,
    month       date NOT NULL,
    detail      text NOT NULL,
    value       double precision NOT NULL,
    note        text NOT NULL,
    activity_import_id bigint NOT NULL REFERENCES activity_import,
    replaced_by bigint REFERENCES activity_import,
    replaced_at timestamptz,
    CHECK ((replaced_by IS NULL) = (replaced_at IS NULL))
);
COMMENT ON TABLE activity IS 'reported monthly amounts; a later report replaces, nothing is deleted';
COMMENT ON COLUMN activity.item IS 'key of the table of items, its unit is in the key';
COMMENT ON COLUMN activity.month IS 'first day of the month';
COMMENT ON COLUMN activity.detail IS 'e.g. the waste stream; empty: none';
COMMENT ON COLUMN activity.value IS 'in the unit of the item';
COMMENT ON COLUMN activity.replaced_at IS 'null: in force';
CREATE UNIQUE INDEX activity_in_force ON activity (enterprise_id, item, month, detail)
    WHERE replaced_at IS NULL;

CREATE TABLE indicator_definition (
    park_id     smallint NOT NULL REFERENCES park,
    indicator   text NOT NULL,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    unit        text NOT NULL,
    domain_row  smallint NOT NULL,
    formula     text NOT NULL,
    source      text NOT NULL,
    confidence  text NOT NULL,
    sense       text NOT NULL CHECK (sense IN ('min', 'max', '')),
    limit_value double precision,
    limit_source text NOT NULL,
    PRIMARY KEY (park_id, indicator)
);
COMMENT ON TABLE indicator_definition IS 'the catalogue of indicators as the program knows it, with the thresholds of the park';
COMMENT ON COLUMN indicator_definition.domain_row IS 'row of the table of indicators of the field';
COMMENT ON COLUMN indicator_definition.limit_value IS 'in the unit of the indicator; null: not set';
COMMENT ON COLUMN indicator_definition.limit_source IS 'who sets the threshold, or that none is set';

INSERT INTO stale_indicator (enterprise_id, from_day)
SELECT enterprise_id, min(day) FROM enterprise_day GROUP BY enterprise_id
ON CONFLICT (enterprise_id) DO UPDATE
    SET from_day = least(stale_indicator.from_day, excluded.from_day);

CREATE TABLE flow_link (
    park_id     smallint NOT NULL REFERENCES park,
    month       date NOT NULL,
    medium      text NOT NULL CHECK (medium IN ('electricity', 'water')),
    source      text NOT NULL,
    target      text NOT NULL,
    amount      double precision NOT NULL,
    completeness_ratio double precision NOT NULL,
    PRIMARY KEY (park_id, month, medium, source, target)
);
COMMENT ON TABLE flow_link IS 'what flowed from node to node in a local month, for flow diagrams';
COMMENT ON COLUMN flow_link.amount IS 'kWh of electricity, m3 of water';
CREATE TABLE flow_node (
    park_id     smallint NOT NULL REFERENCES park,
    month       date NOT NULL,
    medium      text NOT NULL,
    node        text NOT NULL,
    kind        text NOT NULL,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    amount_in   double precision,
    amount_out  double precision,
    error_ratio double precision,
    PRIMARY KEY (park_id, month, medium, node)
);
COMMENT ON TABLE flow_node IS 'nodes of flow diagrams with their balance';
COMMENT ON COLUMN flow_node.amount_in IS 'kWh of electricity, m3 of water; null: a source';
COMMENT ON COLUMN flow_node.amount_out IS 'kWh or m3; null: nothing is metered behind it';
COMMENT ON COLUMN flow_node.error_ratio IS '(in - out) / in; null: not both are metered';

CREATE TABLE saving_result (
    park_id     smallint NOT NULL REFERENCES park,
    project     text NOT NULL,
    reporting_year smallint NOT NULL,
    enterprise_id integer NOT NULL REFERENCES enterprise,
    medium      text NOT NULL,
    unit        text NOT NULL,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    baseline_start date NOT NULL,
    baseline_stop date NOT NULL,
    reporting_start date NOT NULL,
    reporting_stop date NOT NULL,
    is_accepted boolean NOT NULL,
    saved_amount double precision,
    saved_low   double precision,
    saved_high  double precision,
    baseline_amount double precision,
    measured_amount double precision,
    adjusted_amount double precision NOT NULL,
    target_amount double precision,
    model       text NOT NULL,
    statistics  jsonb NOT NULL,
    refusals    text[] NOT NULL,
    remarks     text[] NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (park_id, project, reporting_year)
);
COMMENT ON TABLE saving_result IS 'measurement and verification of retrofit projects by calendar year, as of the newest data';
COMMENT ON COLUMN saving_result.saved_amount IS 'verified saving of the reporting period, in unit; null: refused';
COMMENT ON COLUMN saving_result.saved_low IS 'lower end of the 90 % interval, in unit';
COMMENT ON COLUMN saving_result.saved_high IS 'upper end of the 90 % interval, in unit';
COMMENT ON COLUMN saving_result.baseline_amount IS 'adjusted baseline of the reporting conditions, in unit';
COMMENT ON COLUMN saving_result.measured_amount IS 'in unit';
COMMENT ON COLUMN saving_result.adjusted_amount IS 'sum of non-routine adjustments, in unit';
COMMENT ON COLUMN saving_result.target_amount IS 'promised saving of a year, in unit; null: not set';
