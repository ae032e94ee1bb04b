"""How a collector says how it is: counters that add up, metrics, health, doctor."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.checks import collector_problems
from app.embedded import free_port
from app.metrics import serve_metrics
from collectors.directory import Directory
from collectors.door import Door
from collectors.formats.base import Incoming
from collectors.health import OUTCOMES, Health
from storage.readings import Stored
from tests.unit.collectors.test_door import channel

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DIRECTORY = Directory([channel(1, "alpha", "a-grid", "import_kwh")])


def message(value: float, topic: str = "park/p/alpha/a-grid") -> Incoming:
    payload = json.dumps({"ts": NOW.isoformat(), "values": {"import_kwh": value}}).encode()
    return Incoming(topic, payload, NOW)


def adds_up(counters: Counter[str]) -> bool:
    return counters["received"] == sum(counters[k] for k in OUTCOMES)


def working() -> Health:
    """A collector that has stored one reading and refused two, with one on the way."""
    health = Health("c", NOW, gauges=lambda: GAUGES)
    door = Door(DIRECTORY, 10_000, timedelta(minutes=5))
    batch = door.judge([message(5), message(-1), message(5, "park/p/beta/a-grid")])
    health.received(batch, door.ignored)
    assert adds_up(health.counters)
    assert health.counters["pending"] == 3
    health.committed(batch, health.after(batch, Stored(stored=1)), NOW + timedelta(seconds=4))
    health.heard(DIRECTORY)
    health.received(door.judge([message(6)]), door.ignored)
    return health


GAUGES = {"queued": 7.0, "in_flight": 9.0, "connected": 1.0, "generation": 1, "kept_filters": 0}


def test_the_identity_holds_before_and_after_a_commit() -> None:
    health = working()
    assert adds_up(health.counters)
    assert {k: health.counters[k] for k in ("received", "stored", "quarantined", "pending")} == {
        "received": 4,
        "stored": 1,
        "quarantined": 2,
        "pending": 1,
    }
    said = health.snapshot()
    assert said["refused"] == {"out_of_range": 1, "ownership": 1}
    assert said["commit_lag_s"] == 4
    assert said["last_message"] == {"p/alpha": NOW.isoformat()}  # strangers are not listed


def test_metrics_and_health_over_http() -> None:
    health = working()
    stub: Any = SimpleNamespace(health=health)
    port = free_port()
    with serve_metrics(stub, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        for line in (
            "greenpark_readings_received_total 4.0",
            'greenpark_readings_total{outcome="stored"} 1.0',
            'greenpark_readings_total{outcome="quarantined"} 2.0',
            "greenpark_readings_pending 1.0",
            'greenpark_refused_total{reason="ownership"} 1.0',
            "greenpark_messages_queued 7.0",
            "greenpark_messages_in_flight 9.0",
            "greenpark_commit_lag_seconds 4.0",
            'greenpark_last_message_timestamp_seconds{enterprise="p/alpha"} 1.7723232e+09',
        ):
            assert line in lines
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            assert json.load(answer)["ok"] is True
        health.gauges = lambda: GAUGES | {"connected": 0.0}
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
        assert caught.value.code == 503
        assert json.load(caught.value)["problems"] == ["not connected to the broker"]
        caught.value.close()


def problems(now: datetime = NOW, **changes: Any) -> list[str]:
    health = working()
    state = {
        "client_id": "c",
        "updated_at": NOW,
        "counters": dict(health.counters),
        "health": health.snapshot() | {"refused": {}},
    }
    for key, value in changes.items():
        state[key] |= value
    return [p.problem for p in collector_problems(state, now)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"counters": {"stored": 2}}, ["counters do not add up"]),
        ({"health": {"connected": 0}}, ["not connected to the broker"]),
        ({"health": {"commit_lag_s": 31}}, ["31 s from arrival to commit, 7 messages wait"]),
        ({"health": {"kept_filters": 2}}, ["keeps 2 subscription(s)"]),
        ({"health": {"refused": {"json": 3}}}, ["3 value(s) refused since its start: json"]),
    ],
)
def test_doctor_reads_the_signs(changes: dict[str, Any], said: list[str]) -> None:
    found = problems(**changes)
    assert len(found) == len(said)
    for problem, start in zip(found, said, strict=True):
        assert problem.startswith(start)


def test_doctor_misses_a_collector_and_an_enterprise() -> None:
    assert problems(NOW + timedelta(minutes=6)) == [
        "no sign of life since 2026-03-01T00:00:00+00:00"
    ]
    quiet = {"last_message": {"p/alpha": (NOW - timedelta(hours=2)).isoformat()}}
    assert problems(health=quiet) == ["no message since 2026-02-28T22:00:00+00:00"]
