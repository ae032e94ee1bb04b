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
import pandas as pd

from analytics.green.supply import Floats
from models.periods import next_month

Ints = npt.NDArray[np.int64]
Amounts = dict[str, Floats]
"""Columns of `AMOUNTS` for each window."""

CLAIM_AMOUNTS = (
    "green_trade_kwh",
    "nuclear_trade_kwh",
    "certificate_kwh",
    "excess_kwh",
    "claimed_kwh",
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


def amounts(days: pd.DataFrame, claims: Claims, windows: Windows) -> Amounts:
    """Sums of one enterprise over each window.

    Args:
        days: index local day; numeric columns, `grid_draw_kwh` among them. A day that is absent
            adds nothing.
        claims: by month of generation; a month cut by a window counts in proportion to its days,
            because only monthly totals are settled.

    Returns:
        The columns of `days` and `CLAIM_AMOUNTS` for each window. Claims are capped by the energy
        drawn from the grid in the window: T + C <= D, filled by green trades, nuclear trades,
        certificates in this order; `excess_kwh` counts nowhere; `claimed_kwh` is before the cap.

    Source: 发改能源〔2026〕622号 annex 3 (domain facts 1.1), convention 11.4.
    """
    ordinals = np.array([day.toordinal() for day in days.index], dtype=np.int64)
    order = np.argsort(ordinals)
    ordinals = ordinals[order]
    low, high = np.searchsorted(ordinals, windows.start), np.searchsorted(ordinals, windows.stop)
    high = np.maximum(low, high)
    out: Amounts = {}
    for name in days.columns:
        column = days[name].to_numpy(dtype=np.float64)[order]
        running = np.concatenate([[0.0], np.cumsum(column)])
        out[str(name)] = running[high] - running[low]
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
        room = room - out[name]
        excess += wanted - out[name]
        claimed += wanted
    return out | {"excess_kwh": excess, "claimed_kwh": claimed}


def apportion(monthly: Mapping[date, float], windows: Windows) -> Floats:
    """Part of monthly amounts that belongs to each window, by days."""
    out = np.zeros(len(windows.start))
    for month, amount in monthly.items():
        first = month.toordinal()
        length = calendar.monthrange(month.year, month.month)[1]
        inside = np.minimum(windows.stop, first + length) - np.maximum(windows.start, first)
        out += amount * np.clip(inside, 0, None) / length
    return out


def total(parts: Sequence[Amounts]) -> Amounts:
    """Sum of enterprises over the same windows; what one has not got is zero."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.sum([part[name] for part in parts if name in part], axis=0) for name in names}
