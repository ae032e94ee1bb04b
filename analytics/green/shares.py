"""Green shares of a year to date: physical (S1) and claimable (S3), with the cap on claims."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from models.periods import next_month


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


YTD_COLUMNS = (
    "physical_kwh",
    "draw_kwh",
    "consumption_kwh",
    "green_trade_kwh",
    "nuclear_trade_kwh",
    "certificate_kwh",
    "excess_kwh",
)


def year_to_date(days: pd.DataFrame, claims: Claims, year: int) -> pd.DataFrame:
    """Cumulative amounts of `[1 January, day]` for each day that has a balance.

    Args:
        days: index local day; columns `physical_green_kwh`, `grid_draw_kwh`, `consumption_kwh`.
        claims: by month of generation; a month cut by the window counts in proportion to its
            days, because only monthly totals are settled.

    Returns:
        Index day, columns `YTD_COLUMNS`. Claims are capped by the energy drawn from the grid:
        T + C <= D, filled by green trades, nuclear trades, certificates in this order;
        `excess_kwh` counts nowhere.

    Source: 发改能源〔2026〕622号 annex 3 (domain facts 1.1), conventions 11.3, 11.4.
    """
    mine = days[[d.year == year for d in days.index]].sort_index()
    out = pd.DataFrame(
        {
            "physical_kwh": mine["physical_green_kwh"].cumsum(),
            "draw_kwh": mine["grid_draw_kwh"].cumsum(),
            "consumption_kwh": mine["consumption_kwh"].cumsum(),
        },
        index=mine.index,
    )
    room = np.maximum(out["draw_kwh"].to_numpy(), 0.0)
    excess = np.zeros(len(out))
    for name, source in (
        ("green_trade_kwh", claims.green),
        ("nuclear_trade_kwh", claims.nuclear),
        ("certificate_kwh", claims.certificates),
    ):
        claimed = apportion(source, list(mine.index), year)
        counted = np.minimum(claimed, room)
        out[name] = counted
        room = room - counted
        excess += claimed - counted
    out["excess_kwh"] = excess
    return out


def apportion(
    monthly: Mapping[date, float], days: Sequence[date], year: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Part of the monthly amounts of `year` that belongs to `[1 January, day]`, for each day."""
    by_month = np.zeros(12)
    for month, amount in monthly.items():
        if month.year == year:
            by_month[month.month - 1] += amount
    before = np.concatenate([[0.0], np.cumsum(by_month)])
    return np.array(
        [
            before[d.month - 1]
            + by_month[d.month - 1] * d.day / calendar.monthrange(d.year, d.month)[1]
            for d in days
        ],
        dtype=np.float64,
    )


def shares(ytd: pd.DataFrame) -> pd.DataFrame:
    """S1 and S3 with their numerators; NaN where nothing was consumed.

    S1 = P / E, S3 = (P + Tg + C) / E. Nuclear trades are not green power.

    Source: domain facts 1.1.
    """
    claimable = ytd["physical_kwh"] + ytd["green_trade_kwh"] + ytd["certificate_kwh"]
    consumed = ytd["consumption_kwh"].where(ytd["consumption_kwh"] > 0)
    return pd.DataFrame(
        {
            "physical_kwh": ytd["physical_kwh"],
            "claimable_kwh": claimable,
            "consumption_kwh": ytd["consumption_kwh"],
            "s1": ytd["physical_kwh"] / consumed,
            "s3": claimable / consumed,
        },
        index=ytd.index,
    )


def park_total(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Sum of the capped users on every day that one of them has; a user's last value is carried.

    Source: convention 11.4: the park is the sum of the capped users.
    """
    days = sorted(set().union(*(set(p.index) for p in parts))) if parts else []
    total = pd.DataFrame(0.0, index=pd.Index(days, name="day"), columns=list(YTD_COLUMNS))
    for part in parts:
        total = total + part.reindex(total.index).ffill().fillna(0.0)
    return total
