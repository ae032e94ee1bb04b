"""Roll-ups do only what is stale and write only what changes; what follows from them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.jobs.balances import compute_balances
from app.jobs.rollups import roll_up
from models.periods import day_period
from storage.db import Conn, named_sql
from storage.migrate import available
from tests.integration.rollup_data import (
    NOW,
    TABLES,
    Q,
    apply,
    everything,
    season,
    stale,
    store,
    table,
)


def places(conn: Conn) -> dict[str, dict[Any, str]]:
    """Physical place and writer of every row."""
    out = {}
    for name, start in TABLES.items():
        owner = "enterprise_id" if name.startswith("enterprise") else "channel_id"
        rows = conn.execute(f"SELECT {owner}, {start}, ctid::text || xmin || xmax FROM {name}")
        out[name] = {row[:2]: row[2] for row in rows.fetchall()}
    return out


def test_a_late_bucket_touches_its_own_rows_only(conn: Conn) -> None:
    zone = ZoneInfo("Europe/Rome")
    ids = apply(conn, "Europe/Rome")
    store(conn, season(ids, date(2026, 3, 20), 14, zone), zone)
    compute_balances(conn, NOW)
    before = places(conn)
    channel = ids["a-grid/import_kwh"]
    at = datetime(2026, 3, 25, 10, 30, tzinfo=UTC)
    store(conn, [(channel, at, 12345.0, "measured", None)], zone)
    compute_balances(conn, NOW)
    after = places(conn)
    changed = {
        name: {key for key in rows if rows[key] != before[name].get(key)}
        for name, rows in after.items()
    }
    alpha = next(key[0] for key in changed["enterprise_day"])
    starts = (at.replace(minute=0), date(2026, 3, 25), date(2026, 3, 1))
    owners = (channel, channel, channel, alpha, alpha, alpha)
    assert changed == {
        name: {(owner, start)}
        for name, owner, start in zip(TABLES, owners, starts * 2, strict=True)
    }
    stale(conn, channel, date(2026, 3, 25))
    compute_balances(conn, NOW)
    assert places(conn) == after  # nothing changed: nothing is written, not even locked


def test_what_vanished_is_deleted_up_to_the_month(conn: Conn) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    ids = apply(conn, "Asia/Kathmandu")
    store(conn, season(ids, date(2026, 3, 1), 2, zone), zone)
    compute_balances(conn, NOW)
    assert all(everything(conn).values())
    conn.execute("DELETE FROM interval")
    for channel in ids.values():
        stale(conn, channel, date(2026, 3, 1))
        stale(conn, channel, date(2026, 3, 2))
    compute_balances(conn, NOW)
    assert not any(everything(conn).values())


def test_a_role_that_is_given_up_loses_its_sums(conn: Conn) -> None:
    zone = ZoneInfo("Europe/Rome")
    ids = apply(conn, "Europe/Rome")
    store(conn, season(ids, date(2026, 3, 1), 1, zone), zone)
    compute_balances(conn, NOW)
    conn.execute("UPDATE channel SET role = 'none' WHERE role = 'grid_import'")
    stale(conn, ids["a-grid/import_kwh"], date(2026, 3, 1))
    compute_balances(conn, NOW)
    assert {key[0] for key in table(conn, "enterprise_day")} == {
        row[0] for row in conn.execute("SELECT enterprise_id FROM enterprise WHERE key = 'beta'")
    }


def test_the_validation_job_gets_what_was_rolled_up_and_gauges_no_balance(conn: Conn) -> None:
    zone = ZoneInfo("Europe/Rome")
    ids = apply(conn, "Europe/Rome")
    gauge = ids["a-grid/power_kw"]
    store(conn, [(gauge, datetime(2026, 3, 1, 12, tzinfo=UTC), 5.0, "measured", 6.0)], zone)
    compute_balances(conn, NOW)
    assert conn.execute("SELECT * FROM stale_check").fetchall() == [(gauge, date(2026, 3, 1))]
    assert conn.execute("SELECT * FROM stale_indicator").fetchall() == []
    assert table(conn, "enterprise_day") == {}
    assert table(conn, "channel_day")[gauge, date(2026, 3, 1)][7:] == (4.0, 7.0, 6.0)


def scanned_whole(node: dict[str, Any]) -> set[str]:
    """Relations that a plan reads from end to end."""
    own = {node["Relation Name"]} if node["Node Type"] == "Seq Scan" else set()
    return own.union(*(scanned_whole(child) for child in node.get("Plans", [])))


def test_work_is_proportional_to_what_is_stale(conn: Conn) -> None:
    """Index ranges without any statistics, on a plain table and on chunks."""
    zone = ZoneInfo("Europe/Rome")
    ids = apply(conn, "Europe/Rome")
    conn.execute(
        "INSERT INTO interval SELECT c, g, 1, 'measured', NULL, %s FROM unnest(%s::int[]) c,"
        " generate_series(timestamptz '2026-01-01 00:00Z', '2026-06-30', '15 minutes') g",
        (NOW, list(ids.values())),
    )
    conn.execute(
        "INSERT INTO stale_day SELECT c, d FROM unnest(%s::int[]) c,"
        " generate_series(date '2026-01-02', '2026-06-28', '1 day') d",
        (list(ids.values()),),
    )
    compute_balances(conn, NOW)
    sql = named_sql("rollups")
    small = {"day_staging", "day_calendar", "role_staging", "role_due", "hour_made", "day_made"}
    small |= {"channel", "meter", "park", "enterprise"}
    small |= {"channel_month", "enterprise_month", "enterprise_day"}  # a page or two in this test
    with conn.transaction():
        roll_up(conn, [(ids["a-grid/import_kwh"], date(2026, 3, 3))], {1: zone})
        for name, text in sql.items():
            if "CREATE TEMP TABLE" in text or "FORMAT BINARY" in text:
                continue
            query = "EXPLAIN (FORMAT JSON) " + text
            plan = conn.execute(query, {"roles": ["grid_import"]}).fetchone()
            assert plan is not None
            assert scanned_whole(plan[0][0]["Plan"]) <= small, name


@pytest.mark.parametrize("length", ["hour", "day", "month"])
def test_dashboards_read_energy_by_role(conn: Conn, length: str) -> None:
    zone = ZoneInfo("Europe/Rome")
    ids = apply(conn, "Europe/Rome")
    start = day_period(date(2026, 3, 29), zone).start
    roles = {"a-grid/import_kwh": 2.0, "a-pv/gen_kwh": 3.0, "a-water/intake_m3": 50.0}
    store(
        conn,
        [
            (ids[name], start + n * Q, value, "edited", None)
            for name, value in roles.items()
            for n in range(3)
        ],
        zone,
    )
    compute_balances(conn, NOW)
    cursor = conn.execute("SELECT * FROM dash.energy_" + length)
    (row,) = cursor.fetchall()
    got = dict(zip([c.name for c in cursor.description or ()], row, strict=True))
    assert (got["enterprise_key"], got["grid_import_kwh"], got["onsite_pv_kwh"]) == ("alpha", 6, 9)
    assert (got["onsite_wind_kwh"], got["edited_kwh"], got["estimated_kwh"]) == (None, 15, 0)
    due = {"hour": 4, "day": 92, "month": 31 * 96 - 4}[length]  # two channels of grid, one of PV
    assert (got["buckets"], got["expected_buckets"]) == (6, 3 * due)
    begins = date(2026, 3, 1) if length == "month" else date(2026, 3, 29)
    assert got["at"] == day_period(begins, zone).start


def test_the_migration_puts_known_days_on_the_work_list(conn: Conn) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    ids = apply(conn, "Asia/Kathmandu")
    store(conn, season(ids, date(2026, 3, 1), 3, zone), zone)
    compute_balances(conn, NOW)
    full = everything(conn)
    gauge = ids["a-grid/power_kw"]
    conn.execute("TRUNCATE " + ", ".join(name for name in TABLES if name != "channel_day"))
    conn.execute("DELETE FROM channel_day WHERE channel_id = %s", (gauge,))  # as it used to be
    text = next(m.text for m in available() if m.number == 10)
    for statement in re.findall(r"INSERT INTO stale_day.*?;", text, re.S):
        conn.execute(statement)
    compute_balances(conn, NOW)
    assert everything(conn) == full
