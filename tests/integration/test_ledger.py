"""The ledger on the real database: append-only, chained, all or nothing, several writers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.claims import CertificateRow
from models.errors import ConfigError
from models.ledger import LedgerRefusal
from models.park import Park
from storage.claims import contracted_months, newest_cancelled, park_claims, trade_curves
from storage.db import Conn
from storage.ledger import import_certificates
from storage.parks import apply_park, enterprise_ids
from tests.integration.green_site import JAN1, NOW, calculate, send, site

Run = Callable[..., str]
JAN, FEB, MAR = (date(2026, m, 1) for m in (1, 2, 3))
EVENTS = "event,enterprise,series,serial_first,serial_last,month,on"


@pytest.fixture
def park(conn: Conn) -> Park:
    wanted = site()
    with conn.transaction():
        apply_park(conn, wanted, NOW)
    return wanted


def put(folder: Path, name: str, *lines: str) -> str:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def claims(conn: Conn, enterprise: str = "works", until: date = date(2027, 12, 31)) -> Any:
    return park_claims(conn, 1, until).get(enterprise_ids(conn, 1)[enterprise], {})


def listed(run: Run, *words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run("ledger", "list", "--format", "json", *words))
    return rows


def test_a_life_of_certificates(conn: Conn, park: Park, run: Run, tmp_path: Path) -> None:
    file = put(
        tmp_path,
        "events.csv",
        f"{EVENTS},to,basis",
        "issued,works,G,1,100,2026-01,2026-02-10,,",
        "transferred,works,G,51,100,2026-01,2026-02-11,mill,",
        "reserved,works,G,1,20,2026-01,2026-02-12,,",
        "cancelled,works,G,1,30,2026-01,2026-02-13,,",
        "cancelled,mill,G,91,100,2026-01,2026-02-13,,",
        "withdrawn,works,G,1,5,2026-01,2026-03-01,,",
        "issued,works,P,1,9,2026-01,2026-02-10,,self_use",
        "cancelled,works,P,1,9,2026-01,2026-02-13,,",
    )
    assert "8 rows: 8 new" in run("ledger", "import", file)
    assert "0 new, 0 changed, 8 known already" in run("ledger", "import", file)
    assert claims(conn) == {"green": {}, "nuclear": {}, "certificate": {JAN: 25_000.0}}
    assert claims(conn, until=date(2026, 2, 20))["certificate"] == {JAN: 30_000.0}
    assert claims(conn, "mill")["certificate"] == {JAN: 10_000.0}
    states = {
        (r["enterprise"], r["serial_first"], r["serial_last"]): r["state"]
        for r in listed(run)
        if r["series"] == "G"
    }
    assert states == {
        ("works", 1, 5): "withdrawn",
        ("works", 6, 20): "cancelled",
        ("works", 21, 30): "cancelled",
        ("works", 31, 50): "held",
        ("mill", 51, 90): "held",
        ("mill", 91, 100): "cancelled",
    }
    view = conn.execute(
        "SELECT enterprise_key, held_mwh, cancelled_mwh, withdrawn_mwh"
        " FROM dash.ledger_certificate WHERE basis = 'standalone' ORDER BY 1"
    ).fetchall()
    assert view == [("mill", 40, 10, None), ("works", 20, 25, 5)]
    assert "sound" in run("ledger", "verify")


def test_a_violation_stores_nothing_but_a_finding(
    conn: Conn, park: Park, run: Run, tmp_path: Path
) -> None:
    run(
        "ledger",
        "import",
        put(tmp_path, "a.csv", EVENTS, "cancelled,works,G,1,9,2026-01,2026-02-10"),
    )
    file = put(
        tmp_path,
        "b.csv",
        EVENTS,
        "cancelled,mill,G,100,109,2026-01,2026-02-10",
        "cancelled,mill,G,5,12,2026-01,2026-02-10",
        "released,mill,H,1,2,2026-01,2026-02-10",
    )
    for words in (("--dry-run",), ()):
        with pytest.raises(LedgerRefusal, match="line 3: serials G 5-9 of mill overlap 1-9"):
            run("ledger", "import", file, *words)
        found = json.loads(run("findings", "--code", "ledger", "--format", "json"))
        assert len(found) == (0 if words else 2)
    assert claims(conn, "mill") == {}
    twice = next(f for f in found if f["code"] == "ledger.double_count")
    assert (twice["severity"], twice["enterprise"]) == ("critical", "mill")
    assert twice["evidence"]["violations"][0]["serials"] == "5-9"
    assert twice["evidence"]["file"] == "b.csv"


def test_cancel_and_its_dry_run(conn: Conn, park: Park, run: Run, tmp_path: Path) -> None:
    run(
        "ledger",
        "import",
        put(tmp_path, "a.csv", EVENTS, "received,works,G,1,9,2026-01,2026-02-10"),
    )
    words = (
        *("ledger", "cancel", "--enterprise", "works", "--series", "G", "--first", "2"),
        *("--last", "3", "--month", "2026-01"),
    )
    assert "2 MWh would be cancelled" in run(*words, "--on", "2026-02-20", "--dry-run")
    assert claims(conn) == {}
    assert "2 MWh cancelled" in run(*words, "--on", "2026-02-20")
    assert claims(conn)["certificate"] == {JAN: 2000.0}
    assert "known already" in run(*words, "--on", "2026-02-20")
    with pytest.raises(LedgerRefusal, match="only the holder"):
        run(*words, "--enterprise", "mill", "--first", "7", "--last", "7")


def test_the_switch_of_the_same_year(conn: Conn, run: Run, tmp_path: Path) -> None:
    december = put(tmp_path, "d.csv", EVENTS, "cancelled,works,G,1,9,2025-12,2026-01-20")
    strict = Park.model_validate(site().model_dump() | {"ledger": {"strict_same_year": True}})
    with conn.transaction():
        apply_park(conn, strict, NOW)
    with pytest.raises(LedgerRefusal, match="strict_same_year"):
        run("ledger", "import", december)
    plain = put(
        tmp_path,
        "p.csv",
        "enterprise,series,serial_first,serial_last,month,cancelled_on",
        "works,G,1,9,2025-12,2026-01-20",
    )
    for words in (("ledger", "import"), ("import", "certificates")):  # every way into the ledger
        with pytest.raises(LedgerRefusal, match="strict_same_year"):
            run(*words, plain)
    with conn.transaction():
        apply_park(conn, site(), NOW)
    run("ledger", "import", december)
    assert claims(conn)["certificate"] == {date(2025, 12, 1): 9000.0}


def test_three_way_minimum_and_its_corrections(
    conn: Conn, park: Park, run: Run, tmp_path: Path
) -> None:
    header = "enterprise,contract,month,kind,settled_kwh,contracted_kwh,generated_kwh,used_kwh"
    first = put(
        tmp_path,
        "t.csv",
        header,
        "works,K,2026-01,green,,2000,1400.5,9000",
        "works,K,2026-02,green,,2000,1600,9000",
        "works,K,2026-03,green,,2000,,",
        "works,L,2026-01,nuclear,750.125,,,",
    )
    assert "4 new" in run("ledger", "import", first)
    # 1400.5 -> 1 MWh; 3000.5 -> 3 MWh so far, 2 for February
    assert claims(conn)["green"] == {JAN: 1000.0, FEB: 2000.0}
    assert claims(conn)["nuclear"] == {JAN: 750.125}
    assert contracted_months(conn, 1) == {enterprise_ids(conn, 1)["works"]: {MAR: 2000.0}}
    better = put(tmp_path, "u.csv", header, "works,K,2026-01,green,,2000,1400.5,1399")
    assert "2 changed" in run("ledger", "import", better)  # February moves along
    assert claims(conn)["green"] == {JAN: 1000.0, FEB: 1000.0}
    assert "1 known already" in run("ledger", "import", better)
    trades = {(t["contract"], t["month"]): t["settled_kwh"] for t in listed(run, "--trades")}
    assert trades["K", "2026-03"] is None
    told = put(tmp_path, "v.csv", header, "works,K,2026-02,green,1234,2000,,")
    run("ledger", "import", told)
    assert claims(conn)["green"] == {JAN: 1000.0, FEB: 1234.0}  # what the exchange says counts
    assert "sound" in run("ledger", "verify")
    view = conn.execute("SELECT sum(settled_kwh) FROM dash.ledger_trade").fetchone()
    assert view == (pytest.approx(1000 + 1234 + 750.125),)


def test_a_curve_gives_hours_and_never_more_than_was_settled(
    conn: Conn, dsn: str, park: Park, run: Run, tmp_path: Path
) -> None:
    send(dsn, "mill", grid=[10.0] * 96)  # 40 kWh each hour of 1 January
    calculate(conn)
    run(
        "ledger",
        "import",
        put(
            tmp_path,
            "t.csv",
            "enterprise,contract,month,kind,settled_kwh",
            "mill,W,2026-01,green,120",
        ),
    )
    lines = [f"mill,W,2026-01-01T{h:02}:00:00+08:00,{60 if h < 4 else 0}" for h in range(24)]
    file = put(tmp_path, "c.csv", "enterprise,contract,hour_start,kwh", *lines)
    assert "24 new" in run("ledger", "import", file)
    assert "24 known already" in run("ledger", "import", file)
    hours = trade_curves(conn, 1, JAN1, JAN1 + timedelta(days=1))
    assert [kwh for _, _, kwh in hours] == [30.0] * 4  # 240 of the curve, 120 settled
    calculate(conn)
    told = json.loads(
        run(
            "indicators",
            "green",
            "--enterprise",
            "mill",
            "--period",
            "2026-01-01",
            "--format",
            "json",
            "--now",
            NOW.isoformat(),
        )
    )
    values = {r["indicator"]: r["value"] for r in told}
    assert values["green_share_hourly"] == pytest.approx(120 / 960)
    assert values["green_share_tracked"] == 0
    # a day of 31: 120 / 31 of the settled month belong to it
    assert values["green_share_claim"] == pytest.approx(120 / 31 / 960)


def test_claims_above_the_draw_name_their_serials(conn: Conn, dsn: str, park: Park) -> None:
    ids = enterprise_ids(conn, 1)
    send(dsn, "mill", grid=[125.0] * 96)  # D = 12 MWh
    rows = [
        CertificateRow(2, "mill", "G", 1, 8, JAN, date(2026, 2, 3)),
        CertificateRow(3, "mill", "G", 11, 18, JAN, date(2026, 2, 9)),
    ]
    import_certificates(conn, ids, rows, "c", b"", NOW)
    calculate(conn)

    def finding() -> Any:
        row = conn.execute(
            "SELECT evidence FROM finding WHERE code = 'green.claims_above_grid_draw'"
            " AND withdrawn_at IS NULL"
        ).fetchone()
        return row and row[0]

    assert finding()["excess_kwh"] == pytest.approx(4000)
    assert finding()["certificates"] == [{"series": "G", "serials": "15-18"}]
    assert newest_cancelled(conn, 1, "mill", 2026, 9_500) == [
        {"series": "G", "serials": "11-18"},
        {"series": "G", "serials": "7-8"},
    ]
    send(dsn, "mill", JAN1 + timedelta(days=1), grid=[125.0] * 96)
    calculate(conn)
    assert finding() is None  # there is room now


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("a,b", "1,2"), "header: got a,b; expected enterprise,contract"),
        ((EVENTS, "bought,works,G,1,2,2026-01,2026-02-02"), "event: got 'bought', expected one of"),
        ((EVENTS, "issued,works,G,1,2,2026-01,2026-01-01"), "on: got 2026-01-01, expected a day"),
        ((EVENTS, "issued,nobody,G,1,2,2026-01,2026-02-02"), "no enterprise 'nobody'"),
        (
            ("enterprise,contract,hour_start,kwh", "works,K,2026-01-01T00:30:00+08:00,1"),
            "expected a full hour",
        ),
        (
            (
                "enterprise,contract,hour_start,kwh",
                "works,K,2026-01-01T00:00:00+08:00,1",
                "works,K,2025-12-31T16:00:00Z,2",
            ),
            "line 3: hour 2025-12-31T16:00:00.00:00 of K was told in line 2",
        ),
        (
            (
                "enterprise,contract,month,kind,contracted_kwh,generated_kwh,used_kwh",
                "works,K,2026-01,green,,1,1",
            ),
            "settled_kwh and contracted_kwh are empty",
        ),
    ],
)
def test_wrong_files_are_told(
    park: Park, run: Run, tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        run("ledger", "import", put(tmp_path, "x.csv", *lines))
