-- name: edited_channels
SELECT DISTINCT channel_id FROM interval_edit WHERE undone_at IS NULL

-- name: active_values
-- The newest edit of each quarter-hour that is not undone. %(channel_id)s, %(low)s, %(high)s
SELECT DISTINCT ON (v.bucket_start) extract(epoch FROM v.bucket_start)::int8, v.value, e.edit_id
FROM interval_edit e JOIN interval_edit_value v USING (edit_id)
WHERE e.channel_id = %(channel_id)s AND e.undone_at IS NULL
  AND e.start_at < %(high)s AND e.stop_at > %(low)s
  AND v.bucket_start >= %(low)s AND v.bucket_start < %(high)s
ORDER BY v.bucket_start, e.edit_id DESC

-- name: present_values
-- %(channel_id)s int, %(start)s, %(stop)s timestamptz
SELECT bucket_start, value FROM interval
WHERE channel_id = %(channel_id)s AND bucket_start >= %(start)s AND bucket_start < %(stop)s
ORDER BY bucket_start

-- name: add_edit
-- %(channel_id)s int, %(start)s, %(stop)s timestamptz, %(kind)s, %(who)s, %(reason)s text
INSERT INTO interval_edit (channel_id, start_at, stop_at, kind, who, reason, made_at)
VALUES (%(channel_id)s, %(start)s, %(stop)s, %(kind)s, %(who)s, %(reason)s, %(now)s)
RETURNING edit_id

-- name: copy_values
COPY interval_edit_value (edit_id, bucket_start, value) FROM STDIN

-- name: undo_edit
-- %(id)s int, %(who)s, %(reason)s text, %(now)s timestamptz
UPDATE interval_edit SET undone_at = %(now)s, undone_by = %(who)s, undone_reason = %(reason)s
WHERE edit_id = %(id)s AND undone_at IS NULL
RETURNING start_at

-- name: mark_edit_stale
-- %(id)s int, %(reason)s text
INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
SELECT channel_id, start_at, stop_at - interval '1 microsecond', %(reason)s
FROM interval_edit WHERE edit_id = %(id)s

-- name: list_edits
-- %(meter)s text or null, %(everything)s bool
SELECT i.edit_id AS id, e.key || '/' || m.key || '/' || c.key AS channel, i.start_at, i.stop_at,
       i.kind, v.total, c.quantity, i.who, i.reason, i.made_at, i.undone_at, i.undone_by,
       i.undone_reason
FROM interval_edit i JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
JOIN enterprise e USING (enterprise_id)
CROSS JOIN LATERAL (SELECT sum(value ORDER BY bucket_start) AS total
                    FROM interval_edit_value WHERE edit_id = i.edit_id) AS v
WHERE (%(meter)s::text IS NULL OR m.key = %(meter)s) AND (%(everything)s OR i.undone_at IS NULL)
ORDER BY i.edit_id DESC
