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
