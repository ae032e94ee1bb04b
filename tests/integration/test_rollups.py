"""Roll-ups on a real database: equal to plain aggregation, and only what changed is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.jobs.balances import compute_balances
from app.jobs.rollups import roll_up
from models.park import parse_park
from models.periods import buckets_in_day, day_period, local_day
from storage.db import Conn, named_sql
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE

Q = timedelta(minutes=15)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
TABLES = {
    "channel_hour": "hour_start",
    "channel_day": "day",
    "channel_month": "month",
    "enterprise_hour": "hour_start",
    "enterprise_day": "day",
    "enterprise_month": "month",
}
Bucket = tuple[int, datetime, float, str, float | None]  # channel, start, value, quality, last
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def apply(conn: Conn, timezone: str, **more: Any) -> dict[str, int]:
    """The test park in a zone; channel "meter/channel" -> number. Beta's grid meter is a batch."""
    loaded: dict[str, Any] = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    loaded["timezone"] = timezone
    alpha = loaded["enterprises"][0]["meters"]
    alpha[0]["channels"]["second_kwh"] = dict(alpha[0]["channels"]["import_kwh"], **more)
    with conn.transaction():
        apply_park(conn, parse_park(loaded, "test"), NOW)
    conn.execute(
        "UPDATE channel c SET kind = 'batch' FROM meter m WHERE m.meter_id = c.meter_id"
        " AND m.key = 'b-grid'"
    )
    rows = conn.execute(
        "SELECT m.key || '/' || c.key, channel_id FROM channel c JOIN meter m USING (meter_id)"
    ).fetchall()
    return dict(rows)


def store(conn: Conn, buckets: Iterable[Bucket], zone: ZoneInfo) -> None:
    """Write intervals as the interval job does: rows and stale days."""
    with conn.cursor() as cur:
        for channel, at, value, quality, last in buckets:
            cur.execute(
                "INSERT INTO interval (channel_id, bucket_start, value, quality, computed_at, low,"
                " high, last) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (channel_id,"
                " bucket_start) DO UPDATE SET value = excluded.value, quality = excluded.quality,"
                " last = excluded.last, low = excluded.low, high = excluded.high",
                (
                    channel,
                    at,
                    value,
                    quality,
                    NOW,
                    None if last is None else value - 1,
                    None if last is None else value + 2,
                    last,
                ),
            )
            stale(conn, channel, local_day(at, zone))


def stale(conn: Conn, channel: int, day: date) -> None:
    conn.execute("INSERT INTO stale_day VALUES (%s, %s) ON CONFLICT DO NOTHING", (channel, day))


def table(conn: Conn, name: str) -> Rows:
    """All rows of a roll-up by key; floats as they are stored."""
    owner = "enterprise_id, role" if name.startswith("enterprise") else "channel_id"
    columns = "channels, buckets, expected_buckets, value, estimated_value, edited_value"
    if owner == "channel_id":
        columns = (
            "buckets, expected_buckets, estimated_buckets, edited_buckets, value,"
            " estimated_value, edited_value, low, high, last"
        )
    keys = owner.count(",") + 2
    rows = conn.execute(f"SELECT {owner}, {TABLES[name]}, {columns} FROM {name}").fetchall()
    return {row[:keys]: row[keys:] for row in rows}


def everything(conn: Conn) -> dict[str, Rows]:
    return {name: table(conn, name) for name in TABLES}


def total(values: Iterable[float]) -> float:
    """Plain sum in order."""
    out = 0.0
    for value in values:
        out += value
    return out


def season(ids: dict[str, int], first: date, days: int, zone: ZoneInfo) -> list[Bucket]:
    """Random buckets of registers, a gauge and a batch channel, with holes, estimates, edits."""
    random = Random(5)
    start = day_period(first, zone).start
    stop = day_period(first + timedelta(days=days), zone).start
    out: list[Bucket] = []
    for name in ("a-grid/import_kwh", "a-grid/second_kwh", "a-grid/power_kw", "b-grid/import_kwh"):
        for n in range((stop - start) // Q):
            if random.random() < 0.1 or (name == "b-grid/import_kwh" and n % 7):
                continue
            quality = random.choices(["measured", "estimated", "edited"], [8, 1, 1])[0]
            last = random.random() if name == "a-grid/power_kw" else None
            out.append((ids[name], start + n * Q, random.uniform(-3, 9) ** 3, quality, last))
    return out


def hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return at - timedelta(minutes=local.minute)


def plain(buckets: list[Bucket], cut: Any, expected: Any, gauge: int, batch: int) -> Rows:
    """Roll-up of intervals by a plain loop."""
    groups: dict[tuple[int, Any], list[Bucket]] = defaultdict(list)
    for bucket in sorted(buckets):
        groups[bucket[0], cut(bucket[1])].append(bucket)
    out: Rows = {}
    for (channel, key), mine in groups.items():
        share = len(mine) if channel == gauge else 1
        by = {q: [b[2] for b in mine if b[3] == q] for q in ("estimated", "edited")}
        value = total(b[2] for b in mine) / share
        out[channel, key] = (
            len(mine),
            len(mine) if channel == batch else expected(key),
            *(len(v) for v in by.values()),
            value,
            *(total(v) / share for v in by.values()),
            *(
                (min(b[2] for b in mine) - 1, max(b[2] for b in mine) + 2, mine[-1][4])
                if channel == gauge
                else (None, None, None)
            ),
        )
    return out


SEASONS = [
    pytest.param("Europe/Rome", date(2026, 3, 27), {92}, id="rome-spring"),
    pytest.param("Europe/Rome", date(2026, 10, 23), {100}, id="rome-autumn"),
    pytest.param("Asia/Kathmandu", date(2026, 2, 26), set(), id="kathmandu"),
    pytest.param("Australia/Lord_Howe", date(2026, 4, 3), {98}, id="lord-howe-autumn"),
    pytest.param("Australia/Lord_Howe", date(2026, 10, 2), {94}, id="lord-howe-spring"),
    pytest.param("America/Havana", date(2026, 10, 30), {100}, id="midnight-twice"),
]


@pytest.mark.parametrize(("timezone", "first", "lengths"), SEASONS)
def test_hours_and_days_are_plain_aggregation(
    conn: Conn, timezone: str, first: date, lengths: set[int]
) -> None:
    zone = ZoneInfo(timezone)
    ids = apply(conn, timezone)
    buckets = season(ids, first, 5, zone)
    store(conn, buckets, zone)
    compute_balances(conn, NOW)
    gauge, batch = ids["a-grid/power_kw"], ids["b-grid/import_kwh"]
    quarters = [day_period(first, zone).start + n * Q for n in range(-96, 7 * 96)]
    hours = [hour_of(at, zone) for at in quarters]
    wanted = plain(buckets, lambda at: hour_of(at, zone), hours.count, gauge, batch)
    assert table(conn, "channel_hour") == wanted
    wanted = plain(
        buckets, lambda at: local_day(at, zone), lambda day: buckets_in_day(day, zone), gauge, batch
    )
    assert table(conn, "channel_day") == wanted
    assert {row[1] for key, row in wanted.items() if key[0] != batch} == {96} | lengths


def test_months_are_the_sum_of_their_days_and_know_how_far_they_are(conn: Conn) -> None:
    zone = ZoneInfo("Europe/Rome")
    ids = apply(conn, "Europe/Rome")
    store(conn, season(ids, date(2026, 3, 20), 14, zone), zone)
    compute_balances(conn, NOW)
    days, months = table(conn, "channel_day"), table(conn, "channel_month")
    register, gauge = ids["a-grid/import_kwh"], ids["a-grid/power_kw"]
    march = {day: row for (c, day), row in sorted(days.items()) if c == register and day.month == 3}
    got = months[register, date(2026, 3, 1)]
    assert got[4:7] == tuple(total(row[n] for row in march.values()) for n in (4, 5, 6))
    assert got[0] == sum(row[0] for row in march.values())
    assert got[1] == 31 * 96 - 4
    assert months[register, date(2026, 4, 1)][1] == 30 * 96
    mine = [row for (c, day), row in sorted(days.items()) if c == gauge and day.month == 3]
    got = months[gauge, date(2026, 3, 1)]
    count = sum(row[0] for row in mine)
    assert got[4] == total(row[4] * row[0] for row in mine) / count
    assert got[7:] == (min(r[7] for r in mine), max(r[8] for r in mine), mine[-1][9])
    batch = months[ids["b-grid/import_kwh"], date(2026, 3, 1)]
    assert batch[0] == batch[1] > 0


def test_roles_are_sums_over_channels_in_service(conn: Conn) -> None:
    zone = ZoneInfo("Europe/Rome")
    since = date(2026, 3, 28)
    ids = apply(conn, "Europe/Rome", in_service_from=since.isoformat())
    store(conn, season(ids, date(2026, 3, 26), 5, zone), zone)
    compute_balances(conn, NOW)
    one, two = ids["a-grid/import_kwh"], ids["a-grid/second_kwh"]
    alpha = conn.execute("SELECT enterprise_id FROM enterprise WHERE key = 'alpha'").fetchone()
    assert alpha is not None
    for suffix in ("hour", "day"):
        channels, roles = table(conn, f"channel_{suffix}"), table(conn, f"enterprise_{suffix}")
        roles = {key[2]: row for key, row in roles.items() if key[0] == alpha[0]}
        starts = {key for channel, key in channels if channel in (one, two)}
        for start in starts:
            day = start if suffix == "day" else local_day(start, zone)
            in_service = (one, two) if day >= since else (one,)
            mine = [channels[c, start] for c in in_service if (c, start) in channels]
            if not mine:
                assert start not in roles
                continue
            due = 4 if suffix == "hour" else buckets_in_day(day, zone)
            assert roles[start] == (
                len(mine),
                sum(r[0] for r in mine),
                len(in_service) * due,
                *(total(r[n] for r in mine) for n in (4, 5, 6)),
            )
    days = table(conn, "enterprise_day")
    mine = [row for key, row in sorted(days.items()) if key[0] == alpha[0]]
    assert table(conn, "enterprise_month")[alpha[0], "grid_import", date(2026, 3, 1)] == (
        2,
        sum(r[1] for r in mine),
        31 * 96 - 4 + 4 * 96 - 4,  # the second channel: from the 28th on
        *(total(r[n] for r in mine) for n in (3, 4, 5)),
    )
    beta = [row for key, row in days.items() if key[0] != alpha[0]]
    assert beta
    assert all(row[1] == row[2] for row in beta)  # a batch channel is never seen to be silent
    assert not any(key[1] == "none" for key in days)


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


STEP = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 300), st.one_of(st.none(), st.floats(-1e6, 1e6))),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=1, max_size=4))
def test_step_by_step_equals_all_at_once(
    conn: Conn, steps: list[list[tuple[int, int, float | None]]]
) -> None:
    zone = ZoneInfo("Europe/Rome")
    ids = sorted(apply(conn, "Europe/Rome").items())
    names = ("a-grid/import_kwh", "a-grid/second_kwh", "a-grid/power_kw", "b-grid/import_kwh")
    channels = [number for name, number in ids if name in names]
    start = day_period(date(2026, 3, 28), zone).start
    conn.execute("TRUNCATE interval, " + ", ".join(TABLES))
    for step in steps:
        for which, n, value in step:
            channel, at = channels[which], start + n * Q
            if value is None:
                conn.execute(
                    "DELETE FROM interval WHERE channel_id = %s AND bucket_start = %s",
                    (channel, at),
                )
                stale(conn, channel, local_day(at, zone))
            else:
                store(conn, [(channel, at, value, "measured", None)], zone)
        compute_balances(conn, NOW)
    grown = everything(conn)
    conn.execute("TRUNCATE " + ", ".join(TABLES))
    for step in steps:
        for which, n, _ in step:
            stale(conn, channels[which], local_day(start + n * Q, zone))
    compute_balances(conn, NOW)
    assert everything(conn) == grown


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
