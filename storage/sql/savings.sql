-- name: complete_days
-- Days of channels that are complete. %(park_id)s int, %(paths)s text[] of meter/channel,
-- %(start)s, %(stop)s date
SELECT m.key || '/' || c.key AS path, d.day, d.value
FROM channel c JOIN meter m USING (meter_id) JOIN channel_day d USING (channel_id)
WHERE m.park_id = %(park_id)s AND m.key || '/' || c.key = ANY (%(paths)s)
  AND d.day >= %(start)s AND d.day < %(stop)s
  AND (d.buckets = d.expected_buckets OR c.kind = 'gauge')
ORDER BY path, d.day

-- name: changes_of_meters
-- Dated records of channels. %(park_id)s int, %(paths)s text[] of meter/channel
SELECT DISTINCT i.at
FROM installation i JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
WHERE m.park_id = %(park_id)s AND m.key || '/' || c.key = ANY (%(paths)s)
ORDER BY i.at

-- name: save_saving
INSERT INTO saving_result (park_id, project, reporting_year, enterprise_id, medium, unit, name_zh,
    name_en, baseline_start, baseline_stop, reporting_start, reporting_stop, is_accepted,
    saved_amount, saved_low, saved_high, baseline_amount, measured_amount, adjusted_amount,
    target_amount, model, statistics, refusals, remarks, computed_at)
VALUES (%(park_id)s, %(project)s, %(reporting_year)s, %(enterprise_id)s, %(medium)s, %(unit)s,
    %(name_zh)s, %(name_en)s, %(baseline_start)s, %(baseline_stop)s, %(reporting_start)s,
    %(reporting_stop)s, %(is_accepted)s, %(saved_amount)s, %(saved_low)s, %(saved_high)s,
    %(baseline_amount)s, %(measured_amount)s, %(adjusted_amount)s, %(target_amount)s, %(model)s,
    %(statistics)s, %(refusals)s, %(remarks)s, %(now)s)
ON CONFLICT (park_id, project, reporting_year) DO UPDATE SET enterprise_id = excluded.enterprise_id,
    medium = excluded.medium, unit = excluded.unit, name_zh = excluded.name_zh,
    name_en = excluded.name_en, baseline_start = excluded.baseline_start,
    baseline_stop = excluded.baseline_stop, reporting_start = excluded.reporting_start,
    reporting_stop = excluded.reporting_stop, is_accepted = excluded.is_accepted,
    saved_amount = excluded.saved_amount, saved_low = excluded.saved_low,
    saved_high = excluded.saved_high, baseline_amount = excluded.baseline_amount,
    measured_amount = excluded.measured_amount, adjusted_amount = excluded.adjusted_amount,
    target_amount = excluded.target_amount, model = excluded.model,
    statistics = excluded.statistics, refusals = excluded.refusals, remarks = excluded.remarks,
    computed_at = excluded.computed_at

-- name: forget_savings
-- Projects that the park no longer has. %(park_id)s int, %(projects)s text[]
DELETE FROM saving_result WHERE park_id = %(park_id)s AND NOT project = ANY (%(projects)s)

-- name: list_savings
-- %(park_id)s int
SELECT s.project, e.key AS enterprise, s.reporting_year, s.name_zh, s.name_en, s.medium, s.unit,
       s.baseline_start, s.baseline_stop, s.reporting_start, s.reporting_stop, s.is_accepted,
       s.saved_amount, s.saved_low, s.saved_high, s.baseline_amount, s.measured_amount,
       s.adjusted_amount, s.target_amount, s.model, s.statistics, s.refusals, s.remarks,
       s.computed_at
FROM saving_result s JOIN enterprise e USING (enterprise_id)
WHERE s.park_id = %(park_id)s
ORDER BY s.project, s.reporting_year
