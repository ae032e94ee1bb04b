"""Login roles that a deployment asks for."""

from __future__ import annotations

from psycopg import sql

from storage.db import Conn, translate_db_errors


def ensure_reader_login(conn: Conn, password: str) -> None:
    """Create or refresh `grafana_ro`: a login that reads the views of schema dash and no more."""
    role = sql.Identifier("grafana_ro")
    with translate_db_errors("create the role grafana_ro"), conn.transaction():
        # hashed here, so that the password never stands in a statement or a server log
        verifier = conn.pgconn.encrypt_password(
            password.encode(), b"grafana_ro", b"scram-sha-256").decode()
        known = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = 'grafana_ro'").fetchone()
        verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
        conn.execute(sql.SQL("{} {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20"
                             " PASSWORD {}").format(verb, role, sql.Literal(verifier)))
        conn.execute(sql.SQL("GRANT greenpark_reader TO {}").format(role))
        for name, value in (("statement_timeout", "20s"), ("default_transaction_read_only", "on"),
                            ("idle_in_transaction_session_timeout", "30s"),
                            ("search_path", "dash")):
            conn.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(
                role, sql.Identifier(name), sql.Literal(value)))
