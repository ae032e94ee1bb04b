-- Why: least privilege. Group roles without login; deployments grant them to login users.
--   greenpark_collector  may add readings and quarantine, read master data, edit nothing
--   greenpark_reader     may read the views of schema dash, nothing else (Grafana)
-- Locks: catalogue rows. Transaction: on. Roles are shared by all databases of a server.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'greenpark_collector') THEN
        CREATE ROLE greenpark_collector NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'greenpark_reader') THEN
        CREATE ROLE greenpark_reader NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this server created them at the same moment
END $$;

CREATE SCHEMA dash;
COMMENT ON SCHEMA dash IS 'views for dashboards: the only thing greenpark_reader may read';
GRANT USAGE ON SCHEMA dash TO greenpark_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA dash GRANT SELECT ON TABLES TO greenpark_reader;
REVOKE ALL ON SCHEMA public FROM greenpark_reader;

GRANT USAGE ON SCHEMA public TO greenpark_collector;
GRANT SELECT ON schema_migration, park, enterprise, meter, channel TO greenpark_collector;
GRANT SELECT, INSERT ON reading, reading_revision, stale_range, finding TO greenpark_collector;
GRANT UPDATE ON finding TO greenpark_collector;
GRANT SELECT, INSERT, UPDATE ON quarantine, collector_state TO greenpark_collector;
