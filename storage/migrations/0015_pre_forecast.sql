-- Why: year-end forecasts as they were made, a row per subject and morning: what was said when stays
-- readable. Locks: new table and view only. Transaction: on.
CREATE TABLE green_forecast (
    park_id     smallint NOT NULL REFERENCES park,
    enterprise_id integer,
    made_for    date NOT NULL,
    target_ratio double precision NOT NULL,
    s1_p10_ratio double precision NOT NULL,
    s1_p50_ratio double precision NOT NULL,
    s1_p90_ratio double precision NOT NULL,
    s3_p10_ratio double precision NOT NULL,
    s3_p50_ratio double precision NOT NULL,
    s3_p90_ratio double precision NOT NULL,
    s1_probability_ratio double precision NOT NULL,
    s3_probability_ratio double precision NOT NULL,
    consumption_p10_kwh double precision NOT NULL,
    consumption_p50_kwh double precision NOT NULL,
    consumption_p90_kwh double precision NOT NULL,
    required_ratio double precision,
    certificates_p50_mwh bigint NOT NULL,
    certificates_p10_mwh bigint NOT NULL,
    certificates_room_mwh bigint NOT NULL,
    known_ratio double precision NOT NULL,
    notes       text NOT NULL,
    computed_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (park_id, enterprise_id, made_for)
);
COMMENT ON TABLE green_forecast IS 'green shares at the end of the year, seen from the morning of made_for; enterprise_id null: the park';
COMMENT ON COLUMN green_forecast.made_for IS 'first local day that is not known yet';
COMMENT ON COLUMN green_forecast.s3_p50_ratio IS 'claimable share at year end in the middle scenario, 0..1; P10 and P90 beside it';
COMMENT ON COLUMN green_forecast.s3_probability_ratio IS 'scenarios that reach the target, 0..1';
COMMENT ON COLUMN green_forecast.consumption_p50_kwh IS 'consumption of the whole year [kWh]';
COMMENT ON COLUMN green_forecast.required_ratio IS 'S3 needed over the rest of the year; above 1 it takes certificates; null: the year is over';
COMMENT ON COLUMN green_forecast.certificates_p50_mwh IS 'certificates that close the gap in half of the scenarios [MWh]';
COMMENT ON COLUMN green_forecast.certificates_p10_mwh IS 'certificates that close the gap in nine of ten scenarios [MWh]';
COMMENT ON COLUMN green_forecast.certificates_room_mwh IS 'most that T + C <= D leaves room for, median [MWh]';
COMMENT ON COLUMN green_forecast.known_ratio IS 'known days / days of the year, 0..1';

CREATE VIEW dash.green_forecast AS
SELECT p.park_key, coalesce(e.enterprise_key, 'park') AS enterprise_key,
       f.enterprise_id IS NULL AS is_park,
       coalesce(e.name_zh, p.name_zh) AS name_zh, coalesce(e.name_en, p.name_en) AS name_en,
       f.made_for, f.made_for::timestamp AT TIME ZONE p.timezone AS at, f.target_ratio,
       f.s1_p10_ratio, f.s1_p50_ratio, f.s1_p90_ratio, f.s3_p10_ratio, f.s3_p50_ratio,
       f.s3_p90_ratio, f.s1_probability_ratio, f.s3_probability_ratio, f.consumption_p10_kwh,
       f.consumption_p50_kwh, f.consumption_p90_kwh, f.required_ratio, f.certificates_p50_mwh,
       f.certificates_p10_mwh, f.certificates_room_mwh, f.known_ratio, f.notes, f.computed_at
FROM green_forecast f
JOIN dash.park p ON p.park_id = f.park_id
LEFT JOIN dash.enterprise e ON e.enterprise_id = f.enterprise_id;
COMMENT ON VIEW dash.green_forecast IS 'year-end forecasts of the green shares, one row per subject and morning';
GRANT SELECT ON dash.green_forecast TO greenpark_reader;
