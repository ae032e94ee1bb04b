"""Rates, events and states through door, writer and job on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.jobs.intervals import compute_intervals
from models.park import Park, parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE
from tests.integration.feed import feed, ramp

Q = timedelta(minutes=15)
JAN1 = datetime(2025, 12, 31, 16, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
NOW = JAN1 + timedelta(days=40)
PV = "park/testpark/alpha/a-pv"
CHANNELS = {
    "feed_kw": {"quantity": "active_energy", "unit": "MW", "kind": "rate", "period_s": 300},
    "flow": {"quantity": "water_volume", "unit": "L/s", "kind": "rate", "multiplier": 2},
    "slip": {"quantity": "mass", "unit": "kg", "kind": "batch", "role": "production"},
    "degc": {"quantity": "temperature", "unit": "degC", "kind": "gauge"},
}


@pytest.fixture
def plant(conn: Conn) -> Park:
    """The test park, with all of them on one meter."""
    document: dict[str, Any] = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    document["enterprises"][0]["meters"][1]["channels"] |= CHANNELS
    park = parse_park(document, "test")
    with conn.transaction():
        apply_park(conn, park, JAN1)
    return park


def stored(conn: Conn, channel: str) -> list[tuple[int, float, str, str | None]]:
    """(quarter-hour of 1 January, value, quality, method)."""
    rows = conn.execute(
        "SELECT bucket_start, value, quality, i.method FROM interval i JOIN channel USING"
        " (channel_id) WHERE key = %s ORDER BY 1",
        (channel,),
    ).fetchall()
    return [((at - JAN1) // Q, *rest) for at, *rest in rows]


def found(conn: Conn) -> list[tuple[str, int, int]]:
    rows = conn.execute(
        "SELECT code, period_start, period_stop FROM finding WHERE withdrawn_at IS NULL ORDER BY 2"
    ).fetchall()
    return [(code, (a - JAN1) // Q, (b - JAN1) // Q) for code, a, b in rows]


def test_power_becomes_energy(dsn: str, conn: Conn, plant: Park) -> None:
    # 2 to 4 MW in a quarter of an hour: 3000 kW x 0.25 h; then an hour without readings, at 4 MW
    feed(dsn, PV, ramp("feed_kw", JAN1, Q, [2, 4]))
    feed(dsn, PV, ramp("feed_kw", JAN1 + 5 * Q, Q, [4, 0]))
    compute_intervals(conn, NOW)
    assert stored(conn, "feed_kw") == [
        (0, 750.0, "measured", None),
        *((n, 1000.0, "estimated", "linear") for n in range(1, 5)),
        (5, 500.0, "measured", None),
    ]
    assert found(conn) == [("interval.gap", 1, 5)]


def test_a_long_pause_stays_missing_until_a_reading_comes(
    dsn: str, conn: Conn, plant: Park
) -> None:
    feed(dsn, PV, ramp("flow", JAN1, Q, [10, 10]))
    feed(dsn, PV, ramp("flow", JAN1 + 10 * Q, Q, [10, 10]))
    compute_intervals(conn, NOW)
    # 10 L/s behind a multiplier of 2: 72 m3/h, 18 m3 in a quarter of an hour; 2:15 h are too long
    assert [(n, v) for n, v, *_ in stored(conn, "flow")] == [(0, 18.0), (10, 18.0)]
    assert found(conn) == [("rate.gap", 1, 10)]
    feed(dsn, PV, ramp("flow", JAN1 + 5 * Q, Q, [10]))
    compute_intervals(conn, NOW)
    assert [n for n, *_ in stored(conn, "flow")] == list(range(11))
    assert found(conn) == [("interval.gap", 1, 5), ("interval.gap", 5, 10)]


def test_events_are_summed_at_once_and_late_ones_added(dsn: str, conn: Conn, plant: Park) -> None:
    minute = timedelta(minutes=1)
    feed(dsn, PV, ramp("slip", JAN1, minute, [24_500, 0, 30_000]))
    compute_intervals(conn, NOW)
    assert stored(conn, "slip") == [(0, 54.5, "measured", None)]
    feed(dsn, PV, ramp("slip", JAN1 + 5 * minute, 20 * minute, [1000, 2000]))
    compute_intervals(conn, NOW)
    assert stored(conn, "slip") == [(0, 55.5, "measured", None), (1, 2.0, "measured", None)]


def test_two_events_at_one_instant_are_a_conflict(dsn: str, conn: Conn, plant: Park) -> None:
    feed(dsn, PV, ramp("slip", JAN1, Q, [1000]))
    again = feed(dsn, PV, ramp("slip", JAN1, Q, [1000]))
    other = feed(dsn, PV, ramp("slip", JAN1, Q, [3000]))
    assert (again["duplicate"], other["conflict"]) == (1, 1)
    compute_intervals(conn, NOW)
    assert stored(conn, "slip") == [(0, 1.0, "measured", None)]


def test_the_door_knows_what_is_believable(dsn: str, conn: Conn, plant: Park) -> None:
    refused = feed(dsn, PV, ramp("slip", JAN1, Q, [-1]))
    assert (refused["quarantined"], refused["stored"]) == (1, 0)
    net = feed(dsn, PV, ramp("feed_kw", JAN1, Q, [-4, -4]))
    assert net["stored"] == 2  # a rate may turn
    compute_intervals(conn, NOW)
    assert stored(conn, "feed_kw") == [(0, -1000.0, "measured", None)]


def test_a_state_keeps_its_extremes_and_its_last_reading(dsn: str, conn: Conn, plant: Park) -> None:
    feed(dsn, PV, ramp("degc", JAN1, timedelta(minutes=5), [20, 26, 23, 30]))
    compute_intervals(conn, NOW)
    row = conn.execute("SELECT value, low, high, last FROM interval").fetchone()
    assert row == (23.0, 20.0, 26.0, 23.0)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(-9, 9), st.integers(0, 9)),
        min_size=1,
        max_size=40,
        unique_by=lambda r: r[0],
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_ends_where_all_at_once_ends(
    dsn: str, conn: Conn, plant: Park, readings: list[tuple[int, int, int]], order: Any
) -> None:
    """In any order, in portions with a calculation after each: the same bits as all at once."""
    items = [
        {
            "ts": (JAN1 + n * timedelta(minutes=2)).isoformat(),
            "values": {"feed_kw": v / 7, "slip": kg / 7, "degc": v / 3},
        }
        for n, v, kg in readings
    ]
    order.shuffle(items)
    ends = []
    for size in (5, len(items)):
        conn.execute("TRUNCATE reading, reading_revision, stale_range, interval, finding")
        conn.execute("TRUNCATE restatement")
        for at in range(0, len(items), size):
            feed(dsn, PV, items[at : at + size])
            compute_intervals(conn, NOW)
        ends.append(([stored(conn, name) for name in CHANNELS], found(conn)))
    assert ends[0] == ends[1]
