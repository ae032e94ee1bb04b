"""The sum check stays quiet where the register is not one row, and sees what was altered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import yaml

from app.jobs.validation import compute_validation
from models.park import parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE
from tests.integration.feed import feed
from tests.integration.test_validation import DAY, GRID, JAN5, Q, run, standing

Readings = dict[int, float]
"""Quarter-hour since 5 January -> register, 10 kWh before the multiplier each."""


def steady(quarters: int, start: float = 1000.0) -> Readings:
    return {n: start + 10 * n for n in range(quarters + 1)}


def rollover() -> Readings:
    return {n: v % 1_000_000 for n, v in steady(4 * 96, 998_000).items()}


def rollover_at_midnight() -> Readings:
    return {n: v % 1_000_000 for n, v in steady(4 * 96, 1_000_000 - 960).items()}


def replaced(at: int) -> Readings:
    return {n: v if n < at else 10.0 * (n - at) for n, v in steady(4 * 96).items()}


def exchanged() -> Readings:
    return replaced(150)


def exchanged_at_midnight() -> Readings:
    return replaced(192)


def glitch(value: float, *quarters: int) -> Readings:
    return steady(4 * 96) | dict.fromkeys(quarters, value)


def zero_at_midnight() -> Readings:
    return glitch(0.0, 192)


def zeros_over_midnight() -> Readings:
    return glitch(0.0, 190, 191, 192, 193)


def high_at_midnight() -> Readings:
    return glitch(900_000.0, 192)


def reset() -> Readings:
    return replaced(192) | {192: 5.0}


def frozen(first: int, stop: int) -> Readings:
    made = steady(4 * 96)
    return made | dict.fromkeys(range(first, stop), made[first])


def catch_up_over_midnight() -> Readings:
    return frozen(184, 200)


def catch_up_from_midnight_on() -> Readings:
    return frozen(192, 210)


def catch_up_until_midnight() -> Readings:
    return frozen(176, 192)


def silent_over_midnight() -> Readings:
    return {n: v for n, v in steady(4 * 96).items() if not 180 < n < 205}


def park(conn: Conn, *records: dict[str, Any], **channel: object) -> None:
    """The test park with dated records of meter a-grid."""
    document = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    meter = document["enterprises"][0]["meters"][0]
    meter["channels"]["import_kwh"] |= channel
    meter["installations"] = list(records)
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), JAN5)


def record(quarter: int, **facts: object) -> dict[str, Any]:
    at = (JAN5 + quarter * Q).isoformat()
    return {"at": at, "reason": "test", "channels": {"import_kwh": facts}}


def items(register: Readings, step: timedelta = Q, late: timedelta = timedelta()) -> list[Any]:
    return [
        {"ts": (JAN5 + n * step + late).isoformat(), "values": {"import_kwh": v}}
        for n, v in sorted(register.items())
    ]


def sums(conn: Conn) -> list[int]:
    """Days with a finding of the sum check."""
    return [n // 96 for code, _, n, _ in standing(conn) if code == "validation.sum"]


def told(conn: Conn) -> set[str]:
    rows = conn.execute("SELECT DISTINCT code FROM finding WHERE withdrawn_at IS NULL").fetchall()
    return {row[0] for row in rows}


def tampered(conn: Conn) -> list[int]:
    """Days on which 50 steps more in one quarter-hour are seen."""
    conn.execute(
        "UPDATE interval SET value = value + 5000 WHERE channel_id = 1"
        " AND extract(epoch FROM bucket_start - %s)::int %% 86400 = 36000",
        (JAN5,),
    )
    conn.execute(
        "INSERT INTO stale_check SELECT channel_id, day FROM channel_day ON CONFLICT DO NOTHING"
    )
    compute_validation(conn, JAN5 + 5 * DAY)
    return sums(conn)


OLD = record(150, final_reading=2500, start_reading=0) | {"serial": "2"}
OLD_AT_MIDNIGHT = record(192, final_reading=2920, start_reading=0) | {"serial": "2"}


@pytest.mark.parametrize(
    ("made", "records", "code", "seen"),
    [
        (rollover, [], "register.rollover", [0, 1, 3]),
        (rollover_at_midnight, [], "register.rollover", [2, 3]),
        (exchanged, [OLD], "register.replacement", [0, 2, 3]),
        (exchanged_at_midnight, [OLD_AT_MIDNIGHT], "register.replacement", [0, 3]),
        (zero_at_midnight, [], "register.glitch", [0, 3]),
        (zeros_over_midnight, [], "register.glitch", [0, 3]),
        (high_at_midnight, [], "register.glitch", [0, 3]),
        (reset, [], "register.reset", [0, 3]),
        (catch_up_over_midnight, [], "register.catch_up", [0, 3]),
        (catch_up_from_midnight_on, [], "register.catch_up", [0, 1, 2, 3]),
        (catch_up_until_midnight, [], "register.catch_up", [0, 1, 2, 3]),
        (silent_over_midnight, [], "interval.gap", [0, 3]),
    ],
    ids=lambda p: getattr(p, "__name__", None),
)
def test_sums_are_quiet_where_the_register_breaks_and_judge_the_other_days(
    dsn: str,
    conn: Conn,
    made: Callable[[], Readings],
    records: list[dict[str, Any]],
    code: str,
    seen: list[int],
) -> None:
    park(conn, *records)
    feed(dsn, GRID, items(made()))
    run(conn, JAN5 + 4 * DAY + timedelta(hours=3))
    assert code in told(conn)
    assert sums(conn) == []
    assert tampered(conn) == seen


@pytest.mark.parametrize(("quarter", "seen"), [(150, [0, 2, 3]), (192, [0, 3])])
def test_sums_over_another_multiplier(dsn: str, conn: Conn, quarter: int, seen: list[int]) -> None:
    park(conn, record(quarter, multiplier=200))
    feed(dsn, GRID, items(steady(4 * 96)))
    run(conn, JAN5 + 4 * DAY + timedelta(hours=3))
    day = conn.execute("SELECT value FROM channel_day WHERE day = '2026-01-08'").fetchone()
    assert day == (pytest.approx(192_000),)
    assert sums(conn) == []
    assert tampered(conn) == seen


@pytest.mark.parametrize("late", [0, 37, 437])
def test_sums_of_registers_off_the_quarter_hour(dsn: str, conn: Conn, late: int) -> None:
    park(conn)
    register = {n - 1: round(v + 3 * np.sin(n), 1) for n, v in steady(4 * 96 + 2).items()}
    feed(dsn, GRID, items(register, late=timedelta(seconds=late)))
    run(conn, JAN5 + 4 * DAY + timedelta(hours=3))
    assert sums(conn) == []
    assert tampered(conn) == [0, 1, 2, 3]


@pytest.mark.parametrize("late", [0, 7 * 3600])
def test_sums_of_a_register_that_is_read_once_a_day(dsn: str, conn: Conn, late: int) -> None:
    park(conn, period_s=86_400)
    register = {n: 1000.0 + 960 * n + 50 * (n % 2) for n in range(-1, 6)}
    feed(dsn, GRID, items(register, step=DAY, late=timedelta(seconds=late)))
    run(conn, JAN5 + 9 * DAY)
    assert sums(conn) == []
    assert 1 in tampered(conn)
