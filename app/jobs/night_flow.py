"""Minimum night flow of water intakes, leakage by it, and leaks as findings (row 27)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from analytics.water.companions import night_companions
from analytics.water.leaks import LeakLimits, find_leaks
from analytics.water.night_flow import (
    intercept_flow,
    leak_m3_per_day,
    night_minimum,
    seven_night_percentile,
)
from models.findings import Finding, Severity
from models.indicators import IndicatorValue
from models.park import Enterprise, Park
from models.periods import day_start, local_day
from models.roles import Role
from storage.amounts import newest_night, night_quarters, role_channels, water_hours
from storage.balances import role_days
from storage.db import Conn
from storage.findings import save_findings, withdraw_findings
from storage.parks import AppliedPark

KEYS = ("mnf_flow", "mnf_leak")
"""What is computed here."""
LEAK = "water.leak"
_NIGHT_ENDS = timedelta(hours=4, minutes=30)
_HISTORY = 400  # nights that a search looks back
_STEP_S = 900
_DAY = timedelta(days=1)


def night_values(
    conn: Conn,
    applied: AppliedPark,
    enterprises: Mapping[int, Enterprise],
    stale: Mapping[int, date],
    now: datetime,
) -> dict[int, tuple[date, list[IndicatorValue]]]:
    """Nights of enterprises with a water intake, and the day from which they were made.

    They are made when a past night changed or a new one is over: a night has no news in between.
    """
    park = applied.park
    over = local_day(now - _NIGHT_ENDS, park.zone) + _DAY  # nights before this day are over
    roles = role_channels(conn, sorted(enterprises))
    out = {}
    for number, enterprise in enterprises.items():
        if Role.WATER_INTAKE not in roles.get(number, {}):
            continue
        newest = newest_night(conn, number)
        if newest is not None and newest >= over and stale[number] >= over - _DAY:
            continue
        first = min(stale[number], newest or stale[number])
        out[number] = (first, _enterprise(conn, park, number, enterprise, (first, over), now))
    return out


def _enterprise(
    conn: Conn,
    park: Park,
    number: int,
    enterprise: Enterprise,
    span: tuple[date, date],
    now: datetime,
) -> list[IndicatorValue]:
    first, stop = span
    begin = first - _HISTORY * _DAY
    period = (day_start(begin, park.zone), day_start(stop, park.zone))
    at_s, flow = night_quarters(conn, number, *period, park.zone)
    if not len(at_s):
        return []
    nights = night_minimum(at_s, flow, _STEP_S, park.zone)
    if enterprise.water.watch_leaks:
        hours = water_hours(conn, number, *period)
        others = night_companions(*hours, 3600, park.zone, nights)
        _report(conn, park, (number, enterprise), (nights, others), (first, stop, now))
    return list(_values(number, enterprise, nights, first))


def _values(
    number: int, enterprise: Enterprise, nights: pd.Series[float], first: date
) -> Iterator[IndicatorValue]:
    weekly = seven_night_percentile(nights)
    use = enterprise.water.night_use_m3_per_h
    counted = nights.asfreq("D").notna().rolling(7, min_periods=1).sum()
    for stamp, value, count in zip(weekly.index, weekly, counted, strict=True):
        night = pd.Timestamp(stamp).date()
        if night < first:
            continue
        known = float(count) / 7
        flow = None if np.isnan(value) else float(value)
        note = None if flow is not None else f"{known * 7:.0f} of 7 nights are known"
        leak = leak_m3_per_day(flow, use) if flow is not None and use is not None else None
        about = note if note or use is not None else "night use of the enterprise is not set"
        for key, told, unit, why in (
            ("mnf_flow", flow, "m3/h", note),
            ("mnf_leak", leak, "m3/d", about),
        ):
            yield IndicatorValue(
                key, number, "day", night, night + _DAY, told, told, None, unit, known, 0.0,
                "final" if told is not None else "provisional", why,
            )  # fmt: skip


def _report(
    conn: Conn,
    park: Park,
    subject: tuple[int, Enterprise],
    told: tuple[pd.Series[float], pd.DataFrame],
    span: tuple[date, date, datetime],
) -> None:
    """A finding per leak that the nights tell; one that they no longer tell is withdrawn."""
    first, stop, now = span
    (number, enterprise), (nights, companions) = subject, told
    limits = LeakLimits(smallest_m3_per_h=enterprise.water.smallest_leak_m3_per_h)
    for night in pd.date_range(first - 14 * _DAY, stop - _DAY, freq="D"):
        start = day_start(night.date(), park.zone)
        withdraw_findings(conn, LEAK, number, start, now)
    flow = _without_product(conn, number, stop)
    found = []
    for leak in find_leaks(nights, companions, limits):
        if leak.onset < first - 14 * _DAY:
            continue
        evidence = {
            "size_m3_per_h": round(leak.size_m3_per_h, 2),
            "size_low_m3_per_h": round(leak.size_low_m3_per_h, 2),
            "size_high_m3_per_h": round(leak.size_high_m3_per_h, 2),
            "onset": leak.onset.isoformat(),
            "found_on": leak.found_on.isoformat(),
            "meaning": "the night flow rose for good: a leak, or a new use at night",
        } | flow
        found.append(
            Finding(
                "water.leak",
                Severity.WARNING,
                day_start(leak.onset, park.zone),
                day_start(leak.found_on + _DAY, park.zone),
                enterprise_id=number,
                evidence=evidence,
            )
        )
    save_findings(conn, found, now)


def _without_product(conn: Conn, number: int, stop: date) -> dict[str, object]:
    """Flow that does not depend on the product, for plants that run at night: last 90 days."""
    start = stop - 90 * _DAY
    water = role_days(conn, number, Role.WATER_INTAKE, start, stop)["value"]
    product = role_days(conn, number, Role.PRODUCTION, start, stop)["value"]
    both = pd.concat([water, product], axis=1, keys=["water", "product"]).dropna()
    if both.empty:
        return {}
    fitted = intercept_flow(
        both["water"].to_numpy(dtype=np.float64), both["product"].to_numpy(dtype=np.float64)
    )
    if fitted.refusal:
        return {"flow_without_product": fitted.refusal}
    return {
        "flow_without_product_m3_per_day": round(fitted.flow_m3_per_day, 1),
        "standard_error_m3_per_day": round(fitted.standard_error_m3_per_day, 1),
    }
