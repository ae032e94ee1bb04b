"""Monthly indicators through the whole chain: meters, reports, claims; by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.activity import Reported
from models.co2_factors import factor_of
from models.park import parse_park
from storage.activity import ActivityFile, import_activity
from storage.db import Conn
from storage.parks import apply_park, enterprise_ids
from tests.integration.feed import feed
from tests.integration.green_site import JAN1, NOW, calculate, document, send

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
FILE = ActivityFile("test.csv", b"x", "tester", "a test")
DAYS = 59  # January and February


def site(conn: Conn, **more: Any) -> int:
    """`mill`: grid and reactive power, gas, product, water; its number."""
    made = document()
    mill = made["enterprises"][1]
    channel = {"unit": "kWh", "kind": "interval", "quantity": "active_energy"}
    day = {"kind": "interval", "period_s": 86_400}
    mill["meters"][0]["channels"] |= {
        "kvarh": channel
        | {"quantity": "reactive_energy", "unit": "kvarh", "role": "reactive_import"},
        "gas": day | {"quantity": "gas_volume", "unit": "m3", "role": "natural_gas"},
        "out": day | {"quantity": "mass", "unit": "t", "role": "production"},
        "water": day | {"quantity": "water_volume", "unit": "m3", "role": "water_intake"},
    }
    mill |= more.pop("mill", {})
    with conn.transaction():
        apply_park(conn, parse_park(made | more, "test"), JAN1)
    return enterprise_ids(conn, 1)["mill"]


def meter(dsn: str, *, product_days: int = DAYS) -> None:
    """Each quarter-hour 100 kWh and 48.4322 kvarh; each day 100 m3 gas, 20 t, 60 m3 water."""
    quarters = [100.0] * (96 * DAYS)
    quarters[96 * 3 + 40] = 150.0  # the demand of January: 600 kW
    send(dsn, "mill", grid=quarters)
    topic = "park/greenpark/mill/mill-m"
    feed(
        dsn,
        topic,
        [
            {"ts": (JAN1 + n * timedelta(minutes=15)).isoformat(), "values": {"kvarh": 48.4322}}
            for n in range(96 * DAYS)
        ],
    )
    feed(
        dsn,
        topic,
        [
            {
                "ts": (JAN1 + timedelta(days=n)).isoformat(),
                "values": {"gas": 100.0, "water": 60.0}
                | ({"out": 20.0} if n < product_days else {}),
            }
            for n in range(DAYS)
        ],
    )


def report(conn: Conn, *rows: tuple[str, date, float], detail: str = "", **more: Any) -> None:
    told = [Reported(n, "mill", item, month, detail, v) for n, (item, month, v) in enumerate(rows)]
    with conn.transaction():
        import_activity(conn, 1, enterprise_ids(conn, 1), told, FILE, NOW, **more)


def values(conn: Conn, who: int | None, kind: str = "month") -> dict[tuple[str, date], Any]:
    rows = conn.execute(
        "SELECT indicator, period_start, value, completeness_ratio, status, note"
        " FROM indicator_value"
        " WHERE enterprise_id IS NOT DISTINCT FROM %s AND period_kind = %s",
        (who, kind),
    ).fetchall()
    return {(row[0], row[1]): row[2:] for row in rows}


def test_a_month_by_hand(dsn: str, conn: Conn) -> None:
    mill = site(conn, mill={"power": {"contract_demand_kw": 500}})
    meter(dsn)
    report(
        conn,
        ("added_value_yuan", JAN, 2_000_000),
        ("water_recycled_m3", JAN, 7_440),
        ("diesel_t", JAN, 10),
        ("diesel_t", FEB, 0),
    )
    calculate(conn)
    got = values(conn, mill)
    kwh = 100 * 96 * 31 + 50
    tce = kwh * 0.1229 / 1000 + 3100 * 1.32836 / 1000 + 10 * 1.4571
    assert got["energy_total", JAN][0] == pytest.approx(tce)
    assert got["energy_per_product", JAN][0] == pytest.approx(tce * 1000 / 620)
    assert got["energy_per_added_value", JAN][0] == pytest.approx(tce / 200)
    co2 = 3100 * 2.1622 / 1000 + 10 * 3.0959 + kwh * 0.6479 / 1000
    factor = factor_of("inner_mongolia", 2026)
    assert factor is not None
    assert factor.kg_per_kwh == 0.6479
    assert got["co2_total_loc", JAN][0] == pytest.approx(co2)
    assert got["co2_per_tce_loc", JAN][0] == pytest.approx(co2 / tce)
    assert got["max_demand", JAN][0] == pytest.approx(600)
    assert got["demand_ratio", JAN][0] == pytest.approx(1.2)
    assert got["power_factor", FEB][0] == 0.90
    assert got["power_factor_adjustment", FEB][0] == 0.0
    assert got["water_reuse", JAN][0] == pytest.approx(7440 / (7440 + 1860))
    assert got["water_unit_intake", JAN][0] == pytest.approx(3.0)
    assert got["completeness", JAN][0] == pytest.approx(1.0)
    assert got["energy_total", JAN][1:3] == (1.0, "final")
    # no equal value is set, no added value is told for February: said so, never a zero
    assert got["energy_total_equal", JAN][0] is None
    assert "not set" in got["energy_total_equal", JAN][3]
    assert got["energy_per_added_value", FEB][0] is None
    assert "not told: added_value_yuan" in got["energy_per_added_value", FEB][3]
    year = values(conn, mill, "year")
    assert year["energy_per_added_value", JAN][0] == pytest.approx(tce / 200)
    assert "1 of 2 months" in year["energy_per_added_value", JAN][3]


def test_a_silent_meter_does_not_lift_a_ratio(dsn: str, conn: Conn) -> None:
    mill = site(conn)
    meter(dsn, product_days=45)  # the last 14 days of February are unknown
    calculate(conn)
    got = values(conn, mill)
    per_t = (9600 * 0.1229 + 100 * 1.32836) / 20
    assert got["energy_per_product", FEB][0] == pytest.approx(per_t)
    assert got["energy_per_product", FEB][1] == pytest.approx(14 / 28)
    assert got["energy_total", FEB][1] == 1.0


def test_a_report_replaces_and_the_old_one_stays_readable(dsn: str, conn: Conn) -> None:
    mill = site(conn)
    meter(dsn)
    report(conn, ("waste_generated_t", JAN, 100), ("waste_used_t", JAN, 95))
    calculate(conn)
    assert values(conn, mill)["solid_waste_use", JAN][0] == pytest.approx(0.95)
    report(conn, ("waste_used_t", JAN, 80))
    calculate(conn)
    assert values(conn, mill)["solid_waste_use", JAN][0] == pytest.approx(0.80)
    report(
        conn,
        ("waste_generated_t", JAN, 50),
        ("waste_used_t", JAN, 30),
        detail="slag",
        period=(JAN, FEB),
    )  # the file tells January: the rows without a stream are withdrawn
    calculate(conn)
    assert values(conn, mill)["solid_waste_use", JAN][0] == pytest.approx(0.60)
    kept = conn.execute("SELECT count(*), count(replaced_at) FROM activity").fetchone()
    assert kept == (5, 3)


def test_the_park_is_the_sum_of_those_that_can_be_told(dsn: str, conn: Conn) -> None:
    site(conn)
    meter(dsn)
    send(dsn, "works", grid=[50.0] * (96 * DAYS))
    report(conn, ("added_value_yuan", JAN, 1_000_000))
    calculate(conn)
    got = values(conn, None)
    mill, works = (100 * 96 * 31 + 50), 0  # works: its other meters are silent, nothing is closed
    assert works == 0
    assert got["co2_total_loc", JAN][0] == pytest.approx(
        3100 * 2.1622 / 1000 + mill * 0.6479 / 1000
    )
    assert got["energy_per_added_value", JAN][0] == pytest.approx(
        (mill * 0.1229 / 1000 + 3.1 * 1.32836) / 100
    )


def test_a_park_without_its_largest_member_is_no_park(dsn: str, conn: Conn) -> None:
    site(conn)
    meter(dsn)
    send(dsn, "smelter", grid=[5000.0] * (96 * DAYS))
    report(conn, ("diesel_t", JAN, 1))
    told = [Reported(2, "smelter", "diesel_t", month, "", 1.0) for month in (JAN, FEB)]
    with conn.transaction():
        import_activity(conn, 1, enterprise_ids(conn, 1), told, FILE, NOW)
    calculate(conn)
    got = values(conn, None)
    assert got["energy_total", JAN][0] is not None
    assert got["energy_total", FEB][0] is None  # the mill does not say whether it burnt diesel
    assert "not told by mill: not told: a fuel or heat" in got["energy_total", FEB][3]


def test_ratios_of_details_are_averaged_and_amounts_added(dsn: str, conn: Conn) -> None:
    mill = site(conn)
    meter(dsn)
    report(conn, ("anode_net_t", JAN, 10), ("anode_ash_ratio", JAN, 0.01), detail="A")
    report(conn, ("anode_net_t", JAN, 10), ("anode_ash_ratio", JAN, 0.03), detail="B")
    report(conn, ("anode_sulphur_ratio", JAN, 0.02))
    calculate(conn)
    got = values(conn, mill)["anode_co2", JAN][0]
    assert got == pytest.approx(20 * (1 - 0.02 - 0.02) * 44 / 12)


def test_a_meter_and_a_report_of_the_same_are_compared(dsn: str, conn: Conn) -> None:
    mill = site(conn)
    meter(dsn)
    report(conn, ("production_t", JAN, 600), ("natural_gas_m3", JAN, 3100))
    calculate(conn)
    gap = values(conn, mill)["daily_monthly_gap", JAN]
    assert gap[0] == pytest.approx(20 / 600)  # 620 t by meter
    assert "production_t 3.33%" in gap[3]
    assert values(conn, mill)["water_unit_intake", JAN][0] == pytest.approx(3.0)  # meter first


def test_a_restated_day_changes_its_month_and_year_only(dsn: str, conn: Conn) -> None:
    mill = site(conn)
    meter(dsn)
    calculate(conn)
    before = values(conn, mill)
    at = (JAN1 + timedelta(days=40)).isoformat()
    feed(
        dsn,
        "park/greenpark/mill/mill-m",
        [{"ts": at, "values": {"grid_kwh": 50.0}, "correction": True}],
    )
    calculate(conn)
    after = values(conn, mill)
    changed = {key for key in before if before[key] != after[key]}
    assert {start for _, start in changed} == {FEB}
    assert ("energy_total", FEB) in changed


def test_import_command_tells_every_faulty_row(run: Any, conn: Conn, tmp_path: Path) -> None:
    site(conn)
    good = tmp_path / "production.csv"
    good.write_text(
        'enterprise,item,month,value\nmill,production_t,2026-01,"1,234.5"\n'
        "mill,production_t,2026-02,\n",
        encoding="gb18030",
    )
    said = run("import", "activity", str(good), "--by", "t", "--reason", "test", "--dry-run")
    assert "1 values, 1 without a value left out: 1 would be new" in said
    assert conn.execute("SELECT count(*) FROM activity").fetchone() == (0,)
    run("import", "activity", str(good), "--by", "t", "--reason", "test")
    listed = run("activity", "--format", "json")
    assert "1234.5" in listed
