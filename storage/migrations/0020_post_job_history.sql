-- Why: the runs of the jobs survive restarts: when each was last well, how long it takes, how often it
-- fails. People see it in dash.job.
-- Locks: job_run, shortly. Transaction: on.
ALTER TABLE job_run
    ADD COLUMN every_s double precision,
    ADD COLUMN last_ok_at timestamptz,
    ADD COLUMN duration_s double precision,
    ADD COLUMN runs bigint NOT NULL DEFAULT 0,
    ADD COLUMN failures bigint NOT NULL DEFAULT 0,
    ADD COLUMN failures_in_a_row integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN job_run.every_s IS 'pause between its starts; null: not known yet';
COMMENT ON COLUMN job_run.last_ok_at IS 'wall clock; end of the last run without an error';
COMMENT ON COLUMN job_run.duration_s IS 'of the last run that ended';
UPDATE job_run SET last_ok_at = CASE WHEN ok THEN finished_at END,
    duration_s = extract(epoch FROM finished_at - started_at), runs = 1,
    failures = CASE WHEN ok IS FALSE THEN 1 ELSE 0 END,
    failures_in_a_row = CASE WHEN ok IS FALSE THEN 1 ELSE 0 END;

CREATE VIEW dash.job AS
SELECT job, started_at, finished_at, last_ok_at, duration_s, every_s, runs, failures,
       failures_in_a_row, finished_at IS NULL AS is_running, ok AS is_ok,
       extract(epoch FROM now() - last_ok_at)::double precision AS since_ok_s, error
FROM job_run;
COMMENT ON VIEW dash.job IS 'last run of each job and its history in numbers (wall clock)';
COMMENT ON COLUMN dash.job.runs IS 'number of starts since the history began';
COMMENT ON COLUMN dash.job.failures IS 'number of runs that ended with an error';
COMMENT ON COLUMN dash.job.failures_in_a_row IS 'number since the last run without an error';
COMMENT ON COLUMN dash.job.every_s IS 'seconds between its starts';
COMMENT ON COLUMN dash.job.since_ok_s IS 'seconds since the last run without an error';
GRANT SELECT ON dash.job TO greenpark_reader;
