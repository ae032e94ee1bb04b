"""Amounts of any windows of local days: energy, trades and certificates under their cap.

A share over time is a ratio of sums of kWh, never a mean of shares (domain facts 11.5). The park
or any other set of enterprises is the sum of its capped members (11.4).
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from analytics.green.supply import Floats
from models.periods import next_month

Ints = npt.NDArray[np.int64]
Amounts = dict[str, Floats]
"""Amounts by name, a value for each window."""

CLAIM_AMOUNTS = (
    *("green_trade_kwh", "nuclear_trade_kwh", "certificate_kwh"),
    *("green_trade_claimed_kwh", "nuclear_trade_claimed_kwh", "certificate_claimed_kwh"),
    *("excess_kwh", "claimed_kwh"),
)


@dataclass(frozen=True)
class Claims:
    """Settled trades and cancelled certificates of one enterprise, by month of generation [kWh].

    Attributes:
        green, nuclear: settled trades; certificates: cancelled ones, 1 MWh each.
    """

    green: Mapping[date, float] = field(default_factory=dict)
    nuclear: Mapping[date, float] = field(default_factory=dict)
    certificates: Mapping[date, float] = field(default_factory=dict)

    @property
    def settled_until(self) -> date | None:
        """First day after the last month for which anything was settled; None without claims."""
        months = [*self.green, *self.nuclear, *self.certificates]
        return next_month(max(months)) if months else None


@dataclass(frozen=True)
class DayTable:
    """Amounts of local days; a day that is absent is not known.

    Attributes:
        days: ordinals of `date`, ascending, each once.
        columns: amounts of each day [kWh, or as the name says], of the length of `days`.
    """

    days: Ints
    columns: Mapping[str, Floats]

    def at(self, wanted: Ints) -> DayTable:
        """These days, which all have to be there."""
        position = np.searchsorted(self.days, wanted)
        return DayTable(wanted, {name: c[position] for name, c in self.columns.items()})

    def joined(self, other: DayTable) -> DayTable:
        """Columns of both, which differ, on the days of either; zero where one has no such day."""
        if np.array_equal(self.days, other.days):
            return DayTable(self.days, {**self.columns, **other.columns})
        every = np.union1d(self.days, other.days)
        columns: dict[str, Floats] = {}
        for table in (self, other):
            position = np.searchsorted(every, table.days)
            for name, column in table.columns.items():
                columns[name] = np.zeros(len(every))
                columns[name][position] = column
        return DayTable(every, columns)


@dataclass(frozen=True)
class Windows:
    """Half-open ranges of local days as ordinals of `date`; equal lengths."""

    start: Ints
    stop: Ints

    @classmethod
    def of(cls, ranges: Sequence[tuple[date, date]]) -> Windows:
        """Windows `[first, stop)`."""
        return cls(
            np.array([first.toordinal() for first, _ in ranges], dtype=np.int64),
            np.array([stop.toordinal() for _, stop in ranges], dtype=np.int64),
        )


def amounts(table: DayTable, claims: Claims, windows: Windows) -> Amounts:
    """Sums of one enterprise over each window.

    Args:
        table: with `grid_draw_kwh`. A day that is absent adds nothing.
        claims: by month of generation; a month cut by a window counts in proportion to its days,
            because only monthly totals are settled.

    Returns:
        The columns of `table` and `CLAIM_AMOUNTS` for each window. Claims are capped by the energy
        drawn from the grid in the window: T + C <= D, filled by green trades, nuclear trades,
        certificates in this order; `excess_kwh` counts nowhere; `claimed` is before the cap.

    Source: 发改能源〔2026〕622号 annex 3 (domain facts 1.1), convention 11.4.
    """
    low, high = (np.searchsorted(table.days, edge) for edge in (windows.start, windows.stop))
    out: Amounts = {}
    for name, column in table.columns.items():
        running = np.concatenate([[0.0], np.cumsum(column)])
        out[name] = running[high] - running[low]
    return out | capped(out["grid_draw_kwh"], claims, windows)


def capped(draw_kwh: Floats, claims: Claims, windows: Windows) -> Amounts:
    """Claims of each window under the cap; `CLAIM_AMOUNTS`."""
    out: Amounts = {}
    room = np.maximum(draw_kwh, 0.0)
    excess, claimed = np.zeros(len(room)), np.zeros(len(room))
    for name, source in (
        ("green_trade_kwh", claims.green),
        ("nuclear_trade_kwh", claims.nuclear),
        ("certificate_kwh", claims.certificates),
    ):
        wanted = apportion(source, windows)
        out[name] = np.minimum(wanted, room)
        out[name.replace("_kwh", "_claimed_kwh")] = wanted
        room = room - out[name]
        excess += wanted - out[name]
        claimed += wanted
    return out | {"excess_kwh": excess, "claimed_kwh": claimed}


def apportion(monthly: Mapping[date, float], windows: Windows) -> Floats:
    """Part of monthly amounts that belongs to each window, by days."""
    out = np.zeros(len(windows.start))
    for month, amount in sorted(monthly.items()):  # the same bits in any order of the ledger
        first = month.toordinal()
        length = calendar.monthrange(month.year, month.month)[1]
        inside = np.minimum(windows.stop, first + length) - np.maximum(windows.start, first)
        out += amount * np.clip(inside, 0, None) / length
    return out


def total(parts: Sequence[Amounts]) -> Amounts:
    """Sum of enterprises over the same windows; what one has not got is zero."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.sum([part[name] for part in parts if name in part], axis=0) for name in names}
