-- Why: green accounting for dashboards: where each kWh came from, per hour and day; every indicator
-- with what a reader needs to trust it; shares of named sets of enterprises; what storages hold.
-- Locks: catalogue rows. Transaction: on.

CREATE VIEW dash.green_hour AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, b.hour_start AS at,
       b.import_kwh, b.export_kwh, b.direct_kwh, b.onsite_kwh, b.charge_kwh, b.discharge_kwh,
       b.load_kwh, b.unbalanced_kwh, b.onsite_to_load_kwh, b.onsite_to_charge_kwh,
       b.onsite_to_export_kwh, b.direct_to_load_kwh, b.direct_to_charge_kwh,
       b.direct_to_export_kwh, b.storage_to_load_kwh, b.storage_to_charge_kwh,
       b.storage_to_export_kwh, b.grid_to_load_kwh, b.grid_to_charge_kwh, b.grid_to_export_kwh,
       b.green_load_kwh, b.green_charge_kwh, b.green_export_kwh, b.direct_export_kwh,
       b.green_lost_kwh, b.untraced_kwh, b.physical_green_kwh, b.grid_draw_kwh,
       b.consumption_kwh, b.estimated_kwh,
       b.buckets, 4 AS expected_buckets
FROM balance_hour b
JOIN dash.enterprise e ON e.enterprise_id = b.enterprise_id;
COMMENT ON VIEW dash.green_hour IS 'energy per enterprise and hour from its source to its use; sums of the quarter-hours whose balance could be closed';
COMMENT ON COLUMN dash.green_hour.at IS 'start of the hour';
COMMENT ON COLUMN dash.green_hour.buckets IS 'quarter-hours with a closed balance; fewer than expected: the sums are too low';

CREATE VIEW dash.green_day AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, b.day,
       b.day::timestamp AT TIME ZONE p.timezone AS at,
       b.import_kwh, b.export_kwh, b.direct_kwh, b.onsite_kwh, b.charge_kwh, b.discharge_kwh,
       b.load_kwh, b.unbalanced_kwh, b.onsite_to_load_kwh, b.onsite_to_charge_kwh,
       b.onsite_to_export_kwh, b.direct_to_load_kwh, b.direct_to_charge_kwh,
       b.direct_to_export_kwh, b.storage_to_load_kwh, b.storage_to_charge_kwh,
       b.storage_to_export_kwh, b.grid_to_load_kwh, b.grid_to_charge_kwh, b.grid_to_export_kwh,
       b.green_load_kwh, b.green_charge_kwh, b.green_export_kwh, b.direct_export_kwh,
       b.green_lost_kwh, b.untraced_kwh, b.physical_green_kwh, b.grid_draw_kwh,
       b.consumption_kwh, b.estimated_kwh,
       b.buckets, b.expected_buckets
FROM balance_day b
JOIN dash.enterprise e ON e.enterprise_id = b.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key;
COMMENT ON VIEW dash.green_day IS 'energy per enterprise and local day from its source to its use; sums of the quarter-hours whose balance could be closed';
COMMENT ON COLUMN dash.green_day.at IS 'start of the day';
COMMENT ON COLUMN dash.green_day.buckets IS 'quarter-hours with a closed balance; fewer than expected: the sums are too low';
COMMENT ON COLUMN dash.green_hour.green_load_kwh IS 'end use from on-site and direct supply, through the storage as well [kWh]';
COMMENT ON COLUMN dash.green_hour.untraced_kwh IS 'discharge beyond the traced stock: counted as not green [kWh]';
COMMENT ON COLUMN dash.green_hour.unbalanced_kwh IS 'charged or exported beyond all supply because meters disagree [kWh]';
COMMENT ON COLUMN dash.green_hour.physical_green_kwh IS 'P: on-site + direct - green export [kWh]';
COMMENT ON COLUMN dash.green_hour.grid_draw_kwh IS 'D: grid import - non-green export [kWh]';
COMMENT ON COLUMN dash.green_hour.consumption_kwh IS 'E = D + P [kWh]';
COMMENT ON COLUMN dash.green_hour.estimated_kwh IS 'estimated part of the metered energy, all balance channels [kWh]';
COMMENT ON COLUMN dash.green_hour.green_lost_kwh IS 'green energy lost by storing, or discharged while the balance could not be closed [kWh]';
COMMENT ON COLUMN dash.green_day.green_load_kwh IS 'end use from on-site and direct supply, through the storage as well [kWh]';
COMMENT ON COLUMN dash.green_day.untraced_kwh IS 'discharge beyond the traced stock: counted as not green [kWh]';
COMMENT ON COLUMN dash.green_day.unbalanced_kwh IS 'charged or exported beyond all supply because meters disagree [kWh]';
COMMENT ON COLUMN dash.green_day.physical_green_kwh IS 'P: on-site + direct - green export [kWh]';
COMMENT ON COLUMN dash.green_day.grid_draw_kwh IS 'D: grid import - non-green export [kWh]';
COMMENT ON COLUMN dash.green_day.consumption_kwh IS 'E = D + P [kWh]';
COMMENT ON COLUMN dash.green_day.estimated_kwh IS 'estimated part of the metered energy, all balance channels [kWh]';
COMMENT ON COLUMN dash.green_day.green_lost_kwh IS 'green energy lost by storing, or discharged while the balance could not be closed [kWh]';

CREATE VIEW dash.indicator AS
SELECT p.park_key, coalesce(e.enterprise_key, 'park') AS enterprise_key,
       v.enterprise_id IS NULL AS is_park,
       coalesce(e.name_zh, p.name_zh) AS name_zh, coalesce(e.name_en, p.name_en) AS name_en,
       v.indicator, v.period_kind, v.period_start, v.period_stop,
       v.period_start::timestamp AT TIME ZONE p.timezone AS start_at,
       v.period_stop::timestamp AT TIME ZONE p.timezone AS stop_at,
       v.value, v.numerator, v.denominator, v.unit, v.completeness_ratio, v.estimated_ratio,
       v.status = 'final' AS is_final, v.note, v.computed_at
FROM indicator_value v
JOIN dash.park p ON p.park_id = v.park_id
LEFT JOIN dash.enterprise e ON e.enterprise_id = v.enterprise_id;
COMMENT ON VIEW dash.indicator IS 'every indicator value; enterprise_key ''park'' with is_park: the park; periods are half-open local days';
COMMENT ON COLUMN dash.indicator.value IS 'numerator / denominator in `unit`, or the numerator where there is no denominator; null: cannot tell';
COMMENT ON COLUMN dash.indicator.numerator IS 'upper part of the ratio: kWh of a share, t of tCO2, see docs/indicators.md';
COMMENT ON COLUMN dash.indicator.denominator IS 'lower part of the ratio; null: there is none';
COMMENT ON COLUMN dash.indicator.note IS 'why there is no value, or what it rests on';
COMMENT ON COLUMN dash.indicator.completeness_ratio IS 'closed balances / due balances of the period, 0..1';
COMMENT ON COLUMN dash.indicator.estimated_ratio IS 'estimated part of the metered amounts, 0..1';

-- A set of enterprises is the sum of its capped members, so stored numerators and denominators add up.
CREATE VIEW dash.green_boundary AS
WITH member AS (
    SELECT p.park_id, b.entry ->> 'key' AS boundary_key, b.entry -> 'name' ->> 'zh' AS name_zh,
           b.entry -> 'name' ->> 'en' AS name_en, e.enterprise_id
    FROM park p
    CROSS JOIN LATERAL jsonb_array_elements(p.document -> 'green' -> 'boundaries') AS b (entry)
    JOIN enterprise e ON e.park_id = p.park_id AND e.retired_at IS NULL
    WHERE CASE WHEN jsonb_array_length(b.entry -> 'enterprises') > 0
               THEN b.entry -> 'enterprises' ? e.key ELSE NOT b.entry -> 'without' ? e.key END
), sized AS (
    SELECT member.*, count(*) OVER (PARTITION BY park_id, boundary_key) AS members FROM member
)
SELECT p.park_key, m.boundary_key, m.name_zh, m.name_en, v.indicator, v.period_kind,
       v.period_start, v.period_stop, v.period_stop::timestamp AT TIME ZONE p.timezone AS at,
       sum(v.numerator) / nullif(sum(v.denominator), 0) AS value_ratio,
       sum(v.numerator) AS numerator_kwh, sum(v.denominator) AS denominator_kwh,
       sum(v.completeness_ratio) / m.members AS completeness_ratio,
       sum(v.estimated_ratio * v.denominator) / nullif(sum(v.denominator), 0) AS estimated_ratio,
       bool_and(v.status = 'final') AS is_final, count(*) AS told_members, m.members
FROM sized m
JOIN dash.park p ON p.park_id = m.park_id
JOIN indicator_value v ON v.park_id = m.park_id AND v.enterprise_id = m.enterprise_id
WHERE v.indicator IN ('green_share_physical', 'green_share_traded', 'green_share_claim',
                      'green_share_hourly')
GROUP BY p.park_key, p.timezone, m.boundary_key, m.name_zh, m.name_en, m.members, v.indicator,
         v.period_kind, v.period_start, v.period_stop;
COMMENT ON VIEW dash.green_boundary IS 'green shares of the sets of enterprises that park.yaml names, e.g. without the smelter';
COMMENT ON COLUMN dash.green_boundary.value_ratio IS 'sum of the capped members: numerators / denominators, 0..1';
COMMENT ON COLUMN dash.green_boundary.completeness_ratio IS 'closed balances / due balances of all members, 0..1';
COMMENT ON COLUMN dash.green_boundary.estimated_ratio IS 'estimated part of the metered amounts, weighted by use, 0..1';
COMMENT ON COLUMN dash.green_boundary.told_members IS 'members that have a value in the period; fewer than members: the rest is missing, not zero';

CREATE VIEW dash.storage_day AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, s.day,
       (s.day + 1)::timestamp AT TIME ZONE p.timezone AS at, l.stored_kwh, l.green_kwh,
       l.green_kwh / nullif(l.stored_kwh, 0) AS green_ratio
FROM storage_stock s
JOIN dash.enterprise e ON e.enterprise_id = s.enterprise_id
JOIN dash.park p ON p.park_key = e.park_key
CROSS JOIN LATERAL (
    SELECT coalesce(sum(x.kwh) FILTER (WHERE x.n % 3 = 1), 0) AS stored_kwh,
           coalesce(sum(x.kwh) FILTER (WHERE x.n % 3 <> 1), 0) AS green_kwh
    FROM unnest(s.layers) WITH ORDINALITY AS x (kwh, n)) l;
COMMENT ON VIEW dash.storage_day IS 'what the storage of an enterprise holds at the end of a local day, as traced';
COMMENT ON COLUMN dash.storage_day.stored_kwh IS 'energy that can still be discharged [kWh]';
COMMENT ON COLUMN dash.storage_day.green_kwh IS 'its green part [kWh]';
COMMENT ON COLUMN dash.storage_day.green_ratio IS 'green part of what is stored, 0..1';

GRANT SELECT ON dash.green_hour, dash.green_day, dash.indicator, dash.green_boundary, dash.storage_day
    TO greenpark_reader;
