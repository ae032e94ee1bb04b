"""Least privilege: what each login can do, and that it can do no more."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import errors

from app.clock import FixedClock
from collectors.backfill import store_history
from collectors.formats.base import Incoming
from models.park import Park
from storage.db import Conn, connect
from storage.migrate import check_schema
from storage.roles import COLLECTOR, READER, ensure_login

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def as_role(dsn: str, role: str) -> Conn:
    made = connect(dsn, application="collector")
    made.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
    return made


def test_collector_role_can_do_its_whole_job(dsn: str, conn: Conn, applied: Park) -> None:
    ensure_login(conn, COLLECTOR, "secret")
    topic = "park/testpark/alpha/a-grid"
    values = [{"import_kwh": 1}, {"import_kwh": 1}, {"import_kwh": 2}, {"nope": 3}]
    messages = [
        Incoming(topic, json.dumps({"ts": NOW.isoformat(), "values": v}).encode(), NOW)
        for v in values
    ]
    messages.append(
        Incoming(
            topic,
            json.dumps(
                {"ts": NOW.isoformat(), "values": {"import_kwh": 5}, "correction": True}
            ).encode(),
            NOW,
        )
    )
    done = store_history(messages, lambda: as_role(dsn, COLLECTOR.name), FixedClock(NOW))
    assert {
        k: done[k] for k in ("stored", "duplicate", "conflict", "quarantined", "correction")
    } == dict.fromkeys(("stored", "duplicate", "conflict", "quarantined", "correction"), 1)
    with as_role(dsn, COLLECTOR.name) as limited:
        check_schema(limited)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reading SET value = 0",
        "DELETE FROM reading",
        "DELETE FROM quarantine",
        "INSERT INTO interval SELECT 1, now(), 1, 'measured', NULL, now()",
        "SELECT * FROM outbox",
        "UPDATE channel SET factor = 2",
        "CREATE TABLE public.mine (x int)",
    ],
)
def test_collector_role_edits_nothing(dsn: str, conn: Conn, statement: str) -> None:
    ensure_login(conn, COLLECTOR, "secret")
    with as_role(dsn, COLLECTOR.name) as limited, pytest.raises(errors.InsufficientPrivilege):
        limited.execute(statement)  # type: ignore[arg-type]


def test_reader_role_sees_views_and_no_table(dsn: str, conn: Conn) -> None:
    ensure_login(conn, READER, "secret")
    tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    with as_role(dsn, READER.name) as limited:
        limited.execute("SELECT * FROM dash.park")
        for (table,) in tables:
            with pytest.raises(errors.InsufficientPrivilege):
                limited.execute(
                    psycopg.sql.SQL("SELECT 1 FROM public.{}").format(psycopg.sql.Identifier(table))
                )


def test_password_is_stored_as_a_verifier_and_can_be_renewed(conn: Conn) -> None:
    for password in ("first", "second'quote"):
        ensure_login(conn, READER, password)
    row = conn.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'grafana_ro'").fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$")
    assert "second" not in row[0]
