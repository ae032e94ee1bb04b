-- name: meter_months
-- Amounts of meters of a park by month and quantity. %(park_id)s int, %(quantities)s text[],
-- %(start)s, %(stop)s date. What flows the other way or could have flowed is no part of it.
SELECT x.month, c.quantity, m.key AS meter, e.key AS enterprise, m.name_zh, m.name_en,
       sum(x.value ORDER BY c.channel_id) AS amount,
       sum(x.buckets)::float8 / greatest(sum(x.expected_buckets), 1) AS completeness_ratio,
       bool_or(c.role = ANY (%(main_roles)s)) AS is_main
FROM channel_month x JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
JOIN enterprise e ON e.enterprise_id = m.enterprise_id
WHERE m.park_id = %(park_id)s AND c.quantity = ANY (%(quantities)s) AND c.kind <> 'gauge'
  AND c.retired_at IS NULL AND m.retired_at IS NULL
  AND NOT c.role = ANY (%(other_roles)s) AND x.month >= %(start)s AND x.month < %(stop)s
GROUP BY x.month, c.quantity, m.key, e.key, m.name_zh, m.name_en
ORDER BY x.month, c.quantity, m.key

-- name: balance_months
-- Electricity of enterprises by month. %(park_id)s int, %(start)s, %(stop)s date
SELECT date_trunc('month', b.day)::date AS month, e.key AS enterprise,
       sum(b.import_kwh ORDER BY b.day) AS import_kwh, sum(b.direct_kwh ORDER BY b.day) AS direct_kwh,
       sum(b.onsite_kwh ORDER BY b.day) AS onsite_kwh, sum(b.export_kwh ORDER BY b.day) AS export_kwh,
       sum(b.charge_kwh ORDER BY b.day) AS charge_kwh,
       sum(b.discharge_kwh ORDER BY b.day) AS discharge_kwh, sum(b.load_kwh ORDER BY b.day) AS load_kwh,
       sum(b.buckets)::float8 / sum(b.expected_buckets) AS completeness_ratio
FROM balance_day b JOIN enterprise e USING (enterprise_id)
WHERE e.park_id = %(park_id)s AND b.day >= %(start)s AND b.day < %(stop)s
GROUP BY month, e.key
ORDER BY month, e.key

-- name: water_months
-- Water of enterprises by month and role. %(park_id)s int, %(start)s, %(stop)s date
SELECT x.month, e.key AS enterprise, x.role, x.value,
       x.buckets::float8 / greatest(x.expected_buckets, 1) AS completeness_ratio
FROM enterprise_month x JOIN enterprise e USING (enterprise_id)
WHERE e.park_id = %(park_id)s AND x.role IN ('water_intake', 'water_reclaimed', 'water_discharged')
  AND x.month >= %(start)s AND x.month < %(stop)s
ORDER BY x.month, e.key, x.role

-- name: delete_flow_links
-- %(park_id)s int, %(start)s date
DELETE FROM flow_link WHERE park_id = %(park_id)s AND month >= %(start)s

-- name: delete_flow_nodes
-- %(park_id)s int, %(start)s date
DELETE FROM flow_node WHERE park_id = %(park_id)s AND month >= %(start)s

-- name: insert_flow_link
INSERT INTO flow_link (park_id, month, medium, source, target, amount, completeness_ratio)
VALUES (%(park_id)s, %(month)s, %(medium)s, %(source)s, %(target)s, %(amount)s,
    %(completeness_ratio)s)

-- name: insert_flow_node
INSERT INTO flow_node (park_id, month, medium, node, kind, name_zh, name_en, amount_in, amount_out,
    error_ratio)
VALUES (%(park_id)s, %(month)s, %(medium)s, %(node)s, %(kind)s, %(name_zh)s, %(name_en)s,
    %(amount_in)s, %(amount_out)s, %(error_ratio)s)

-- name: list_flow_links
-- %(park_id)s int, %(month)s date, %(medium)s text
SELECT source, target, amount, completeness_ratio FROM flow_link
WHERE park_id = %(park_id)s AND month = %(month)s AND medium = %(medium)s
ORDER BY source, target

-- name: list_flow_nodes
-- %(park_id)s int, %(month)s date, %(medium)s text
SELECT node, kind, name_zh, name_en, amount_in, amount_out, error_ratio FROM flow_node
WHERE park_id = %(park_id)s AND month = %(month)s AND medium = %(medium)s
ORDER BY node
