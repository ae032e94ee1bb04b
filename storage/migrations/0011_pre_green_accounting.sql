-- Why: green power accounting.
--   balance_day, balance_hour   every kWh from its source to its use, traced through the storage
--   storage_stock        what a storage holds at the end of a local day, and where it came from
--   stale_balance        work list: local days of an enterprise to trace anew
--   indicator_value      two more kinds of periods; a note says why a value is missing
--   channel.technology   what a direct line is fed by, for the forecast
-- Every day known so far is traced anew. Locks: ACCESS EXCLUSIVE on balance_day, indicator_value
-- and channel for catalogue changes only. Transaction: on.
ALTER TABLE balance_day
    ADD COLUMN load_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN unbalanced_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN onsite_to_load_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN onsite_to_charge_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN onsite_to_export_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN direct_to_load_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN direct_to_charge_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN direct_to_export_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN storage_to_load_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN storage_to_charge_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN storage_to_export_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN grid_to_load_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN grid_to_charge_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN grid_to_export_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN green_load_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN green_charge_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN green_export_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN direct_export_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN green_lost_kwh double precision NOT NULL DEFAULT 0,
    ADD COLUMN untraced_kwh double precision NOT NULL DEFAULT 0;
COMMENT ON COLUMN balance_day.load_kwh IS 'end use: on-site + direct + discharge + import - charge - export, never below zero [kWh]';
COMMENT ON COLUMN balance_day.unbalanced_kwh IS 'charged or exported beyond all supply because meters disagree; has no source [kWh]';
COMMENT ON COLUMN balance_day.onsite_to_load_kwh IS 'from on-site generation to end use [kWh]';
COMMENT ON COLUMN balance_day.onsite_to_charge_kwh IS 'from on-site generation to charging [kWh]';
COMMENT ON COLUMN balance_day.onsite_to_export_kwh IS 'from on-site generation to export [kWh]';
COMMENT ON COLUMN balance_day.direct_to_load_kwh IS 'from direct lines to end use [kWh]';
COMMENT ON COLUMN balance_day.direct_to_charge_kwh IS 'from direct lines to charging [kWh]';
COMMENT ON COLUMN balance_day.direct_to_export_kwh IS 'from direct lines to export [kWh]';
COMMENT ON COLUMN balance_day.storage_to_load_kwh IS 'from storage discharge to end use [kWh]';
COMMENT ON COLUMN balance_day.storage_to_charge_kwh IS 'from storage discharge to charging [kWh]';
COMMENT ON COLUMN balance_day.storage_to_export_kwh IS 'from storage discharge to export [kWh]';
COMMENT ON COLUMN balance_day.grid_to_load_kwh IS 'from the grid to end use [kWh]';
COMMENT ON COLUMN balance_day.grid_to_charge_kwh IS 'from the grid to charging [kWh]';
COMMENT ON COLUMN balance_day.grid_to_export_kwh IS 'from the grid to export [kWh]';
COMMENT ON COLUMN balance_day.green_load_kwh IS 'end use from on-site and direct supply, through the storage as well [kWh]';
COMMENT ON COLUMN balance_day.green_charge_kwh IS 'charged from on-site and direct supply [kWh]';
COMMENT ON COLUMN balance_day.green_export_kwh IS 'exported from on-site and direct supply, through the storage as well [kWh]';
COMMENT ON COLUMN balance_day.direct_export_kwh IS 'part of green_export_kwh that came over a direct line [kWh]';
COMMENT ON COLUMN balance_day.green_lost_kwh IS 'green energy lost by storing, or discharged while the balance could not be closed [kWh]';
COMMENT ON COLUMN balance_day.untraced_kwh IS 'discharge beyond the traced stock: counted as not green [kWh]';
COMMENT ON COLUMN balance_day.import_kwh IS 'from the grid [kWh]';
COMMENT ON COLUMN balance_day.export_kwh IS 'to the grid [kWh]';
COMMENT ON COLUMN balance_day.direct_kwh IS 'over direct lines [kWh]';
COMMENT ON COLUMN balance_day.onsite_kwh IS 'own PV and wind [kWh]';
COMMENT ON COLUMN balance_day.charge_kwh IS 'into the storage [kWh]';
COMMENT ON COLUMN balance_day.discharge_kwh IS 'out of the storage [kWh]';

CREATE TABLE balance_hour (
    enterprise_id integer NOT NULL,
    hour_start  timestamptz NOT NULL,
    import_kwh double precision NOT NULL,
    export_kwh double precision NOT NULL,
    direct_kwh double precision NOT NULL,
    onsite_kwh double precision NOT NULL,
    charge_kwh double precision NOT NULL,
    discharge_kwh double precision NOT NULL,
    load_kwh double precision NOT NULL,
    unbalanced_kwh double precision NOT NULL,
    onsite_to_load_kwh double precision NOT NULL,
    onsite_to_charge_kwh double precision NOT NULL,
    onsite_to_export_kwh double precision NOT NULL,
    direct_to_load_kwh double precision NOT NULL,
    direct_to_charge_kwh double precision NOT NULL,
    direct_to_export_kwh double precision NOT NULL,
    storage_to_load_kwh double precision NOT NULL,
    storage_to_charge_kwh double precision NOT NULL,
    storage_to_export_kwh double precision NOT NULL,
    grid_to_load_kwh double precision NOT NULL,
    grid_to_charge_kwh double precision NOT NULL,
    grid_to_export_kwh double precision NOT NULL,
    green_load_kwh double precision NOT NULL,
    green_charge_kwh double precision NOT NULL,
    green_export_kwh double precision NOT NULL,
    direct_export_kwh double precision NOT NULL,
    green_lost_kwh double precision NOT NULL,
    untraced_kwh double precision NOT NULL,
    physical_green_kwh double precision NOT NULL,
    grid_draw_kwh double precision NOT NULL,
    consumption_kwh double precision NOT NULL,
    estimated_kwh double precision NOT NULL,
    buckets     smallint NOT NULL,
    PRIMARY KEY (enterprise_id, hour_start)
);
COMMENT ON TABLE balance_hour IS 'sums of the 15-minute balances of an hour of the park zone in which every balance channel has a value';
COMMENT ON COLUMN balance_hour.import_kwh IS 'from the grid [kWh]';
COMMENT ON COLUMN balance_hour.export_kwh IS 'to the grid [kWh]';
COMMENT ON COLUMN balance_hour.direct_kwh IS 'over direct lines [kWh]';
COMMENT ON COLUMN balance_hour.onsite_kwh IS 'own PV and wind [kWh]';
COMMENT ON COLUMN balance_hour.charge_kwh IS 'into the storage [kWh]';
COMMENT ON COLUMN balance_hour.discharge_kwh IS 'out of the storage [kWh]';
COMMENT ON COLUMN balance_hour.load_kwh IS 'end use: on-site + direct + discharge + import - charge - export, never below zero [kWh]';
COMMENT ON COLUMN balance_hour.unbalanced_kwh IS 'charged or exported beyond all supply because meters disagree; has no source [kWh]';
COMMENT ON COLUMN balance_hour.onsite_to_load_kwh IS 'from on-site generation to end use [kWh]';
COMMENT ON COLUMN balance_hour.onsite_to_charge_kwh IS 'from on-site generation to charging [kWh]';
COMMENT ON COLUMN balance_hour.onsite_to_export_kwh IS 'from on-site generation to export [kWh]';
COMMENT ON COLUMN balance_hour.direct_to_load_kwh IS 'from direct lines to end use [kWh]';
COMMENT ON COLUMN balance_hour.direct_to_charge_kwh IS 'from direct lines to charging [kWh]';
COMMENT ON COLUMN balance_hour.direct_to_export_kwh IS 'from direct lines to export [kWh]';
COMMENT ON COLUMN balance_hour.storage_to_load_kwh IS 'from storage discharge to end use [kWh]';
COMMENT ON COLUMN balance_hour.storage_to_charge_kwh IS 'from storage discharge to charging [kWh]';
COMMENT ON COLUMN balance_hour.storage_to_export_kwh IS 'from storage discharge to export [kWh]';
COMMENT ON COLUMN balance_hour.grid_to_load_kwh IS 'from the grid to end use [kWh]';
COMMENT ON COLUMN balance_hour.grid_to_charge_kwh IS 'from the grid to charging [kWh]';
COMMENT ON COLUMN balance_hour.grid_to_export_kwh IS 'from the grid to export [kWh]';
COMMENT ON COLUMN balance_hour.green_load_kwh IS 'end use from on-site and direct supply, through the storage as well [kWh]';
COMMENT ON COLUMN balance_hour.green_charge_kwh IS 'charged from on-site and direct supply [kWh]';
COMMENT ON COLUMN balance_hour.green_export_kwh IS 'exported from on-site and direct supply, through the storage as well [kWh]';
COMMENT ON COLUMN balance_hour.direct_export_kwh IS 'part of green_export_kwh that came over a direct line [kWh]';
COMMENT ON COLUMN balance_hour.green_lost_kwh IS 'green energy lost by storing, or discharged while the balance could not be closed [kWh]';
COMMENT ON COLUMN balance_hour.untraced_kwh IS 'discharge beyond the traced stock: counted as not green [kWh]';
COMMENT ON COLUMN balance_hour.physical_green_kwh IS 'P of domain 1.1: on-site + direct - green export [kWh]';
COMMENT ON COLUMN balance_hour.grid_draw_kwh IS 'D of domain 1.1: grid import - non-green export [kWh]';
COMMENT ON COLUMN balance_hour.consumption_kwh IS 'E = D + P [kWh]';
COMMENT ON COLUMN balance_hour.estimated_kwh IS 'metered energy that was estimated, all balance channels [kWh]';
COMMENT ON COLUMN balance_hour.buckets IS 'number of 15-minute balances that could be closed';

CREATE TABLE storage_stock (
    enterprise_id integer NOT NULL,
    day         date NOT NULL,
    layers      double precision[] NOT NULL,
    PRIMARY KEY (enterprise_id, day)
);
COMMENT ON TABLE storage_stock IS 'what the storage of an enterprise holds at the end of a local day';
COMMENT ON COLUMN storage_stock.layers IS 'oldest first: energy that can still be discharged, its on-site part, its direct-line part [kWh]';

CREATE TABLE stale_balance (
    enterprise_id integer NOT NULL,
    day         date NOT NULL,
    PRIMARY KEY (enterprise_id, day)
);
COMMENT ON TABLE stale_balance IS 'work list of the balance job: local days whose metered energy changed';
INSERT INTO stale_balance (enterprise_id, day) SELECT enterprise_id, day FROM balance_day;

ALTER TABLE indicator_value DROP CONSTRAINT indicator_value_period_kind_check;
ALTER TABLE indicator_value ADD CONSTRAINT indicator_value_period_kind_check
    CHECK (period_kind IN ('day', 'rolling_7d', 'rolling_30d', 'rolling_12m', 'month', 'ytd', 'year'));
ALTER TABLE indicator_value ADD COLUMN note text;
CREATE INDEX indicator_value_by_stop ON indicator_value (park_id, period_stop);
COMMENT ON COLUMN indicator_value.note IS 'why there is no value, or what it rests on (factors, settings); null: nothing to say';

ALTER TABLE channel ADD COLUMN technology text;
COMMENT ON COLUMN channel.technology IS 'pv, wind or other: what a direct line or a generator is; null: not told';
