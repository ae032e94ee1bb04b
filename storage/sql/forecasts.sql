-- name: generation_days
-- On-site and direct supply of enterprises by technology and local day. %(park_id)s int,
-- %(first)s, %(stop)s date
SELECT m.enterprise_id,
       coalesce(c.technology, CASE c.role WHEN 'onsite_pv' THEN 'pv' WHEN 'onsite_wind' THEN 'wind'
                              ELSE 'other' END) AS technology,
       d.day, sum(d.value ORDER BY d.channel_id) AS energy_kwh
FROM channel_day d JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
WHERE m.park_id = %(park_id)s AND c.role IN ('onsite_pv', 'onsite_wind', 'direct_supply')
  AND c.retired_at IS NULL AND d.day >= %(first)s AND d.day < %(stop)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- name: has_forecast
-- Whether the park has one of a morning. %(park_id)s int, %(made_for)s date
SELECT EXISTS (SELECT FROM green_forecast WHERE park_id = %(park_id)s AND made_for = %(made_for)s)

-- name: save_forecast
INSERT INTO green_forecast (park_id, enterprise_id, made_for, target_ratio, s1_p10_ratio,
    s1_p50_ratio, s1_p90_ratio, s3_p10_ratio, s3_p50_ratio, s3_p90_ratio, s1_probability_ratio,
    s3_probability_ratio, consumption_p10_kwh, consumption_p50_kwh, consumption_p90_kwh,
    required_ratio, certificates_p50_mwh, certificates_p10_mwh, certificates_room_mwh, known_ratio,
    notes, computed_at)
VALUES (%(park_id)s, %(enterprise_id)s, %(made_for)s, %(target_ratio)s, %(s1_p10_ratio)s,
    %(s1_p50_ratio)s, %(s1_p90_ratio)s, %(s3_p10_ratio)s, %(s3_p50_ratio)s, %(s3_p90_ratio)s,
    %(s1_probability_ratio)s, %(s3_probability_ratio)s, %(consumption_p10_kwh)s,
    %(consumption_p50_kwh)s, %(consumption_p90_kwh)s, %(required_ratio)s,
    %(certificates_p50_mwh)s, %(certificates_p10_mwh)s, %(certificates_room_mwh)s, %(known_ratio)s,
    %(notes)s, %(now)s)
ON CONFLICT (park_id, enterprise_id, made_for) DO UPDATE SET target_ratio = excluded.target_ratio,
    s1_p10_ratio = excluded.s1_p10_ratio, s1_p50_ratio = excluded.s1_p50_ratio,
    s1_p90_ratio = excluded.s1_p90_ratio, s3_p10_ratio = excluded.s3_p10_ratio,
    s3_p50_ratio = excluded.s3_p50_ratio, s3_p90_ratio = excluded.s3_p90_ratio,
    s1_probability_ratio = excluded.s1_probability_ratio,
    s3_probability_ratio = excluded.s3_probability_ratio,
    consumption_p10_kwh = excluded.consumption_p10_kwh,
    consumption_p50_kwh = excluded.consumption_p50_kwh,
    consumption_p90_kwh = excluded.consumption_p90_kwh, required_ratio = excluded.required_ratio,
    certificates_p50_mwh = excluded.certificates_p50_mwh,
    certificates_p10_mwh = excluded.certificates_p10_mwh,
    certificates_room_mwh = excluded.certificates_room_mwh, known_ratio = excluded.known_ratio,
    notes = excluded.notes, computed_at = excluded.computed_at
