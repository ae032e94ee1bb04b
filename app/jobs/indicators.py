"""Green shares and specific consumption of everything that became stale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from analytics.green.catalogue import ALUMINIUM_SHARE, GREEN_INDICATORS
from analytics.green.shares import Amounts, Windows, amounts, total
from app.jobs.excess import report_excess
from app.jobs.forecasts import make_forecasts
from app.jobs.green_members import GreenMember, green_members, with_plants
from app.jobs.green_values import Calendar, Subject, Window, factors_of, green_values, windows_of
from app.jobs.intensities import intensity_values
from app.jobs.months import compute_months
from models.channels import ChannelRef
from models.indicators import ENERGY_INTENSITY, WATER_INTENSITY, IndicatorValue
from models.periods import local_day
from models.roles import BALANCE_ROLES, Role
from storage.balances import take_stale_indicators
from storage.db import Conn, translate_db_errors
from storage.forecasts import has_forecast
from storage.indicators import save_indicators
from storage.parks import AppliedPark, applied_parks, channels, enterprise_ids

_ROLLING_DAYS = 365
_KEYS = (
    *(i.key for i in (*GREEN_INDICATORS, ALUMINIUM_SHARE)),
    *(ENERGY_INTENSITY, WATER_INTENSITY),
)
_NO_DAYS = np.zeros(0, dtype=np.int64)


def compute_indicators(conn: Conn, now: datetime) -> dict[str, int]:
    """Work off the stale indicators of all parks."""
    done = {"values": 0, "changed": 0}
    for applied in applied_parks(conn):
        with translate_db_errors("compute indicators"), conn.transaction():
            stale = take_stale_indicators(conn, applied.park_id)
            if not stale:
                continue
            ids = enterprise_ids(conn, applied.park_id)
            stale = with_plants(applied.park, ids, stale)
            refs = channels(conn)
            values = list(_green_values(conn, applied, goal_members(applied, refs), stale, now))
            producers = {c.enterprise_id for c in refs if c.role == Role.PRODUCTION}
            for enterprise_id in sorted(producers & stale.keys()):
                from_day = stale[enterprise_id]
                values += intensity_values(conn, applied.park, enterprise_id, from_day, now)
            done["values"] += len(values)
            scopes = [(i, day) for i, day in stale.items()] + [(None, min(stale.values()))]
            done["changed"] += save_indicators(conn, applied.park_id, values, scopes, now, _KEYS)
            for name, count in compute_months(conn, applied, stale, now).items():
                done[name] += count
    return done


def _green_values(
    conn: Conn, applied: AppliedPark, inside: set[int], stale: dict[int, date], now: datetime
) -> Iterator[IndicatorValue]:
    today = local_day(now, applied.park.zone)
    first = min(stale.values())
    begin = min(date(first.year, 1, 1), first - timedelta(days=_ROLLING_DAYS))
    members = green_members(conn, applied, begin, today + timedelta(days=1), today)
    calendar = Calendar(applied.park, begin, now)
    plants_inside = {
        m.key
        for m in members.values()
        if not m.has_balance and applied.park.enterprise(m.key).in_goal_boundary
    }
    smelters = {e.key for e in applied.park.enterprises if e.kind == "smelter" and e.meters}
    for year in range(first.year, today.year + 1):
        factors = factors_of(applied.park, year)
        for number, from_day in stale.items():
            if number in members:
                one = members[number]
                windows = _touched([one], year, from_day, today)
                if windows:
                    subject = subject_of(number, [one], windows, 1)
                    yield from green_values(subject, windows, calendar, factors)
                    report_excess(conn, applied, one, subject, windows, now)
        chosen = [m for n, m in members.items() if n in inside or m.key in plants_inside]
        windows = _touched(chosen, year, first, today)
        if windows:
            # a silent member is missing from the park's share, and is said so: its balances are due
            whole = subject_of(None, chosen, windows, len(inside))
            yield from green_values(whole, windows, calendar, factors)
        melting = [m for m in members.values() if m.key in smelters]
        windows = _touched(melting, year, first, today)
        if windows:
            whole = subject_of(None, melting, windows, len(smelters))
            yield from green_values(whole, windows, calendar, factors, [ALUMINIUM_SHARE])
    # a past day changed, or a new one began
    if first < today or not has_forecast(conn, applied.park_id, today):
        balanced = {number: m for number, m in members.items() if m.has_balance}
        make_forecasts(conn, applied, balanced, inside, now)


def goal_members(applied: AppliedPark, refs: Sequence[ChannelRef]) -> set[int]:
    """Enterprises whose balances count in the share of the park."""
    keys = {e.key for e in applied.park.enterprises if e.in_goal_boundary}
    return {
        c.enterprise_id
        for c in refs
        if c.park_id == applied.park_id and c.role in BALANCE_ROLES and c.enterprise_key in keys
    }


def subject_of(
    enterprise_id: int | None,
    chosen: Sequence[GreenMember],
    windows: Sequence[Window],
    members: int,
) -> Subject:
    """The sum of capped enterprises (domain facts 11.4)."""
    settled = [m.claims.settled_until for m in chosen if m.claims.settled_until]
    sums = total([_amounts(m, windows) for m in chosen])
    only_plants = not any(m.has_balance for m in chosen)
    if only_plants:
        sums["buckets"] = sums["plant_buckets"]
    return Subject(enterprise_id, sums, members, min(settled) if settled else None, only_plants)


def _amounts(member: GreenMember, windows: Sequence[Window]) -> Amounts:
    return amounts(
        member.days, member.claims, Windows.of([(start, stop) for _, start, stop in windows])
    )


def _touched(chosen: Sequence[GreenMember], year: int, from_day: date, today: date) -> list[Window]:
    """Windows of a year to compute; those that end with a day only for days that have a balance."""
    begin, end = (date(y, 1, 1).toordinal() for y in (year, year + 1))
    known = np.unique(np.concatenate([m.days.days for m in chosen])) if chosen else _NO_DAYS
    known = known[(known >= begin) & (known < end)]
    if not len(known):
        return []
    mine = {date.fromordinal(n) for n in known[known >= from_day.toordinal()].tolist()}
    return [
        window
        for window in windows_of(year, from_day, min(date.fromordinal(int(known[-1])), today))
        if window[0] in ("month", "year") or window[2] - timedelta(days=1) in mine
    ]
