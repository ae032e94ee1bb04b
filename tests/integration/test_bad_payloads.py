"""A thousand assorted bad payloads between good messages: nothing stops, nothing is lost."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable

import pytest

from app.embedded import Broker
from collectors.service import Collector
from storage.db import Conn
from tests.integration.test_collector import Sender, count, started, wait_for

GOOD = "park/testpark/alpha/a-grid"
TS = "2026-03-01T08:15:00+08:00"


def one(ts: object = TS, values: object = None) -> bytes:
    return json.dumps(
        {"ts": ts, "values": {"import_kwh": 5} if values is None else values}
    ).encode()


def bad_messages() -> list[tuple[str, bytes, str]]:
    """1,000 different (topic, payload, expected reason)."""
    rng = random.Random(7)
    kinds: list[Callable[[int], tuple[str, bytes, str]]] = [
        lambda n: (GOOD, b'{"ts": "%d", "values": {' % n, "json"),
        lambda n: (GOOD, b"\xff\xfe garbage %d" % n, "json"),
        lambda n: (GOOD, b'{"ts":"%s","values":{"a":' % TS.encode() + b"[" * (5000 + n), "json"),
        lambda n: (GOOD, b" " * n, "json"),
        lambda n: (
            GOOD,
            b'{"ts": "%s", "values": {"import_kwh": NaN}} %d' % (TS.encode(), n),
            "json",
        ),
        lambda n: (GOOD, json.dumps({"values": {"import_kwh": n}}).encode(), "schema"),
        lambda n: (GOOD, json.dumps(f"text {n}").encode(), "schema"),
        lambda n: (GOOD, json.dumps([]).encode() + b" " * n, "items"),
        lambda n: (GOOD, json.dumps([{"ts": TS, "values": {"x": n}}] * 1001).encode(), "items"),
        lambda n: (GOOD, one(values={"import_kwh": f"{n}"}), "not_a_number"),
        lambda n: (GOOD, one(values={"import_kwh": None, "n": n}), "not_a_number"),
        lambda n: (GOOD, one(values={"import_kwh": True, "n": n}), "not_a_number"),
        lambda n: (GOOD, one(values={"import_kwh": [n]}), "not_a_number"),
        lambda n: (
            GOOD,
            b'{"ts":"%s","values":{"import_kwh":1%s}}' % (TS.encode(), b"0" * (310 + n)),
            "not_finite",
        ),
        lambda n: (GOOD, one(values={"import_kwh": -1 - n}), "out_of_range"),
        lambda n: (GOOD, one(values={"import_kwh": 1_000_001 + n}), "out_of_range"),
        lambda n: (GOOD, one(values={f"nope_{n}": 1}), "unknown_channel"),
        lambda n: (GOOD, one(f"2026-03-01T08:15:{n % 60:02d}", {"import_kwh": n}), "no_zone"),
        lambda n: (GOOD, one(f"01/03/2026 08:15 {n}"), "time_format"),
        lambda n: (GOOD, one(1_772_323_200 + n), "time_range"),  # seconds are not milliseconds
        lambda n: (GOOD, one(f"1970-01-01T00:00:{n % 60:02d}Z", {"import_kwh": n}), "time_range"),
        lambda n: (GOOD, one(f"2099-01-01T00:00:{n % 60:02d}Z", {"import_kwh": n}), "future"),
        lambda n: (f"park/testpark/alpha/ghost-{n}", one(), "unknown_meter"),
        lambda n: (f"park/elsewhere-{n}/alpha/a-grid", one(), "unknown_park"),
        lambda n: ("park/testpark/beta/a-grid", one(values={"import_kwh": n}), "ownership"),
        lambda n: (f"park/testpark/alpha/a-grid/deep/{n}", one(), "topic"),
        lambda n: ("park/testpark/alpha", one(values={"import_kwh": n}), "no_meter"),
        lambda n: (GOOD, json.dumps({"ts": TS, "values": {}, "seq": n}).encode(), "empty"),
    ]
    out = [(GOOD, rng.randbytes(1_000_000), "too_large")]
    number = 0
    while len(out) < 1000:
        out.append(kinds[number % len(kinds)](number // len(kinds)))
        number += 1
    return out


@pytest.fixture
def sender(broker: Broker):  # type: ignore[no-untyped-def]
    made = Sender(broker)
    yield made
    made.close()


def test_a_thousand_bad_payloads_and_a_hundred_good_ones(
    collector: Callable[[], Collector], sender: Sender, conn: Conn
) -> None:
    made = started(collector)
    messages = bad_messages()
    assert len({(t, p) for t, p, _ in messages}) == 1000
    for number, (topic, payload, _) in enumerate(messages):
        if number % 10 == 0:
            sender.send(
                GOOD, {"ts": 1_772_323_200_000 + number * 1000, "values": {"import_kwh": number}}
            )
        sender.client.publish(topic, payload, qos=1)
    wait_for(
        lambda: made.writer.counters["messages"] == 1100 and made.writer.counters["pending"] == 0,
        "all messages",
        60,
    )
    assert made.failure is None
    assert count(conn, "reading") == 100
    assert count(conn, "quarantine") == 1000
    got = {
        (t, bytes(p)): r
        for t, p, r in conn.execute("SELECT topic, payload, reason FROM quarantine").fetchall()
    }
    wrong = [(t, p[:90], want, got[t, p]) for t, p, want in messages if got[t, p] != want]
    assert wrong == []
    if os.environ.get("GREENPARK_SHOW"):
        print(conn.execute("SELECT reason, count(*) FROM quarantine GROUP BY 1").fetchall())
