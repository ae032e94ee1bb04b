-- name: upsert_park
-- The park row; document is the validated park.yaml. %(key)s text, %(document)s jsonb, %(now)s timestamptz
INSERT INTO park (key, name_zh, name_en, timezone, simulated, document, applied_at)
VALUES (%(key)s, %(name_zh)s, %(name_en)s, %(timezone)s, %(simulated)s, %(document)s, %(now)s)
ON CONFLICT (key) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
    timezone = excluded.timezone, simulated = excluded.simulated, document = excluded.document,
    applied_at = excluded.applied_at
RETURNING park_id

-- name: upsert_enterprise
-- %(park_id)s int, %(key)s text
INSERT INTO enterprise (park_id, key, name_zh, name_en, kind, in_goal_boundary)
VALUES (%(park_id)s, %(key)s, %(name_zh)s, %(name_en)s, %(kind)s, %(in_goal_boundary)s)
ON CONFLICT (park_id, key) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
    kind = excluded.kind, in_goal_boundary = excluded.in_goal_boundary, retired_at = NULL
RETURNING enterprise_id

-- name: upsert_meter
-- %(park_id)s int, %(enterprise_id)s int, %(key)s text
INSERT INTO meter (park_id, enterprise_id, key, name_zh, name_en)
VALUES (%(park_id)s, %(enterprise_id)s, %(key)s, %(name_zh)s, %(name_en)s)
ON CONFLICT (park_id, key) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
    retired_at = NULL
RETURNING meter_id

-- name: upsert_channel
-- %(meter_id)s int, %(key)s text
INSERT INTO channel (meter_id, key, quantity, unit, kind, role, factor, modulus, period_s, rated_per_h,
    in_service_from, resolution, technology)
VALUES (%(meter_id)s, %(key)s, %(quantity)s, %(unit)s, %(kind)s, %(role)s, %(factor)s, %(modulus)s,
    %(period_s)s, %(rated_per_h)s, %(in_service_from)s, %(resolution)s, %(technology)s)
ON CONFLICT (meter_id, key) DO UPDATE SET quantity = excluded.quantity, unit = excluded.unit,
    kind = excluded.kind, role = excluded.role, factor = excluded.factor,
    modulus = excluded.modulus, period_s = excluded.period_s, rated_per_h = excluded.rated_per_h,
    in_service_from = excluded.in_service_from, resolution = excluded.resolution,
    technology = excluded.technology, retired_at = NULL
RETURNING channel_id

-- name: retire_missing_enterprises
-- Enterprises that the document no longer names; their data stays. %(park_id)s int, %(keys)s text[], %(now)s timestamptz
UPDATE enterprise SET retired_at = %(now)s
WHERE park_id = %(park_id)s AND retired_at IS NULL AND NOT key = ANY (%(keys)s)

-- name: retire_missing_meters
-- %(park_id)s int, %(keys)s text[], %(now)s timestamptz
UPDATE meter SET retired_at = %(now)s
WHERE park_id = %(park_id)s AND retired_at IS NULL AND NOT key = ANY (%(keys)s)

-- name: retire_missing_channels
-- %(park_id)s int, %(paths)s text[] of meter/channel, %(now)s timestamptz
UPDATE channel c SET retired_at = %(now)s
FROM meter m
WHERE m.meter_id = c.meter_id AND m.park_id = %(park_id)s AND c.retired_at IS NULL
  AND NOT m.key || '/' || c.key = ANY (%(paths)s)

-- name: park_documents
-- All applied parks.
SELECT park_id, key, document::text, applied_at FROM park ORDER BY key

-- name: parks_version
-- Changes whenever a park is applied or a dated record comes or goes.
SELECT string_agg(park_id::text || ':' || xmin::text, ',' ORDER BY park_id)
       || (SELECT '/' || coalesce(max(installation_id), 0) || '/' || count(*)
           FROM installation WHERE undone_at IS NULL)
FROM park

-- name: channels
-- Channels in use, with their owners.
SELECT c.channel_id, c.key, m.key AS meter_key, e.enterprise_id, e.key AS enterprise_key,
       p.park_id, p.key AS park_key, c.quantity, c.unit, c.kind, c.role, c.factor, c.modulus,
       c.period_s, c.rated_per_h, c.in_service_from, c.resolution,
       CASE WHEN c.modulus IS NOT NULL THEN greatest(c.modulus, (
           SELECT max(i.modulus) FROM installation i
           WHERE i.channel_id = c.channel_id AND i.undone_at IS NULL)) END AS highest_modulus
FROM channel c
JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
JOIN park p ON p.park_id = e.park_id
WHERE c.retired_at IS NULL AND m.retired_at IS NULL AND e.retired_at IS NULL
ORDER BY c.channel_id

-- name: reading_counts
-- Readings of each enterprise that are kept, those that were not used included. %(park_id)s int
SELECT e.key, sum((SELECT count(*) FROM reading r WHERE r.channel_id = c.channel_id)
                + (SELECT count(*) FROM reading_revision v WHERE v.channel_id = c.channel_id))
FROM enterprise e JOIN meter m USING (enterprise_id) JOIN channel c USING (meter_id)
WHERE e.park_id = %(park_id)s GROUP BY e.key

-- name: enterprises
-- Enterprises in use. %(park_id)s int
SELECT enterprise_id, key FROM enterprise
WHERE park_id = %(park_id)s AND retired_at IS NULL ORDER BY key

-- name: mark_channel_stale
-- Everything stored for a channel, after its factor, unit, kind or modulus changed. As an amount per
-- period the last reading may have reached a day further. %(channel_id)s int
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
SELECT %(channel_id)s, min(ts), max(ts) + interval '1 day', 'channel changed' FROM reading
WHERE channel_id = %(channel_id)s HAVING count(*) > 0

-- name: mark_channels_stale
-- Everything stored for the channels of a park, after its metering settings changed. %(park_id)s int
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
SELECT c.channel_id, b.first, b.last + interval '1 day', 'metering settings changed'
FROM channel c JOIN meter m USING (meter_id)
CROSS JOIN LATERAL (SELECT min(ts) AS first, max(ts) AS last FROM reading r
                    WHERE r.channel_id = c.channel_id) AS b
WHERE m.park_id = %(park_id)s AND c.retired_at IS NULL AND b.first IS NOT NULL

-- name: mark_checks_stale
-- All days of a park, after thresholds of the validation or its tree of meters changed. %(park_id)s int
INSERT INTO stale_check (channel_id, day)
SELECT d.channel_id, d.day FROM channel_day d
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
WHERE m.park_id = %(park_id)s
ON CONFLICT DO NOTHING

-- name: mark_balance_stale
-- All days of an enterprise, after roles or the goal changed. %(enterprise_id)s int
INSERT INTO stale_day (channel_id, day)
SELECT d.channel_id, d.day FROM channel_day d
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
WHERE m.enterprise_id = %(enterprise_id)s
ON CONFLICT DO NOTHING

-- name: mark_park_stale
-- All indicators of a park, after its boundary or a factor changed. %(park_id)s int
INSERT INTO stale_indicator (enterprise_id, from_day)
SELECT e.enterprise_id, least(
    (SELECT min(d.day) FROM enterprise_day d WHERE d.enterprise_id = e.enterprise_id),
    (SELECT min(b.day) FROM balance_day b WHERE b.enterprise_id = e.enterprise_id),
    (SELECT min(a.month) FROM activity a WHERE a.enterprise_id = e.enterprise_id)) AS first
FROM enterprise e
WHERE e.park_id = %(park_id)s
  AND (EXISTS (SELECT FROM enterprise_day d WHERE d.enterprise_id = e.enterprise_id)
       OR EXISTS (SELECT FROM activity a WHERE a.enterprise_id = e.enterprise_id))
ON CONFLICT (enterprise_id) DO UPDATE
    SET from_day = least(stale_indicator.from_day, excluded.from_day)

-- name: remember_park
-- %(key)s text, %(document)s jsonb, %(now)s timestamptz
INSERT INTO park_history (park_key, document, applied_at)
VALUES (%(key)s, %(document)s, %(now)s)
