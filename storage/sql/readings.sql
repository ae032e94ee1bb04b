-- name: create_staging
-- Once per connection; emptied at every commit. `ord` keeps the order of arrival.
CREATE TEMP TABLE IF NOT EXISTS staging (
    ord integer, channel_id integer, ts timestamptz, value double precision,
    received_at timestamptz, correction boolean
) ON COMMIT DELETE ROWS

-- name: copy_staging
-- Binary COPY of a batch.
COPY staging (ord, channel_id, ts, value, received_at, correction) FROM STDIN (FORMAT BINARY)

-- name: copy_readings
-- Binary COPY of readings that are probably all new, sorted by key; one that is not stops it.
COPY reading (channel_id, ts, value, received_at) FROM STDIN (FORMAT BINARY)

-- name: copy_stale
-- Binary COPY of what new readings made stale, in pieces of at most a UTC day.
COPY stale_range (channel_id, start_at, stop_at, reason) FROM STDIN (FORMAT BINARY)

-- name: insert_staged
-- First value of each (channel, time), sorted by key (no deadlocks between writers), and what it
-- made stale, in pieces of at most a day. Returns the number of new readings.
WITH fresh AS (
    INSERT INTO reading (channel_id, ts, value, received_at)
    SELECT DISTINCT ON (channel_id, ts) channel_id, ts, value, received_at
    FROM staging ORDER BY channel_id, ts, ord
    ON CONFLICT DO NOTHING
    RETURNING channel_id, ts
), stale AS (
    INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
    SELECT channel_id, min(ts), max(ts), 'reading' FROM fresh
    GROUP BY channel_id, date_bin('1 day', ts, timestamptz '2000-01-01 00:00+00')
)
SELECT count(*) FROM fresh

-- name: insert_conflicts
-- Another value for a (channel, time) that is stored: kept, not used. Returns the new ones.
INSERT INTO reading_revision (channel_id, ts, kind, value, received_at)
SELECT DISTINCT ON (s.channel_id, s.ts, s.value)
       s.channel_id, s.ts, 'conflict', s.value, s.received_at
FROM staging s JOIN reading r USING (channel_id, ts)
WHERE NOT s.correction AND r.value <> s.value
ORDER BY s.channel_id, s.ts, s.value, s.ord
ON CONFLICT DO NOTHING
RETURNING channel_id, ts, value

-- name: insert_corrections
-- Declared corrections of stored readings, in order of arrival; the newest counts from now on, also
-- one that goes back to the first value.
WITH corrected AS (
    INSERT INTO reading_revision (channel_id, ts, kind, value, received_at)
    SELECT channel_id, ts, 'correction', value, received_at FROM (
        SELECT DISTINCT ON (s.channel_id, s.ts, s.value) s.*
        FROM staging s JOIN reading r USING (channel_id, ts)
        WHERE s.correction AND (r.value <> s.value
            OR EXISTS (SELECT FROM reading_revision v WHERE v.channel_id = s.channel_id
                       AND v.ts = s.ts AND v.kind = 'correction')
            OR EXISTS (SELECT FROM staging e WHERE e.channel_id = s.channel_id AND e.ts = s.ts
                       AND e.correction AND e.value <> r.value AND e.ord < s.ord))
        ORDER BY s.channel_id, s.ts, s.value, s.ord DESC) AS unique_values
    ORDER BY ord
    ON CONFLICT DO NOTHING
    RETURNING channel_id, ts
), stale AS (
    INSERT INTO stale_range (channel_id, start_at, stop_at, reason)
    SELECT channel_id, min(ts), max(ts), 'correction' FROM corrected
    GROUP BY channel_id, date_bin('1 day', ts, timestamptz '2000-01-01 00:00+00')
)
SELECT count(*) FROM corrected

-- name: conflict_finding
-- %(channel_id)s int, %(ts)s timestamptz, %(value)s float8, %(now)s timestamptz
INSERT INTO finding (code, severity, enterprise_id, channel_id, period_start, period_stop, evidence,
    first_seen_at, last_seen_at)
SELECT 'reading.conflict', 'warning', NULL, %(channel_id)s, %(ts)s, %(ts)s,
       jsonb_build_object('kept_value', r.value, 'refused_value', %(value)s::float8),
       %(now)s, %(now)s
FROM reading r WHERE r.channel_id = %(channel_id)s AND r.ts = %(ts)s
ON CONFLICT (code, enterprise_id, channel_id, period_start) DO UPDATE
    SET evidence = excluded.evidence, last_seen_at = excluded.last_seen_at

-- name: quarantine
-- A message that could not be used, or not wholly. %(sha256)s bytea, %(payload)s bytea, %(detail)s jsonb
INSERT INTO quarantine (sha256, topic, payload, reason, detail, first_received_at, last_received_at)
VALUES (%(sha256)s, %(topic)s, %(payload)s, %(reason)s, %(detail)s, %(at)s, %(at)s)
ON CONFLICT (sha256) DO UPDATE
    SET occurrences = quarantine.occurrences + 1, last_received_at = excluded.last_received_at

-- name: channel_readings
-- Readings of one channel that decide the buckets touched by [start, stop]: those from the bucket
-- of the reading `context` places before `start` to the end of the bucket of the one `context`
-- places after `stop`, and `context` more on both sides. The newest correction counts.
-- %(channel_id)s int, %(start)s timestamptz, %(stop)s timestamptz, %(context)s int
WITH edge AS (
    SELECT date_bin('15 minutes', coalesce((
               SELECT min(ts) FROM (
                   SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts < %(start)s
                   ORDER BY ts DESC LIMIT %(context)s) AS b), %(start)s),
               timestamptz '2000-01-01 00:00+00') AS low,
           date_bin('15 minutes', coalesce((
               SELECT max(ts) FROM (
                   SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts > %(stop)s
                   ORDER BY ts LIMIT %(context)s) AS a), %(stop)s),
               timestamptz '2000-01-01 00:00+00') + interval '15 minutes' AS high
), reach AS (
    SELECT low, high,
           coalesce((SELECT min(ts) FROM (
               SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts <= low
               ORDER BY ts DESC LIMIT %(context)s + 1) AS b), low) AS first,
           coalesce((SELECT max(ts) FROM (
               SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts >= high
               ORDER BY ts LIMIT %(context)s + 1) AS a), high) AS last
    FROM edge
)
SELECT date_part('epoch', r.ts) AS at_s,
       coalesce((SELECT v.value FROM reading_revision v
                 WHERE v.channel_id = r.channel_id AND v.ts = r.ts AND v.kind = 'correction'
                 ORDER BY v.revision_id DESC LIMIT 1), r.value) AS value,
       date_part('epoch', reach.low) AS low_s,
       date_part('epoch', reach.high) AS high_s
FROM reach JOIN reading r ON r.channel_id = %(channel_id)s AND r.ts BETWEEN reach.first AND reach.last
ORDER BY r.ts

-- name: readings_between
-- Readings of one channel in [low, high]; the newest correction counts.
-- %(channel_id)s int, %(low)s, %(high)s timestamptz
SELECT date_part('epoch', r.ts) AS at_s, CASE WHEN more.corrected THEN coalesce((
           SELECT v.value FROM reading_revision v
           WHERE v.channel_id = r.channel_id AND v.ts = r.ts AND v.kind = 'correction'
           ORDER BY v.revision_id DESC LIMIT 1), r.value) ELSE r.value END AS value
FROM reading r
CROSS JOIN (SELECT EXISTS (
    SELECT FROM reading_revision WHERE channel_id = %(channel_id)s AND kind = 'correction'
      AND ts >= %(low)s AND ts <= %(high)s) AS corrected) AS more
WHERE r.channel_id = %(channel_id)s AND r.ts >= %(low)s AND r.ts <= %(high)s
ORDER BY r.ts

-- name: next_reading
-- The first after a time. %(channel_id)s int, %(high)s timestamptz
SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts > %(high)s ORDER BY ts LIMIT 1

-- name: near_readings
-- Readings of one channel in [start, stop], at least `context` more on each side and all within
-- `margin`; whether there are others before and after them. The newest correction counts.
-- %(channel_id)s int, %(start)s timestamptz, %(stop)s timestamptz, %(context)s int, %(margin)s interval
WITH reach AS (
    SELECT least(%(start)s::timestamptz - %(margin)s::interval, (
               SELECT min(ts) FROM (
                   SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts < %(start)s
                   ORDER BY ts DESC LIMIT %(context)s) AS b)) AS first,
           greatest(%(stop)s::timestamptz + %(margin)s::interval, (
               SELECT max(ts) FROM (
                   SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts > %(stop)s
                   ORDER BY ts LIMIT %(context)s) AS a)) AS last
), more AS MATERIALIZED (  -- once, not per row, by the index, whatever the statistics say
    SELECT (SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts < first
            ORDER BY ts LIMIT 1) IS NOT NULL AS before,
           (SELECT ts FROM reading WHERE channel_id = %(channel_id)s AND ts > last
            ORDER BY ts DESC LIMIT 1) IS NOT NULL AS after,
           EXISTS (SELECT FROM reading_revision WHERE channel_id = %(channel_id)s
                   AND kind = 'correction' AND ts BETWEEN first AND last) AS corrected
    FROM reach
)
SELECT date_part('epoch', r.ts) AS at_s,
       CASE WHEN more.corrected THEN coalesce((
           SELECT v.value FROM reading_revision v
           WHERE v.channel_id = r.channel_id AND v.ts = r.ts AND v.kind = 'correction'
           ORDER BY v.revision_id DESC LIMIT 1), r.value) ELSE r.value END AS value,
       more.before, more.after
FROM reach CROSS JOIN more
JOIN reading r ON r.channel_id = %(channel_id)s AND r.ts BETWEEN reach.first AND reach.last
ORDER BY r.ts

-- name: earlier_values
-- Values at growing distances before a time, nearest first, each a fifth farther than the one before,
-- to 3.3 years; then the first value of all.
-- %(channel_id)s int, %(before)s timestamptz
WITH probe AS (
    SELECT k, (SELECT ts FROM reading WHERE channel_id = %(channel_id)s
               AND ts < %(before)s::timestamptz - (1.2 ^ k - 1) * interval '15 minutes'
               ORDER BY ts DESC LIMIT 1) AS ts
    FROM generate_series(0, 64) AS k
    UNION ALL
    SELECT 65, min(ts) FROM reading WHERE channel_id = %(channel_id)s
)
SELECT coalesce((SELECT v.value FROM reading_revision v
                 WHERE v.channel_id = r.channel_id AND v.ts = r.ts AND v.kind = 'correction'
                 ORDER BY v.revision_id DESC LIMIT 1), r.value) AS value
FROM probe JOIN reading r ON r.channel_id = %(channel_id)s AND r.ts = probe.ts
ORDER BY k

-- name: period_readings
-- Readings of one channel that start in (start, stop). The newest correction counts.
-- %(channel_id)s int, %(start)s timestamptz, %(stop)s timestamptz
SELECT date_part('epoch', r.ts) AS at_s,
       coalesce((SELECT v.value FROM reading_revision v
                 WHERE v.channel_id = r.channel_id AND v.ts = r.ts AND v.kind = 'correction'
                 ORDER BY v.revision_id DESC LIMIT 1), r.value) AS value
FROM reading r
WHERE r.channel_id = %(channel_id)s AND r.ts > %(start)s AND r.ts < %(stop)s
ORDER BY r.ts
