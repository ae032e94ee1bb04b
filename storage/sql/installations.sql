-- name: active_records
-- Records that are not undone, with the facts of the channel before the first one. %(channels)s int[]
SELECT i.channel_id, date_part('epoch', i.at), i.replaced, i.final_reading, i.start_reading,
       i.factor, i.modulus, i.rated_per_h, c.factor, c.modulus, c.rated_per_h
FROM installation i JOIN channel c USING (channel_id)
WHERE i.channel_id = ANY (%(channels)s) AND i.undone_at IS NULL
ORDER BY i.channel_id, i.at

-- name: stored_records
-- Records that count, of one origin or all. %(channels)s int[]
SELECT installation_id, channel_id, at, replaced, final_reading, start_reading, factor, modulus,
       rated_per_h, serial, origin, who, reason
FROM installation WHERE channel_id = ANY (%(channels)s) AND undone_at IS NULL
ORDER BY channel_id, at

-- name: insert_record
-- %(channel_id)s int, %(at)s timestamptz, facts as the columns
INSERT INTO installation (channel_id, at, replaced, final_reading, start_reading, factor, modulus,
    rated_per_h, serial, origin, who, reason, recorded_at)
VALUES (%(channel_id)s, %(at)s, %(replaced)s, %(final_reading)s, %(start_reading)s, %(factor)s,
    %(modulus)s, %(rated_per_h)s, %(serial)s, %(origin)s, %(who)s, %(reason)s, %(now)s)
RETURNING installation_id

-- name: undo_record
-- %(id)s int, %(who)s text, %(reason)s text, %(now)s timestamptz
UPDATE installation SET undone_at = %(now)s, undone_by = %(who)s, undone_reason = %(reason)s
WHERE installation_id = %(id)s AND undone_at IS NULL
RETURNING channel_id, at

-- name: mark_record_stale
-- What a record changes: everything from the last reading before it. A record at which no reading
-- lies yet is taken up with the first one. %(channel_id)s int, %(at)s timestamptz, %(reason)s text
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
SELECT %(channel_id)s, coalesce(b.ts, %(at)s), greatest(l.ts, %(at)s) + interval '1 day', %(reason)s
FROM (SELECT max(ts) AS ts FROM reading WHERE channel_id = %(channel_id)s) AS l
LEFT JOIN LATERAL (
    SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts <= %(at)s
    ORDER BY ts DESC LIMIT 1) AS b ON true
WHERE l.ts IS NOT NULL
RETURNING start_at, stop_at

-- name: list_records
-- For people, oldest first. %(meter)s text or null, %(park_id)s int or null, %(everything)s bool
SELECT i.installation_id AS id, e.key AS enterprise, m.key AS meter, c.key AS channel, i.at,
       i.replaced, i.final_reading, i.start_reading, c.unit,
       i.factor, c.factor AS base_factor, c.quantity, c.kind, i.modulus, i.rated_per_h,
       i.serial, i.origin, i.who, i.reason, i.recorded_at, i.undone_at, i.undone_by, i.undone_reason
FROM installation i JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
WHERE (%(meter)s::text IS NULL OR m.key = %(meter)s)
  AND (%(park_id)s::int IS NULL OR m.park_id = %(park_id)s)
  AND (%(everything)s OR i.undone_at IS NULL)
ORDER BY e.key, m.key, i.at, c.key, i.installation_id
