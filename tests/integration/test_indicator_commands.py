"""What people ask of the indicators on the command line: list, thresholds, scorecard, templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from analytics.indicators.catalogue import DEFINITIONS
from models.activity import Reported
from models.errors import ConfigError
from models.park import parse_park
from storage.activity import ActivityFile, import_activity
from storage.db import Conn
from storage.parks import apply_park, enterprise_ids
from tests.integration.green_site import JAN1, calculate, document, send

Run = Callable[..., str]
NOW = JAN1 + timedelta(days=31)
SEEN = ("--now", "2026-02-01T08:00:00+08:00", "--format", "json")


def january(dsn: str, conn: Conn) -> None:
    """`mill` with 31 days of grid energy, waste and a threshold of its own."""
    made = document() | {
        "thresholds": [{"indicator": "co2_total_loc", "limit": 100, "source": "district budget"}]
    }
    with conn.transaction():
        apply_park(conn, parse_park(made, "test"), JAN1)
    send(dsn, "mill", grid=[100.0] * (96 * 31))
    file = ActivityFile("waste.csv", b"", "tester", "January")
    rows = [
        Reported(2, "mill", key, date(2026, 1, 1), "", value)
        for key, value in (("waste_generated_t", 100.0), ("waste_used_t", 85.0))
    ]
    with conn.transaction():
        import_activity(conn, 1, enterprise_ids(conn, 1), rows, file, NOW)
    calculate(conn, NOW)


def test_list_names_every_indicator(run: Run) -> None:
    rows = json.loads(run("indicators", "--list", "--format", "json"))
    assert {r["indicator"] for r in rows} == set(DEFINITIONS)
    known = {r["indicator"]: r for r in rows}
    assert known["water_unit_intake"]["threshold"] == "not set"
    assert known["solid_waste_use"]["threshold"].startswith(">= 0.9 (")
    assert "level 2 13350" in known["al_comp_ac_kwh_t"]["threshold"]


def test_values_stand_beside_their_thresholds(run: Run, dsn: str, conn: Conn) -> None:
    january(dsn, conn)
    rows = json.loads(run("indicators", *SEEN))
    got = {
        (r["indicator"], r["subject"]): (r["threshold"], r["met"])
        for r in rows
        if r["period_kind"] == "month"
    }
    assert got["solid_waste_use", "mill"] == (">= 0.9", "no")  # 0.85
    assert got["co2_total_loc", "mill"] == ("<= 100", "no")  # 193 t
    assert got["energy_total", "mill"] == ("not set", "")
    assert got["completeness", "mill"] == (">= 0.9", "yes")
    seen = conn.execute(
        "SELECT is_met, limit_source FROM dash.indicator_judged WHERE indicator = 'co2_total_loc'"
        " AND enterprise_key = 'mill' AND period_kind = 'month'"
    ).fetchall()
    assert seen == [(False, "district budget")]


def test_scorecard(run: Run, dsn: str, conn: Conn) -> None:
    january(dsn, conn)
    rows = {r["indicator"]: r for r in json.loads(run("indicators", "scorecard", *SEEN))}
    assert len(rows) == 6
    assert rows["solid_waste_use"]["met"] == "yes"  # 910号 asks for 0.80
    assert rows["co2_per_tce_loc"]["threshold"] == "not set"  # below 0.2 Mtce a year
    assert rows["waste_heat_use"]["met"] == "cannot tell"


def test_template_command(run: Run, dsn: str, conn: Conn, tmp_path: Path) -> None:
    january(dsn, conn)
    path = tmp_path / "waste.xlsx"
    said = run("template", str(path), "--month", "2026-02")
    assert "15 rows prefilled" in said.replace("\n", " ")  # 3 enterprises x 5 items
    assert path.read_bytes()[:2] == b"PK"
    with pytest.raises(ConfigError, match="is there already"):
        run("template", str(path))
    with pytest.raises(ConfigError, match="expected one of production"):
        run("template", str(tmp_path / "steel.xlsx"))
    listed = json.loads(run("template", "--list", "--format", "json"))
    assert {"diesel_t", "contract_demand_kw"} <= {r["item"] for r in listed}


def test_a_new_threshold_or_factor_takes_effect(run: Run, dsn: str, conn: Conn) -> None:
    january(dsn, conn)
    query = (
        "SELECT value, limit_value FROM dash.indicator_judged WHERE indicator = %s"
        " AND period_kind = 'month' AND enterprise_key = 'mill'"
    )
    (told,) = conn.execute(query, ("energy_total_equal",)).fetchall()
    assert told == (None, None)
    made = document() | {
        "thresholds": [{"indicator": "energy_total_equal", "limit": 5, "source": "plan"}],
        "energy": {"equal_value": [{"year": 2026, "value": 0.2856, "source": "one source"}]},
    }
    with conn.transaction():
        apply_park(conn, parse_park(made, "test"), NOW)
    calculate(conn, NOW)
    (told,) = conn.execute(query, ("energy_total_equal",)).fetchall()
    assert told == (pytest.approx(100 * 96 * 31 * 0.2856 / 1000), 5.0)
    assert conn.execute(query, ("co2_total_loc",)).fetchone()[1] is None  # type: ignore[index]
