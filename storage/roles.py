"""Login roles that a deployment asks for, each with the rights of one group role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg import sql

from storage.db import Conn, translate_db_errors


@dataclass(frozen=True)
class Login:
    """A login role, its group (migration 0006) and its session settings."""

    name: str
    group: str
    purpose: str
    settings: Mapping[str, str] = field(default_factory=dict)


READER = Login(
    "grafana_ro",
    "greenpark_reader",
    "reads the views of schema dash and no more",
    {
        "statement_timeout": "20s",
        "default_transaction_read_only": "on",
        "idle_in_transaction_session_timeout": "30s",
        "search_path": "dash",
    },
)
COLLECTOR = Login(
    "greenpark_collect", "greenpark_collector", "adds readings and quarantine rows, edits nothing"
)


def ensure_login(conn: Conn, login: Login, password: str) -> None:
    """Create or refresh a login role; the password is hashed here and stands in no server log."""
    role = sql.Identifier(login.name)
    with translate_db_errors(f"create the role {login.name}"), conn.transaction():
        verifier = conn.pgconn.encrypt_password(
            password.encode(), login.name.encode(), b"scram-sha-256"
        ).decode()
        known = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login.name,)).fetchone()
        verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
        conn.execute(
            sql.SQL(
                "{} {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20 PASSWORD {}"
            ).format(verb, role, sql.Literal(verifier))
        )
        conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(login.group), role))
        for name, value in login.settings.items():
            conn.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    role, sql.Identifier(name), sql.Literal(value)
                )
            )
