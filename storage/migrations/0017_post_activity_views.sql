-- Why: for dashboards: reported data, what indicators mean and whether their thresholds are kept, flow
-- diagrams, savings of retrofit projects.
-- Locks: catalogue rows. Transaction: on.

CREATE VIEW dash.activity AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, a.item, a.month, a.detail, a.value,
       a.note, i.source, i.imported_at
FROM activity a
JOIN dash.enterprise e ON e.enterprise_id = a.enterprise_id
JOIN activity_import i ON i.activity_import_id = a.activity_import_id
WHERE a.replaced_at IS NULL;
COMMENT ON VIEW dash.activity IS 'reported monthly amounts in force';
COMMENT ON COLUMN dash.activity.value IS 'in the unit of the item, which its key ends with';

CREATE VIEW dash.indicator_definition AS
SELECT p.park_key, d.indicator, d.name_zh, d.name_en, d.unit, d.domain_row, d.formula, d.source,
       d.confidence, d.sense, d.limit_value, d.limit_source
FROM indicator_definition d JOIN dash.park p ON p.park_id = d.park_id;
COMMENT ON VIEW dash.indicator_definition IS 'what each indicator means, its source and its threshold';
COMMENT ON COLUMN dash.indicator_definition.domain_row IS 'row of the table of indicators of the field, without unit';
COMMENT ON COLUMN dash.indicator_definition.limit_value IS 'in the unit of the indicator; null: not set';

CREATE VIEW dash.indicator_judged AS
SELECT v.*, d.name_zh AS indicator_zh, d.name_en AS indicator_en, d.limit_value, d.limit_source,
       d.sense, CASE WHEN d.limit_value IS NULL OR v.value IS NULL THEN NULL
                     WHEN d.sense = 'min' THEN v.value >= d.limit_value
                     ELSE v.value <= d.limit_value END AS is_met
FROM dash.indicator v
JOIN dash.indicator_definition d ON d.park_key = v.park_key AND d.indicator = v.indicator;
COMMENT ON VIEW dash.indicator_judged IS 'indicator values beside their thresholds';
COMMENT ON COLUMN dash.indicator_judged.value IS 'in `unit`; null: cannot tell';
COMMENT ON COLUMN dash.indicator_judged.numerator IS 'upper part of the ratio';
COMMENT ON COLUMN dash.indicator_judged.denominator IS 'lower part of the ratio; null: there is none';
COMMENT ON COLUMN dash.indicator_judged.completeness_ratio IS 'known part of what is due, 0..1';
COMMENT ON COLUMN dash.indicator_judged.estimated_ratio IS 'estimated part of the amounts, 0..1';
COMMENT ON COLUMN dash.indicator_judged.limit_value IS 'in the unit of the indicator; null: not set';
COMMENT ON COLUMN dash.indicator_judged.is_met IS 'null: no threshold is set, or there is no value';

CREATE VIEW dash.flow_link AS
SELECT p.park_key, f.month, f.month::timestamp AT TIME ZONE p.timezone AS at, f.medium, f.source,
       f.target, s.name_zh AS source_zh, s.name_en AS source_en, t.name_zh AS target_zh,
       t.name_en AS target_en, f.amount, f.completeness_ratio
FROM flow_link f
JOIN dash.park p ON p.park_id = f.park_id
JOIN flow_node s ON (s.park_id, s.month, s.medium, s.node) = (f.park_id, f.month, f.medium, f.source)
JOIN flow_node t ON (t.park_id, t.month, t.medium, t.node) = (f.park_id, f.month, f.medium, f.target);
COMMENT ON VIEW dash.flow_link IS 'flows between nodes by local month, for Sankey diagrams';
COMMENT ON COLUMN dash.flow_link.amount IS 'kWh of electricity, m3 of water';
COMMENT ON COLUMN dash.flow_link.completeness_ratio IS 'known part of what is due, 0..1';

CREATE VIEW dash.flow_node AS
SELECT p.park_key, f.month, f.month::timestamp AT TIME ZONE p.timezone AS at, f.medium, f.node, f.kind,
       f.name_zh, f.name_en, f.amount_in, f.amount_out, f.error_ratio
FROM flow_node f JOIN dash.park p ON p.park_id = f.park_id;
COMMENT ON VIEW dash.flow_node IS 'balance of the nodes of flow diagrams';
COMMENT ON COLUMN dash.flow_node.amount_in IS 'kWh of electricity, m3 of water; null: a source';
COMMENT ON COLUMN dash.flow_node.amount_out IS 'kWh or m3; null: nothing is metered behind it';
COMMENT ON COLUMN dash.flow_node.error_ratio IS '(in - out) / in; null: not both are metered';

CREATE VIEW dash.saving AS
SELECT e.park_key, e.enterprise_key, e.name_zh, e.name_en, s.project, s.name_zh AS project_zh,
       s.name_en AS project_en, s.reporting_year::text AS reporting_year, s.medium, s.unit,
       s.reporting_start, s.reporting_stop,
       s.is_accepted, s.saved_amount, s.saved_low, s.saved_high, s.baseline_amount,
       s.measured_amount, s.adjusted_amount, s.target_amount,
       s.saved_amount / s.target_amount AS progress_ratio, s.model,
       array_to_string(s.refusals, '; ') AS refusals, array_to_string(s.remarks, '; ') AS remarks,
       s.computed_at
FROM saving_result s
JOIN dash.enterprise e ON e.enterprise_id = s.enterprise_id;
COMMENT ON VIEW dash.saving IS 'verified savings of retrofit projects by calendar year; refused ones say why';
COMMENT ON COLUMN dash.saving.saved_amount IS 'in `unit`; null: refused';
COMMENT ON COLUMN dash.saving.saved_low IS 'lower end of the 90 % interval, in `unit`';
COMMENT ON COLUMN dash.saving.saved_high IS 'upper end of the 90 % interval, in `unit`';
COMMENT ON COLUMN dash.saving.baseline_amount IS 'adjusted baseline, in `unit`';
COMMENT ON COLUMN dash.saving.measured_amount IS 'in `unit`';
COMMENT ON COLUMN dash.saving.adjusted_amount IS 'sum of non-routine adjustments, in `unit`';
COMMENT ON COLUMN dash.saving.target_amount IS 'promised saving of a year, in `unit`; null: not set';
COMMENT ON COLUMN dash.saving.progress_ratio IS 'saved / target of the year, 0..1 and above';

GRANT SELECT ON dash.activity, dash.indicator_definition, dash.indicator_judged, dash.flow_link,
    dash.flow_node, dash.saving TO greenpark_reader;
