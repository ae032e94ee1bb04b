"""Readings in any order and partition, through PostgreSQL: the same intervals as all at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.metering.buckets import Floats
from analytics.metering.registers import RegisterSpec, register_buckets
from storage.db import Conn
from storage.readings import channel_readings, store_batch
from tests.unit.analytics.register_series import T0, rows, series

Stored = dict[float, tuple[float, float, int]]
FIFTEEN = RegisterSpec(1.0, None, 900, None)


def insert(conn: Conn, at_s: Floats, raw: Floats, channel: int = 1) -> None:
    times = np.round(at_s * 1e6).astype(int).tolist()
    batch = [(channel, t, v, t, False) for t, v in zip(times, raw.tolist(), strict=True)]
    with conn.transaction():
        store_batch(conn, batch, [])


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def update(conn: Conn, spec: RegisterSpec, start_s: float, stop_s: float, stored: Stored) -> int:
    """Compute what new readings can change; returns how many readings that took."""
    data = channel_readings(conn, 1, at(start_s), at(stop_s), spec)
    assert data is not None
    got = register_buckets(
        np.array(data.at_s), np.array(data.values), spec, data.low_s, data.high_s
    )
    for known in [s for s in stored if data.low_s <= s < data.high_s]:
        del stored[known]
    stored.update({row[0]: row for row in rows(got, data.low_s, data.high_s)})
    return len(data.at_s)


@pytest.mark.parametrize("seed", range(25))
def test_any_order_and_partition_ends_in_the_same_intervals(conn: Conn, seed: int) -> None:
    rng = np.random.default_rng(seed)
    at_s, raw, spec = series(seed, int(rng.integers(20, 250)))
    n, stored = len(at_s), Stored()
    order = rng.permutation(n) if seed % 3 == 0 else np.argsort(np.arange(n) + rng.normal(0, 9, n))
    cuts = np.sort(rng.choice(n - 1, min(9, n - 1), replace=False)) + 1
    for part in np.split(order, cuts):
        mine = np.sort(part)
        insert(conn, at_s[mine], raw[mine])
        update(conn, spec, at_s[mine[0]], at_s[mine[-1]], stored)
    whole = register_buckets(at_s, raw, spec, T0 - 90 * 86400, T0 + 10**8)
    assert sorted(stored.values()) == rows(whole, T0 - 10**8, T0 + 10**8)


@pytest.mark.parametrize("seed", range(12))
def test_one_by_one(conn: Conn, seed: int) -> None:
    at_s, raw, spec = series(1000 + seed, 90)
    stored = Stored()
    for i in range(len(at_s)):
        insert(conn, at_s[i : i + 1], raw[i : i + 1])
        update(conn, spec, at_s[i], at_s[i], stored)
    whole = register_buckets(at_s, raw, spec, T0 - 90 * 86400, T0 + 10**8)
    assert sorted(stored.values()) == rows(whole, T0 - 10**8, T0 + 10**8)


def test_an_idle_meter_costs_a_handful_of_readings(conn: Conn) -> None:
    n = 300 * 96
    at_s = T0 + 900.0 * np.arange(n)
    raw = np.full(n, 500.0)
    raw[:100] = np.arange(400.0, 500.0)
    insert(conn, at_s, raw)
    data = channel_readings(conn, 1, at(at_s[-1]), at(at_s[-1]), FIFTEEN)
    assert data is not None
    assert len(data.at_s) <= 4
    assert data.low_s == at_s[-2]


def test_zeros_that_began_with_a_fall_are_held_however_long(conn: Conn) -> None:
    n = 60 * 96
    at_s = T0 + 900.0 * np.arange(n)
    raw = np.where(np.arange(n) < 100, 400.0 + np.arange(n), 0.0)
    insert(conn, at_s[:-1], raw[:-1])
    stored = Stored()
    update(conn, FIFTEEN, at_s[0], at_s[-2], stored)
    insert(conn, at_s[-1:], raw[-1:])
    update(conn, FIFTEEN, at_s[-1], at_s[-1], stored)
    assert max(stored) == at_s[98]  # 99 quarter-hours up to the last true reading
    insert(conn, at_s[-1:] + 900, np.array([600.0]))
    update(conn, FIFTEEN, at_s[-1] + 900, at_s[-1] + 900, stored)
    assert sum(v for _, v, _ in stored.values()) == pytest.approx(200.0)  # 400 -> 600
    assert len(stored) == n


def test_a_correction_counts(conn: Conn) -> None:
    at_s = T0 + 900.0 * np.arange(40)
    insert(conn, at_s, np.arange(40.0))
    with conn.transaction():
        us = round(at_s[20] * 1e6)
        store_batch(conn, [(1, us, 20.5, us, True)], [])
    data = channel_readings(conn, 1, at(at_s[20]), at(at_s[20]), FIFTEEN)
    assert data is not None
    assert data.values[data.at_s.index(at_s[20])] == 20.5


def test_a_gauge_takes_its_neighbours_only(conn: Conn) -> None:
    at_s = T0 + 900.0 * np.arange(40)
    insert(conn, at_s, np.arange(40.0))
    data = channel_readings(conn, 1, at(at_s[20]), at(at_s[20]))
    assert data is not None
    assert len(data.at_s) <= 6
    assert channel_readings(conn, 2, at(T0), at(T0) + timedelta(days=1)) is None
