"""The items of enterprises in a calendar year: metered, balanced, claimed, reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.green.shares import Claims, Windows, capped
from analytics.indicators.base import Floats
from analytics.indicators.evaluate import MONTHS, Series, YearCalendar
from models.activity import ITEM_OF_ROLE, ITEMS, Item
from models.park import Enterprise
from models.periods import day_start, next_month
from storage.amounts import (
    DayColumns,
    balanced_days,
    known_demands,
    metered_days,
    month_demands,
    reported_amounts,
    role_channels,
)
from storage.claims import park_claims
from storage.db import Conn
from storage.parks import AppliedPark

_DAY_BUCKETS = 96
_ROLES = [str(role) for role in ITEM_OF_ROLE]
Reports = Mapping[date, Sequence[float]]


@dataclass(frozen=True)
class YearItems:
    """Items of one enterprise.

    Attributes:
        gaps: month -> how far days and the reported month are apart, by item.
        settled_until: first day after the last month whose claims are known; None: no claims.
    """

    items: dict[str, Series]
    gaps: dict[int, dict[str, float]]
    settled_until: date | None


def year_items(
    conn: Conn,
    applied: AppliedPark,
    enterprises: Mapping[int, Enterprise],
    cal: YearCalendar,
    changed_from: date,
) -> dict[int, YearItems]:
    """Items of every enterprise in the year of the calendar.

    Args:
        changed_from: first day of a month; demands of earlier months are taken as they are stored,
            because quarter-hours are many.
    """
    numbers = sorted(enterprises)
    start, stop = date(cal.year, 1, 1), date(cal.year + 1, 1, 1)
    metered = metered_days(conn, numbers, _ROLES, start, stop)
    balanced = balanced_days(conn, numbers, start, stop)
    reported = reported_amounts(conn, numbers, stop)
    roles = role_channels(conn, numbers)
    claims = park_claims(conn, applied.park_id, cal.today)
    demands = _demands(conn, applied, numbers, (start, max(start, changed_from), stop), cal)
    out = {}
    for number in numbers:
        items: dict[str, Series] = {}
        told = claims.get(number)
        mine = Claims(told["green"], told["nuclear"], told["certificate"]) if told else None
        if number in balanced:
            items |= _balance(balanced[number], mine, cal)
        gaps: dict[int, dict[str, float]] = {}
        for role, item in ITEM_OF_ROLE.items():
            batches = roles.get(number, {}).get(role)
            if batches is not None:
                items[item.key] = _metered(metered.get((number, role)), "value", cal, batches)
        for key, months in reported.get(number, {}).items():
            if key in ITEMS:
                _add_reported(items, gaps, ITEMS[key], months, cal)
        if number in demands:
            items["max_demand_kw"] = demands[number]
        _contract(items, enterprises[number])
        out[number] = YearItems(items, gaps, mine.settled_until if mine else None)
    return out


def _metered(
    columns: DayColumns | None, name: str, cal: YearCalendar, batches: bool = False
) -> Series:
    """Days of a role as a series; a role without any day this year is not told."""
    length = len(cal.month_of_day)
    day, known, share = (np.full(length, np.nan) for _ in range(3))
    estimated = np.zeros(length)
    if columns is not None:
        at = columns.day
        known[at] = columns.values[name]
        estimated[at] = columns.estimated
        share[at] = columns.buckets / np.maximum(columns.expected, 1)
        whole = columns.buckets == columns.expected
        day[at[whole]] = columns.values[name][whole]
    has = cal.sums((~np.isnan(known)).astype(np.float64))
    month = np.where(has > 0, cal.sums(np.nan_to_num(known)), np.nan)
    if batches:  # no event on a day: nothing passed; no event in a month: nothing is known
        quiet = np.isnan(known) & (has > 0)[cal.month_of_day] & _due(cal)
        day[quiet], share[quiet] = 0.0, 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        complete = cal.sums(np.nan_to_num(share) * _due(cal)) / cal.due_days
        part = cal.sums(estimated) / np.abs(month)
    return Series(
        month, np.clip(np.nan_to_num(complete), 0, 1), np.clip(np.nan_to_num(part), 0, 1), day
    )


def _due(cal: YearCalendar) -> np.ndarray:
    number = date(cal.year, 1, 1).toordinal() + np.arange(len(cal.month_of_day))
    due: np.ndarray = (number >= cal.first.toordinal()) & (number < cal.today.toordinal())
    return due


def _balance(columns: DayColumns, claims: Claims | None, cal: YearCalendar) -> dict[str, Series]:
    items = {name: _metered(columns, name, cal) for name in columns.values}
    if claims is None:
        return items
    draw = items["grid_draw_kwh"]
    firsts = [date(cal.year, m, 1) for m in range(1, MONTHS + 1)]
    spans = [(first, next_month(first)) for first in firsts]
    windows = Windows.of([*spans, (firsts[0], spans[-1][1])])
    draws = np.append(np.nan_to_num(draw.month), np.nansum(draw.month))
    amounts = capped(draws, claims, windows)
    total = np.sum(
        [amounts[n] for n in ("green_trade_kwh", "nuclear_trade_kwh", "certificate_kwh")], axis=0
    )
    month = np.where(np.isnan(draw.month), np.nan, total[:MONTHS])
    items["claimed_kwh"] = Series(month, draw.complete, np.zeros(MONTHS), year=float(total[MONTHS]))
    return items


def _add_reported(
    items: dict[str, Series],
    gaps: dict[int, dict[str, float]],
    item: Item,
    months: Reports,
    cal: YearCalendar,
) -> None:
    """Reports of an item; a meter goes first, a report fills months that it does not know."""
    told = _reported(item, months, cal)
    metered = items.get(item.key)
    if metered is None:
        items[item.key] = told
        return
    for n in np.flatnonzero(~np.isnan(metered.month) & ~np.isnan(told.month)).tolist():
        if told.month[n] > 0:
            gap = abs(float(metered.month[n]) - float(told.month[n])) / float(told.month[n])
            gaps.setdefault(n, {})[item.key] = gap
    filled = np.isnan(metered.month) & ~np.isnan(told.month)
    if filled.any():
        items[item.key] = Series(
            np.where(filled, told.month, metered.month),
            np.where(filled, 1.0, metered.complete),
            metered.estimated,
            note=f"{item.key} partly reported",
        )


def _reported(item: Item, months: Reports, cal: YearCalendar) -> Series:
    month: Floats = np.full(MONTHS, np.nan)
    for first, amounts in sorted(months.items()):
        amount = float(np.mean(amounts)) if item.combine == "mean" else float(sum(amounts))
        if item.combine == "level":
            begin = 0 if first.year < cal.year else first.month - 1
            month[begin:] = amount
        elif first.year == cal.year:
            month[first.month - 1] = amount
    return Series(month, np.ones(MONTHS), np.zeros(MONTHS), is_reported=True)


def _demands(
    conn: Conn,
    applied: AppliedPark,
    numbers: Sequence[int],
    edges: tuple[date, date, date],
    cal: YearCalendar,
) -> dict[int, Series]:
    """Highest quarter-hours of months; known as far as quarter-hours are measured."""
    start, changed, stop = edges
    zone = applied.park.zone
    told = known_demands(conn, numbers, start, changed)
    firsts = [date(cal.year, m, 1) for m in range(changed.month, MONTHS + 1)]
    begins = [day_start(day, zone) for day in (*firsts, stop)]
    for number, months in month_demands(conn, numbers, begins).items():
        for n, (demand_kw, buckets) in months.items():
            first = firsts[n]
            due = max(float(cal.due_days[first.month - 1]) * _DAY_BUCKETS, 1.0)
            told.append((number, first, demand_kw, min(buckets / due, 1.0)))
    out: dict[int, Series] = {}
    for number, first, demand_kw, known in told:
        series = out.setdefault(
            number, Series(np.full(MONTHS, np.nan), np.zeros(MONTHS), np.zeros(MONTHS))
        )
        series.month[first.month - 1], series.complete[first.month - 1] = demand_kw, known
    return out


def _contract(items: dict[str, Series], enterprise: Enterprise) -> None:
    agreed = enterprise.power.contract_demand_kw
    if agreed is not None and "contract_demand_kw" not in items:
        items["contract_demand_kw"] = Series(
            np.full(MONTHS, agreed), np.ones(MONTHS), np.zeros(MONTHS)
        )


def year_calendar(year: int, park_from: date | None, today: date) -> YearCalendar:
    """The calendar of a year; `today` is not over."""
    begin = date(year, 1, 1)
    return YearCalendar(year, max(begin, park_from or begin), min(today, date(year + 1, 1, 1)))
