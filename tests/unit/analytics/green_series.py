"""Metered quarter-hours by hand, and their balances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from analytics.green.balance import Accounting, Series, Traced, trace
from analytics.green.shares import DayTable
from analytics.green.stock import Stock
from models.roles import Role

ROLES = {
    "grid": Role.GRID_IMPORT,
    "export": Role.GRID_EXPORT,
    "direct": Role.DIRECT_SUPPLY,
    "pv": Role.ONSITE_PV,
    "wind": Role.ONSITE_WIND,
    "charge": Role.STORAGE_CHARGE,
    "discharge": Role.STORAGE_DISCHARGE,
}
Amount = float | None


def series(role: str, values: Sequence[Amount], since: int = 0) -> Series:
    """A channel; None is a missing value, in service from position `since`."""
    value = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    in_service = np.arange(len(values)) >= since
    return Series(role, value, np.zeros(len(values), dtype=np.bool_), in_service)


def traced(
    accounting: Accounting | None = None,
    stock: Stock | None = None,
    cuts: Sequence[int] | None = None,
    **values: Sequence[Amount],
) -> Traced:
    """Balances of channels named as in `ROLES`."""
    channels = [series(ROLES[name], given) for name, given in values.items()]
    cuts = cuts or [len(channels[0].value)]
    return trace(channels, cuts, stock or Stock(), accounting or Accounting())


def table(first: date, **columns: Sequence[float]) -> DayTable:
    """Consecutive days with these columns."""
    arrays = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
    length = len(next(iter(arrays.values())))
    return DayTable(first.toordinal() + np.arange(length, dtype=np.int64), arrays)
