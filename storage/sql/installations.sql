-- name: active_records
-- Records that are not undone, with the facts of the channel before the first one. %(channels)s int[]
SELECT i.channel_id, date_part('epoch', i.at), i.replaced, i.final_reading, i.start_reading,
       i.factor, i.modulus, i.rated_per_h, c.factor, c.modulus, c.rated_per_h
FROM installation i JOIN channel c USING (channel_id)
WHERE i.channel_id = ANY (%(channels)s) AND i.undone_at IS NULL
ORDER BY i.channel_id, i.at
