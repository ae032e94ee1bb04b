"""Green shares and specific consumption of everything that became stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from analytics.green.balance import BALANCE_ROLES, METERED_COLUMNS
from analytics.green.shares import Claims, park_total, shares, year_to_date
from app.jobs.intensities import intensity_values
from models.findings import Finding, Severity
from models.indicators import (
    GREEN_SHARE_CLAIM,
    GREEN_SHARE_PHYSICAL,
    IndicatorValue,
    Status,
)
from models.periods import BUCKET, buckets_in_day, day_start, days, local_day
from storage.balances import balance_days, take_stale_indicators
from storage.claims import claims_by_month
from storage.db import Conn, translate_db_errors
from storage.findings import save_findings
from storage.indicators import save_indicators
from storage.parks import AppliedPark, applied_parks, channels, enterprise_ids


@dataclass(frozen=True)
class _Year:
    """One enterprise's (or the park's) year so far, cumulative per day."""

    enterprise_id: int | None
    ytd: pd.DataFrame
    buckets: pd.Series[float]
    estimated_kwh: pd.Series[float]
    metered_kwh: pd.Series[float]
    settled_until: date | None
    members: int = 1


def compute_indicators(conn: Conn, now: datetime) -> dict[str, int]:
    """Work off the stale indicators of all parks."""
    done = {"values": 0, "changed": 0}
    for applied in applied_parks(conn):
        with translate_db_errors("compute indicators"), conn.transaction():
            stale = take_stale_indicators(conn, applied.park_id)
            if not stale:
                continue
            values = list(_green_values(conn, applied, stale, now))
            for enterprise_id, from_day in stale.items():
                values += intensity_values(conn, applied.park, enterprise_id, from_day, now)
            done["values"] += len(values)
            scopes = [(i, day) for i, day in stale.items()] + [(None, min(stale.values()))]
            done["changed"] += save_indicators(conn, applied.park_id, values, scopes, now)
    return done


def _green_values(
    conn: Conn, applied: AppliedPark, stale: dict[int, date], now: datetime
) -> Iterator[IndicatorValue]:
    today = local_day(now, applied.park.zone)
    ids = enterprise_ids(conn, applied.park_id)
    balanced = {c.enterprise_id for c in channels(conn) if c.role in BALANCE_ROLES}
    inside = {ids[e.key] for e in applied.park.enterprises if e.in_goal_boundary} & balanced
    first = min(stale.values())
    for year in range(first.year, today.year + 1):
        years = [y for i in ids.values() if (y := _year(conn, i, year, today)) is not None]
        due = _due_buckets(applied, year, now)
        for one in years:
            if one.enterprise_id in stale:
                yield from _share_values(one, due, stale[one.enterprise_id], now, applied)
                _report_excess(conn, applied, one, year, now)
        members = [y for y in years if y.enterprise_id in inside]
        if members:
            # a silent member is missing from the park's share, and is said so: its balances are due
            whole = replace(_park_year(members), members=len(inside))
            yield from _share_values(whole, due, first, now, applied)


def _year(conn: Conn, enterprise_id: int, year: int, today: date) -> _Year | None:
    frame = balance_days(conn, enterprise_id, date(year, 1, 1), date(year + 1, 1, 1))
    if frame.empty:
        return None
    kwh = claims_by_month(conn, enterprise_id, today)
    claims = Claims(kwh["green"], kwh["nuclear"], kwh["certificate"])
    return _Year(
        enterprise_id,
        year_to_date(frame, claims, year),
        frame["buckets"].cumsum(),
        frame["estimated_kwh"].cumsum(),
        frame[list(METERED_COLUMNS)].sum(axis=1).cumsum(),
        claims.settled_until,
    )


def _park_year(members: list[_Year]) -> _Year:
    total = park_total([m.ytd for m in members])

    def summed(parts: list[pd.Series[float]]) -> pd.Series[float]:
        return sum(
            (p.reindex(total.index).ffill().fillna(0.0) for p in parts),
            start=pd.Series(0.0, index=total.index),
        )

    settled = [m.settled_until for m in members if m.settled_until]
    return _Year(
        None,
        total,
        summed([m.buckets for m in members]),
        summed([m.estimated_kwh for m in members]),
        summed([m.metered_kwh for m in members]),
        min(settled) if settled else None,
    )


def _due_buckets(applied: AppliedPark, year: int, now: datetime) -> dict[date, int]:
    """Buckets of one subject due from the start of the year to each day's end, or to now."""
    zone, since = applied.park.zone, applied.park.data_from or date(year, 1, 1)
    due, total = {}, 0
    for day in days(date(year, 1, 1), date(year + 1, 1, 1)):
        start = day_start(day, zone)
        if start > now:
            break
        if day >= since:
            total += min(buckets_in_day(day, zone), int((now - start) / BUCKET))
        due[day] = total
    return due


def _share_values(
    one: _Year, due: dict[date, int], from_day: date, now: datetime, applied: AppliedPark
) -> Iterator[IndicatorValue]:
    table = shares(one.ytd)
    metered = one.metered_kwh.where(one.metered_kwh > 0)
    estimated = (one.estimated_kwh / metered).fillna(0.0).to_numpy()
    for position, day in enumerate(one.ytd.index):
        if day < from_day:
            continue
        row, stop = table.iloc[position], day + timedelta(days=1)
        over = day_start(stop, applied.park.zone) <= now
        settled = one.settled_until is None or stop <= one.settled_until
        expected = max(due.get(day, 0) * one.members, 1)
        complete = min(float(one.buckets.iloc[position]) / expected, 1.0)
        for key, share, part, final in (
            (GREEN_SHARE_PHYSICAL, row["s1"], row["physical_kwh"], over),
            (GREEN_SHARE_CLAIM, row["s3"], row["claimable_kwh"], over and settled),
        ):
            status: Status = "final" if final else "provisional"
            yield IndicatorValue(
                key,
                one.enterprise_id,
                "ytd",
                date(day.year, 1, 1),
                stop,
                None if np.isnan(share) else float(share),
                float(part),
                float(row["consumption_kwh"]),
                "ratio",
                complete,
                float(estimated[position]),
                status,
            )


def _report_excess(conn: Conn, applied: AppliedPark, one: _Year, year: int, now: datetime) -> None:
    """A claim above the energy drawn from the grid counts nowhere and is said so."""
    excess_kwh = float(one.ytd["excess_kwh"].iloc[-1]) if len(one.ytd) else 0.0
    if excess_kwh > 0.5:
        last = one.ytd.index[-1]
        save_findings(
            conn,
            [
                Finding(
                    "green.claims_above_grid_draw",
                    Severity.CRITICAL,
                    day_start(date(year, 1, 1), applied.park.zone),
                    day_start(last + timedelta(days=1), applied.park.zone),
                    enterprise_id=one.enterprise_id,
                    evidence={
                        "excess_kwh": excess_kwh,
                        "rule": "T + C <= D, 发改能源〔2026〕622号",
                    },
                )
            ],
            now,
        )
