"""Retrofit projects, night flow and flows of a small park through the whole chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from models.park import parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.feed import feed
from tests.integration.green_site import JAN1, calculate, document

DAYS = 150
END = JAN1 + timedelta(days=DAYS)
DONE = date(2026, 4, 11)  # day 100


def site(conn: Conn, **project: Any) -> None:
    made = document()
    day = {"kind": "interval", "period_s": 86_400}
    made["enterprises"][1]["meters"][0]["channels"] = {
        "grid_kwh": day | {"quantity": "active_energy", "unit": "kWh", "role": "grid_import"},
        "out": day | {"quantity": "mass", "unit": "t", "role": "production"},
        "water": {
            "kind": "interval",
            "period_s": 3600,
            "quantity": "water_volume",
            "unit": "m3",
            "role": "water_intake",
        },
    }
    made["enterprises"][1]["water"] = {"night_use_m3_per_h": 1.0}
    made["retrofits"] = [
        {
            "key": "presses",
            "enterprise": "mill",
            "name": {"zh": "压机", "en": "Presses"},
            "channels": ["mill-m/grid_kwh"],
            "drivers": {"product_t": ["mill-m/out"]},
            "baseline_start": "2026-01-01",
            "baseline_stop": "2026-04-08",
            "commissioned": DONE.isoformat(),
            "target_amount": 100_000,
        }
        | project
    ]
    with conn.transaction():
        apply_park(conn, parse_park(made, "test"), JAN1)


def meter(
    dsn: str, *, saves: float = 0.1, leak_m3_per_h: float = 0.0, factor: float = 1.0
) -> float:
    """Daily use 2,000 + 50 kWh/t +- 2 %; returns what is really saved from day 100 on."""
    rng = np.random.default_rng(5)
    product = 100 + 20 * rng.uniform(-1, 1, DAYS)
    use = (2000 + 50 * product) * (1 + 0.02 * rng.normal(size=DAYS))
    after = np.arange(DAYS) >= 100
    saved = float((use * saves)[after].sum())
    use = np.where(after, use * (1 - saves) * factor, use)
    topic = "park/greenpark/mill/mill-m"
    feed(
        dsn,
        topic,
        [
            {
                "ts": (JAN1 + timedelta(days=n)).isoformat(),
                "values": {"grid_kwh": float(use[n]), "out": float(product[n])},
            }
            for n in range(DAYS)
        ],
    )
    feed(
        dsn,
        topic,
        [
            {
                "ts": (JAN1 + timedelta(hours=n)).isoformat(),
                "values": {
                    "water": 3.0 + 0.1 * (n % 5) + (leak_m3_per_h if n >= 24 * 120 else 0.0)
                },
            }
            for n in range(24 * DAYS)
        ],
    )
    return saved


def results(run: Callable[..., str]) -> list[dict[str, Any]]:
    return json.loads(run("savings", "list", "--format", "json"))  # type: ignore[no-any-return]


def test_a_saving_is_verified_with_its_uncertainty(
    run: Callable[..., str], dsn: str, conn: Conn
) -> None:
    site(conn)
    saved = meter(dsn)
    calculate(conn, END)
    (row,) = results(run)
    assert row["is_accepted"], row["refusals"]
    assert row["saved_low"] <= saved <= row["saved_high"]
    assert row["saved_amount"] == pytest.approx(saved, rel=0.1)
    got = conn.execute(
        "SELECT indicator, value FROM indicator_value WHERE enterprise_id IS NOT NULL"
        " AND indicator IN ('saving_verified', 'saving_progress') ORDER BY 1"
    ).fetchall()
    assert got == [
        ("saving_progress", pytest.approx(row["saved_amount"] / 100_000)),
        ("saving_verified", pytest.approx(row["saved_amount"])),
    ]
    seen = conn.execute("SELECT progress_ratio, is_accepted FROM dash.saving").fetchall()
    assert seen == [(pytest.approx(row["saved_amount"] / 100_000), True)]


def test_a_silent_meter_change_is_refused(run: Callable[..., str], dsn: str, conn: Conn) -> None:
    site(conn)
    meter(dsn, factor=0.5)
    calculate(conn, END)
    (row,) = results(run)
    assert (row["is_accepted"], row["saved_amount"]) == (False, None)
    assert any("meter." in reason for reason in row["refusals"])
    note = conn.execute(
        "SELECT value, note FROM indicator_value WHERE indicator = 'saving_verified'"
        " AND enterprise_id IS NOT NULL"
    ).fetchone()
    assert note is not None
    assert note[0] is None
    assert "presses refused: " in note[1]


def test_an_adjustment_needs_a_reason_and_moves_the_saving(
    run: Callable[..., str], dsn: str, conn: Conn
) -> None:
    adjusted = {"amount": -5000, "reason": "new hall from May", "by": "Li Na", "year": 2026}
    site(conn, adjustments=[adjusted])
    saved = meter(dsn)
    calculate(conn, END)
    (row,) = results(run)
    assert row["saved_amount"] == pytest.approx(saved - 5000, rel=0.12)


def test_night_flow_and_a_leak(run: Callable[..., str], dsn: str, conn: Conn) -> None:
    site(conn)
    meter(dsn, leak_m3_per_h=6.0)
    calculate(conn, END)
    rows = conn.execute(
        "SELECT period_start, value FROM indicator_value WHERE indicator = 'mnf_leak'"
        " ORDER BY period_start"
    ).fetchall()
    by_night = dict(rows)
    # least hour of 02:00 to 04:00 is 3.0 to 3.3 m3/h, less 1 m3/h of night use
    assert 24 * 2.0 <= by_night[date(2026, 4, 20)] <= 24 * 2.4
    assert 24 * 8.0 <= by_night[date(2026, 5, 25)] <= 24 * 8.4
    assert by_night[date(2026, 1, 3)] is None  # seven nights are needed
    found = json.loads(run("findings", "--format", "json"))
    (leak,) = [f for f in found if f["code"] == "water.leak"]
    assert leak["evidence"]["onset"] in ("2026-05-01", "2026-05-02")  # the eve had no leak
    assert leak["evidence"]["size_m3_per_h"] == pytest.approx(6.0, abs=0.5)
    assert leak["evidence"]["found_on"] <= "2026-05-08"


def test_flows_of_a_month(run: Callable[..., str], dsn: str, conn: Conn) -> None:
    site(conn)
    meter(dsn)
    calculate(conn, END)
    told = json.loads(run("flows", "--month", "2026-03", "--format", "json"))
    (link,) = [x for x in told["links"] if x["target"] == "mill"]
    (used,) = conn.execute(
        "SELECT sum(consumption_kwh) FROM balance_day WHERE day >= '2026-03-01'"
        " AND day < '2026-04-01'"
    ).fetchone() or (0,)
    assert link["source"] == "@grid"
    assert link["amount"] == pytest.approx(used)
    water = json.loads(run("flows", "--month", "2026-03", "--medium", "water", "--format", "json"))
    assert [x["source"] for x in water["links"]] == ["@intake"]
