"""Forecasts of the year end through the chain: stored each morning, asked for, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from models.errors import ConfigError
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.green_site import JAN1, calculate, send, site

Run = Callable[..., str]
DAY = 96
MARCH1 = JAN1 + timedelta(days=59)


@pytest.fixture
def mill(conn: Conn, dsn: str) -> Conn:
    """Sixty days less one of the mill: 100 kWh each quarter-hour from the grid."""
    with conn.transaction():
        apply_park(conn, site(), MARCH1)
    send(dsn, "mill", grid=[100.0] * (59 * DAY))
    return conn


def stored(conn: Conn) -> list[tuple[str, date, float, float]]:
    return conn.execute(
        "SELECT enterprise_key, made_for, s3_p50_ratio, consumption_p50_kwh"
        " FROM dash.green_forecast ORDER BY made_for, enterprise_key"
    ).fetchall()


def test_a_forecast_is_kept_for_each_morning(mill: Conn, dsn: str) -> None:
    calculate(mill, MARCH1)
    year_kwh = pytest.approx(365 * 9600, rel=0.01)
    assert stored(mill) == [
        ("mill", date(2026, 3, 1), 0.0, year_kwh),
        ("park", date(2026, 3, 1), 0.0, year_kwh),
    ]
    send(dsn, "mill", MARCH1, grid=[200.0] * DAY)
    calculate(mill, MARCH1 + timedelta(hours=23))  # the day is not over: nothing new
    assert stored(mill)[0][3] == year_kwh
    send(dsn, "mill", MARCH1 + timedelta(days=1), grid=[200.0])  # the first of the next morning
    calculate(mill, MARCH1 + timedelta(days=1, hours=1))
    mornings = [row[1] for row in stored(mill)]
    assert mornings == [date(2026, 3, d) for d in (1, 1, 2, 2)]


def test_what_is_stored_is_what_the_command_says(mill: Conn, run: Run) -> None:
    calculate(mill, MARCH1)
    words = ("green", "forecast", "--now", MARCH1.isoformat(), "--format", "json")
    (told,) = json.loads(run(*words, "--enterprise", "mill"))
    row = mill.execute(
        "SELECT required_ratio, certificates_p50_mwh, certificates_p10_mwh,"
        " certificates_room_mwh, known_ratio, notes FROM dash.green_forecast WHERE NOT is_park"
    ).fetchone()
    assert row == (
        told["required_ratio"],
        told["certificates_p50_mwh"],
        told["certificates_p10_mwh"],
        told["certificates_room_mwh"],
        told["known_ratio"],
        told["notes"],
    )
    assert told["known_ratio"] == pytest.approx(59 / 365)
    # half of 3,504 MWh are missing, and there is room for all of it
    assert told["certificates_p50_mwh"] == pytest.approx(1752, rel=0.02)
    assert told["required_ratio"] == pytest.approx(0.5 * 365 / 306, rel=0.01)
    assert "synthetic" in told["notes"]
    (more,) = json.loads(run(*words, "--target", "0.25"))
    assert more["certificates_p50_mwh"] == pytest.approx(876, rel=0.02)
    assert "certificates_p10_mwh" in run(*words[:-2], "--enterprise", "mill")


def test_too_little_is_said(mill: Conn, run: Run) -> None:
    calculate(mill, MARCH1)
    with pytest.raises(ConfigError, match="at most 20 known days of 2026"):
        run("green", "forecast", "--now", (JAN1 + timedelta(days=20)).isoformat())
