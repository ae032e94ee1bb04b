"""Roll-ups on a real database are what plain aggregation of the quarter-hours gives."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.jobs.balances import compute_balances
from models.periods import buckets_in_day, day_period, local_day
from storage.db import Conn
from tests.integration.rollup_data import (
    NOW,
    TABLES,
    Bucket,
    Q,
    Rows,
    apply,
    everything,
    season,
    stale,
    store,
    table,
    total,
)


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
