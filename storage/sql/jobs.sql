-- name: start_job
-- %(job)s text, %(started_at)s, %(park_time)s timestamptz, %(every_s)s float or null
INSERT INTO job_run (job, started_at, park_time, every_s, runs)
VALUES (%(job)s, %(started_at)s, %(park_time)s, %(every_s)s, 1)
ON CONFLICT (job) DO UPDATE SET started_at = excluded.started_at, finished_at = NULL,
    park_time = excluded.park_time, ok = NULL, error = NULL,
    every_s = coalesce(excluded.every_s, job_run.every_s), runs = job_run.runs + 1

-- name: finish_job
-- %(job)s text, %(finished_at)s timestamptz, %(ok)s bool, %(detail)s jsonb, %(error)s text or null
UPDATE job_run SET finished_at = %(finished_at)s, ok = %(ok)s, detail = %(detail)s,
    error = %(error)s, duration_s = extract(epoch FROM %(finished_at)s - started_at),
    last_ok_at = CASE WHEN %(ok)s THEN %(finished_at)s ELSE last_ok_at END,
    failures = failures + CASE WHEN %(ok)s THEN 0 ELSE 1 END,
    failures_in_a_row = CASE WHEN %(ok)s THEN 0 ELSE failures_in_a_row + 1 END
WHERE job = %(job)s

-- name: job_runs
SELECT job, started_at, finished_at, park_time, ok, detail, error, every_s, last_ok_at, duration_s,
       runs, failures, failures_in_a_row
FROM job_run ORDER BY job

-- name: collector_states
SELECT client_id, started_at, updated_at, counters, health FROM collector_state ORDER BY client_id

-- name: work_waiting
-- How much the jobs still have to do.
SELECT (SELECT count(*) FROM stale_range) AS stale_ranges,
       (SELECT count(*) FROM stale_day) AS stale_days,
       (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL) AS mails_waiting,
       (SELECT min(created_at) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL)
           AS oldest_mail_at,
       (SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL) AS mails_failed,
       (SELECT count(*) FROM quarantine WHERE released_at IS NULL) AS quarantined

-- name: last_readings
-- Newest reading of each channel in use, one index look-up per channel.
SELECT c.channel_id, r.ts FROM channel c LEFT JOIN LATERAL (
    SELECT ts FROM reading WHERE channel_id = c.channel_id ORDER BY ts DESC LIMIT 1) r ON true
WHERE c.retired_at IS NULL
