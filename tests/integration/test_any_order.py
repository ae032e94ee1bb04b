"""Any partition, order or repetition of the same messages ends in the same interval bits."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from models.park import Park, parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.feed import feed

T0 = datetime(2026, 3, 2, 16, tzinfo=UTC)  # Tuesday 3 March 2026, 00:00 in Shanghai
NOW = T0 + timedelta(days=30)
TOPIC = "park/mixed/works/meter"
PARK: dict[str, Any] = {
    "key": "mixed",
    "name": {"zh": "混合", "en": "Mixed"},
    "enterprises": [
        {
            "key": "works",
            "name": {"zh": "厂", "en": "Works"},
            "meters": [
                {
                    "key": "meter",
                    "name": {"zh": "表", "en": "Meter"},
                    "channels": {
                        "register": {
                            "quantity": "active_energy",
                            "unit": "kWh",
                            "kind": "register",
                            "modulus": 10_000,
                            "rated_per_h": 400,
                        },
                        "free": {"quantity": "water_volume", "unit": "L", "kind": "register"},
                        "power": {"quantity": "active_energy", "unit": "kW", "kind": "rate"},
                        "level": {"quantity": "temperature", "unit": "degC", "kind": "gauge"},
                        "slips": {"quantity": "mass", "unit": "kg", "kind": "batch"},
                        "period": {
                            "quantity": "active_energy",
                            "unit": "kWh",
                            "kind": "interval",
                            "period_s": 1800,
                        },
                    },
                }
            ],
        }
    ],
}


def _history(rng: random.Random) -> list[dict[str, object]]:
    """Up to three days with outages, glitches, a reset, a roll-over, standstills."""
    items: list[dict[str, object]] = []
    energy, water = rng.choice([100.0, 9_800.0]), 5_000.0
    at = T0
    still = 0
    while at < T0 + timedelta(days=rng.choice([1, 2, 3])):
        at += timedelta(seconds=rng.choice([300, 900, 900, 900, 907]))
        if rng.random() < 0.02:
            at += timedelta(hours=rng.choice([1, 3, 9]))
        if rng.random() < 0.01:
            still = rng.randrange(2, 12)
        energy += rng.choice([0.0, 10.0, 20.0, 25.0])
        water += rng.choice([0.0, 0.0, 3.0, 400.0])
        if rng.random() < 0.01:
            water = rng.choice([0.0, 17.0])
        shown = round(energy % 10_000, 2)
        if still:
            still -= 1
        else:
            last = shown
        values: dict[str, float] = {"power": rng.choice([0, 50, 80]), "level": rng.randrange(90)}
        values["register"] = rng.choice([0.0, 9_999.0]) if rng.random() < 0.02 else last
        values["free"] = 0.0 if rng.random() < 0.03 else round(water, 0)
        if rng.random() < 0.1:
            values["slips"] = rng.randrange(3_000)
        items.append({"ts": at.isoformat(), "values": values})
    items += [
        {"ts": (T0 + timedelta(minutes=30 * n)).isoformat(), "values": {"period": n % 7}}
        for n in range(48)
        if n % 11
    ]
    return items


@pytest.fixture
def mixed(conn: Conn) -> Park:
    park = parse_park(PARK, "test")
    with conn.transaction():
        apply_park(conn, park, T0)
    return park


def _compute(conn: Conn) -> None:
    compute_intervals(conn, NOW)
    compute_balances(conn, NOW)


def _state(conn: Conn) -> list[list[tuple[object, ...]]]:
    """Intervals, roll-ups and findings without the times of calculation."""
    return [
        conn.execute(query).fetchall()  # type: ignore[arg-type]
        for query in (
            "SELECT channel_id, bucket_start, value, quality, method, low, high, last"
            " FROM interval ORDER BY 1, 2",
            "SELECT * FROM channel_hour ORDER BY channel_id, hour_start",
            "SELECT * FROM channel_day ORDER BY channel_id, day",
            "SELECT * FROM channel_month ORDER BY channel_id, month",
            "SELECT code, severity, channel_id, period_start, period_stop, evidence FROM finding"
            " WHERE withdrawn_at IS NULL ORDER BY 1, 3, 4",
            "SELECT count(*) FROM stale_range",
        )
    ]


def _forget(conn: Conn) -> None:
    conn.execute(
        "TRUNCATE reading, reading_revision, interval, restatement, finding, stale_range,"
        " stale_day, stale_check, shaped_gap, channel_hour, channel_day, channel_month"
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(seed=st.integers(0, 10**9))
def test_any_order_partition_and_repetition(dsn: str, conn: Conn, mixed: Park, seed: int) -> None:
    rng = random.Random(seed)
    items = _history(rng)
    _forget(conn)
    feed(dsn, TOPIC, items)
    _compute(conn)
    whole = _state(conn)
    assert whole[0]
    _forget(conn)
    parts = items + rng.sample(items, len(items) // 5)
    if rng.random() < 0.5:
        rng.shuffle(parts)  # else: in order, with late repetitions at the end
    while parts:
        size = rng.choice([1, 7, 40, 200])
        feed(dsn, TOPIC, parts[:size])
        parts = parts[size:]
        if rng.random() < 0.6:
            _compute(conn)
    _compute(conn)
    assert _state(conn) == whole


def test_nothing_new_changes_nothing(dsn: str, conn: Conn, mixed: Park) -> None:
    items = _history(random.Random(7))
    feed(dsn, TOPIC, items)
    _compute(conn)
    before, restated = _state(conn), conn.execute("SELECT count(*) FROM restatement").fetchone()
    conn.execute(
        "INSERT INTO stale_range (channel_id, start_at, stop_at, reason)"
        " SELECT channel_id, min(ts), max(ts), 'recompute' FROM reading GROUP BY channel_id"
    )
    _compute(conn)
    assert _state(conn) == before
    assert conn.execute("SELECT count(*) FROM restatement").fetchone() == restated
