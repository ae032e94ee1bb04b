"""The collector against a real broker and a real database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.embedded import Broker
from collectors.service import Collector
from models.errors import Unavailable
from storage.db import Conn


def wait_for(question: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not question():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


def count(conn: Conn, table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
    assert row
    return int(row[0])


class Sender:
    """A plain paho client of a meter."""

    def __init__(self, broker: Broker) -> None:
        protocol = mqtt.MQTTv5 if broker.protocol == "5" else mqtt.MQTTv311
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def send(self, topic: str, payload: object) -> None:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, body, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def sender(broker: Broker):  # type: ignore[no-untyped-def]
    made = Sender(broker)
    yield made
    made.close()


def reading(value: float, minute: int = 0, **more: object) -> dict[str, object]:
    return {"ts": f"2026-03-01T08:{minute:02d}:00+08:00", "values": {"import_kwh": value}, **more}


def started(collector: Callable[[], Collector]) -> Collector:
    made = collector()
    wait_for(lambda: made.transport.connected, "connected")
    time.sleep(0.1)  # the subscription follows the connection
    return made


def test_reading_is_stored_with_its_time_and_value(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    sender.send("park/testpark/alpha/a-grid", reading(12.5))
    wait_for(lambda: made.writer.counters["stored"] == 1, "stored")
    row = conn.execute(
        "SELECT c.key, ts, value FROM reading JOIN channel c USING (channel_id)"
    ).fetchone()
    assert row == ("import_kwh", datetime(2026, 3, 1, 0, 0, tzinfo=UTC), 12.5)
    assert conn.execute("SELECT start_at FROM stale_range").fetchone() == (row[1],)


def test_repetition_conflict_and_correction(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    topic = "park/testpark/alpha/a-grid"
    sender.send(topic, reading(10))
    sender.send(topic, reading(10))
    sender.send(topic, reading(11))
    sender.send(topic, reading(12, correction=True))
    sender.send(topic, reading(13, correction=True))
    wait_for(
        lambda: made.writer.counters["received"] == 5 and made.writer.counters["pending"] == 0,
        "all five",
    )
    counters = made.writer.counters
    assert (
        counters["stored"],
        counters["duplicate"],
        counters["conflict"],
        counters["correction"],
    ) == (1, 1, 1, 2)
    assert conn.execute("SELECT value FROM reading").fetchall() == [(10.0,)]
    revisions = conn.execute("SELECT kind, value FROM reading_revision ORDER BY revision_id")
    assert revisions.fetchall() == [("conflict", 11.0), ("correction", 12.0), ("correction", 13.0)]
    finding = conn.execute("SELECT code, evidence FROM finding").fetchone()
    assert finding == ("reading.conflict", {"kept_value": 10, "refused_value": 11})


def test_good_values_of_a_half_bad_message_are_kept(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    sender.send(
        "park/testpark/alpha/a-grid",
        {"ts": "2026-03-01T08:00:00+08:00", "values": {"import_kwh": 5, "power_kw": "12,5"}},
    )
    wait_for(lambda: made.writer.counters["quarantined"] == 1, "quarantined")
    assert count(conn, "reading") == 1
    row = conn.execute("SELECT reason, detail->0->>'field' FROM quarantine").fetchone()
    assert row == ("not_a_number", "power_kw")


def test_spoofed_topic_is_refused_and_recorded(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    sender.send("park/testpark/beta/a-grid", reading(5))
    wait_for(lambda: made.writer.counters["quarantined"] == 1, "quarantined")
    assert conn.execute("SELECT reason, topic FROM quarantine").fetchone() == (
        "ownership",
        "park/testpark/beta/a-grid",
    )
    assert count(conn, "reading") == 0


def test_a_meter_applied_later_is_known_at_once(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    sender.send("park/testpark/alpha/a-grid", reading(1))
    wait_for(lambda: made.writer.counters["stored"] == 1, "stored")
    conn.execute("UPDATE meter SET key = 'a-grid-2' WHERE key = 'a-grid'")
    conn.execute("UPDATE park SET applied_at = now()")
    time.sleep(1.1)  # unknown names are looked up again at most once a second
    sender.send("park/testpark/alpha/a-grid-2", reading(2, 15))
    wait_for(lambda: made.writer.counters["stored"] == 2, "stored under the new name")


def test_identity_of_the_counters_holds(collector: Callable[[], Collector], sender: Sender) -> None:
    made = started(collector)
    for minute in range(10):
        sender.send("park/testpark/alpha/a-grid", reading(minute, minute))
        sender.send("park/testpark/alpha/a-grid", b"{broken %d" % minute)
        sender.send("park/testpark/alpha/a-grid", reading(minute, minute))
    wait_for(
        lambda: made.writer.counters["messages"] == 30 and made.writer.counters["pending"] == 0,
        "thirty messages",
    )
    c = made.writer.counters
    assert (
        c["received"]
        == c["stored"] + c["duplicate"] + c["conflict"] + c["correction"] + c["quarantined"]
        == 30
    )
    assert c["stored"] == 10


def test_unacknowledged_messages_come_back_after_a_database_outage(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    working = made.writer.connect

    def away() -> Conn:
        raise Unavailable("connect to the database", "it is away")

    sender.send("park/testpark/alpha/a-grid", reading(1))
    wait_for(lambda: made.writer.counters["stored"] == 1, "stored")
    made.writer.connect = away
    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'greenpark collect%'"
    )
    sender.send("park/testpark/alpha/a-grid", reading(2, 15))
    wait_for(lambda: made.writer.counters["retries"] >= 2, "two tries")
    assert count(conn, "reading") == 1
    made.writer.connect = working
    wait_for(lambda: made.writer.counters["stored"] == 2, "stored after the outage")
