"""Energy and water per tonne through the whole pipeline, by hand, with a gap in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.jobs.balances import compute_balances
from app.jobs.evaluate import evaluate_rules
from app.jobs.indicators import compute_indicators
from app.jobs.intervals import compute_intervals
from models.park import Park
from storage.db import Conn
from tests.integration.feed import feed, ramp

Q, H = timedelta(minutes=15), timedelta(hours=1)
JAN1 = datetime(2025, 12, 31, 16, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
ALPHA = "park/testpark/alpha"


def nine_days(dsn: str, *, water_days: int = 9) -> None:
    """Per day: 96 x (100 + 50) kWh = 14,400 kWh, 24 t, 48 m3; 600 kWh/t and 2 m3/t."""
    feed(dsn, f"{ALPHA}/a-grid", ramp("import_kwh", JAN1, Q, (1.0 * n for n in range(865))))
    feed(dsn, f"{ALPHA}/a-pv", ramp("gen_kwh", JAN1, Q, (50.0 * n for n in range(865))))
    feed(dsn, f"{ALPHA}/a-prod", ramp("out_t", JAN1, H, (1.0 * n for n in range(217))))
    hours = 24 * water_days + 1
    feed(dsn, f"{ALPHA}/a-water", ramp("intake_m3", JAN1, H, (2.0 * n for n in range(hours))))


def calculate(conn: Conn, now: datetime) -> None:
    compute_intervals(conn, now)
    compute_balances(conn, now)
    compute_indicators(conn, now)


def values(conn: Conn, indicator: str, kind: str) -> dict[date, tuple[Any, ...]]:
    rows = conn.execute(
        "SELECT period_stop, period_start, value, unit, completeness_ratio FROM indicator_value"
        " WHERE indicator = %s AND period_kind = %s ORDER BY 1",
        (indicator, kind),
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def test_values_by_hand(dsn: str, conn: Conn, applied: Park) -> None:
    nine_days(dsn)
    calculate(conn, JAN1 + timedelta(days=9))
    week = values(conn, "energy_intensity", "rolling_7d")
    assert list(week) == [date(2026, 1, 8), date(2026, 1, 9), date(2026, 1, 10)]
    assert week[date(2026, 1, 10)] == (date(2026, 1, 3), pytest.approx(600), "kWh/t", 1.0)
    water = values(conn, "water_intensity", "rolling_7d")
    assert water[date(2026, 1, 8)] == (date(2026, 1, 1), pytest.approx(2), "m3/t", 1.0)
    assert len(values(conn, "energy_intensity", "day")) == 9


def test_the_present_day_is_not_counted_before_it_is_over(
    dsn: str, conn: Conn, applied: Park
) -> None:
    nine_days(dsn)
    calculate(conn, JAN1 + timedelta(days=9) - Q)
    assert max(values(conn, "energy_intensity", "day")) == date(2026, 1, 9)


def test_rules_judge_the_week(dsn: str, conn: Conn, applied: Park) -> None:
    nine_days(dsn)  # target 500 kWh/t: 20 % above; target 2 m3/t: kept
    now = JAN1 + timedelta(days=9)
    calculate(conn, now)
    evaluate_rules(conn, now)
    alerts = conn.execute(
        "SELECT rule, severity, (evidence->>'value')::float8, evidence->>'period_stop' FROM alert"
        " WHERE rule IN ('energy_saving', 'water_saving')"
    ).fetchall()
    assert alerts == [("energy_saving", "critical", pytest.approx(600), "2026-01-10")]


def test_a_missing_day_of_water_gives_no_water_value(dsn: str, conn: Conn, applied: Park) -> None:
    nine_days(dsn, water_days=4)
    later = [
        {"ts": (JAN1 + timedelta(days=5, hours=n)).isoformat(), "values": {"intake_m3": 5.0 + n}}
        for n in range(97)
    ]  # a new count from day 6 on: the register fell, nothing is known of day 5
    feed(dsn, f"{ALPHA}/a-water", later)
    now = JAN1 + timedelta(days=9)
    calculate(conn, now)
    water = values(conn, "water_intensity", "rolling_7d")
    assert {v[1] for v in water.values()} == {None}
    assert {v[3] for v in water.values()} == {6 / 7}
    energy = values(conn, "energy_intensity", "rolling_7d")
    assert {v[3] for v in energy.values()} == {1.0}
    evaluate_rules(conn, now)
    assert conn.execute("SELECT count(*) FROM alert WHERE rule = 'water_saving'").fetchone() == (0,)
