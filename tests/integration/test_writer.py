"""The writer: one refused message does not take its neighbours with it, an outage loses nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import FixedClock
from collectors.directory import Directory, Route, Slot
from collectors.door import Door
from collectors.formats.base import Incoming
from collectors.health import Health
from collectors.writer import Writer
from models.errors import Invalid, Unavailable
from models.park import Park
from storage.db import Conn, connect

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOPIC = "park/testpark/alpha/a-grid"


def message(minute: int, value: float) -> Incoming:
    ts = (NOW - timedelta(minutes=minute)).isoformat()
    return Incoming(TOPIC, json.dumps({"ts": ts, "values": {"import_kwh": value}}).encode(), NOW)


def writer(dsn: str) -> Writer:
    door = Door(Directory([]), 10_000, timedelta(minutes=5))
    return Writer(
        lambda: connect(dsn, application="writer"), door, FixedClock(NOW), Health("test", NOW)
    )


def test_a_row_that_the_database_refuses_is_isolated(dsn: str, conn: Conn, applied: Park) -> None:
    conn.execute("ALTER TABLE reading ADD CONSTRAINT no_13 CHECK (value <> 13)")
    made = writer(dsn)
    assert made.commit([message(n, float(n)) for n in range(100)])
    made.close()
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (99,)
    rows = conn.execute("SELECT reason, payload FROM quarantine").fetchall()
    assert [(r, json.loads(p)["values"]) for r, p in rows] == [("storage", {"import_kwh": 13.0})]
    c = made.counters
    assert (c["received"], c["stored"], c["quarantined"], c["pending"]) == (100, 99, 1, 0)


def test_a_table_that_refuses_everything_ends_the_writer(
    dsn: str, conn: Conn, applied: Park
) -> None:
    """Not even the quarantine takes the message: an endless split would look like work."""
    conn.execute("ALTER TABLE quarantine ADD CONSTRAINT never CHECK (false)")
    made = writer(dsn)
    with pytest.raises(Invalid):
        made.commit([message(0, 1.0), message(1, 1.0)._replace(payload=b"{")])
    made.close()
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (1,)


def test_a_lost_connection_is_tried_again(dsn: str, conn: Conn, applied: Park) -> None:
    made = writer(dsn)
    assert made.commit([message(0, 1.0)])
    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'writer'"
    )
    assert made.commit([message(1, 2.0)])
    made.close()
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (2,)
    assert made.counters["retries"] == 1


def test_told_to_stop_while_the_database_is_away(dsn: str, conn: Conn, applied: Park) -> None:
    made = writer(dsn)

    def away() -> Conn:
        raise Unavailable("connect to the database", "it is away")

    made.connect = away
    made.stopping.set()
    assert made.commit([message(0, 1.0)]) is None  # not acknowledged: the broker keeps it
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (0,)


def test_the_same_key_twice_in_one_batch(dsn: str, conn: Conn, applied: Park) -> None:
    made = writer(dsn)
    assert made.commit([message(0, 1.0), message(0, 2.0), message(0, 1.0)])
    made.close()
    assert conn.execute("SELECT value FROM reading").fetchall() == [(1.0,)]
    c = made.counters
    assert (c["stored"], c["conflict"], c["duplicate"]) == (1, 1, 1)


def test_text_that_a_database_cannot_hold(dsn: str, conn: Conn, applied: Park) -> None:
    made = writer(dsn)
    bad = [
        Incoming("park/testpark/alpha/a\0b", b"\0\0\0", NOW),
        Incoming(TOPIC, b'{"ts": "x\\u0000\\ud800", "values": {}}', NOW),
        Incoming("park/\udcff/x/y", b"{}", NOW),
    ]
    assert made.commit(bad)
    made.close()
    assert conn.execute("SELECT count(*) FROM quarantine").fetchone() == (3,)


def test_a_defect_of_ours_costs_one_message(dsn: str, conn: Conn, applied: Park) -> None:
    made = writer(dsn)

    class Broken(Directory):
        def slot(self, route: Route, device: str, channel: str) -> Slot | None:
            if device == "broken":
                raise ZeroDivisionError
            return super().slot(route, device, channel)

    assert made.commit([]) is not None
    made.door.directory.__class__ = Broken
    messages = [message(n, float(n)) for n in range(10)]
    messages[7] = messages[7]._replace(topic="park/testpark/alpha/broken")
    assert made.commit(messages)
    made.close()
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (9,)
    assert conn.execute("SELECT reason FROM quarantine").fetchall() == [("internal",)]
