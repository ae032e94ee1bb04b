"""Energy and water per tonne of product, by day and over the last seven days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from analytics.intensity import specific_consumption
from models.indicators import ENERGY_INTENSITY, WATER_INTENSITY, IndicatorValue, PeriodKind
from models.park import Park
from models.periods import local_day
from models.roles import Role
from storage.balances import balance_days, role_days
from storage.db import Conn

_WINDOWS: tuple[tuple[PeriodKind, int], ...] = (("day", 1), ("rolling_7d", 7))


_Parts = tuple[tuple["pd.Series[float]", "pd.Series[float]"], ...]


def intensity_values(
    conn: Conn, park: Park, enterprise_id: int, from_day: date, now: datetime
) -> Iterator[IndicatorValue]:
    """Values of every window that a change on or after `from_day` touches; days that are over."""
    today = local_day(now, park.zone)
    start = from_day - timedelta(days=6)
    product = role_days(conn, enterprise_id, Role.PRODUCTION, start, today)
    if product.empty:
        return
    energy = balance_days(conn, enterprise_id, start, today)
    energy = energy[energy["buckets"] == energy["expected_buckets"]]
    water = role_days(conn, enterprise_id, Role.WATER_INTAKE, start, today)
    for key, unit, amount, estimated in (
        (ENERGY_INTENSITY, "kWh/t", energy["consumption_kwh"], energy["estimated_kwh"]),
        (WATER_INTENSITY, "m3/t", water["value"], water["estimated_value"]),
    ):
        if amount.empty:
            continue
        parts = ((estimated, amount), (product["estimated_value"], product["value"]))
        for kind, width in _WINDOWS:
            table = specific_consumption(amount, product["value"], width)
            yield from _rows(table, parts, key, unit, enterprise_id, kind, width, from_day)


def _rows(
    table: pd.DataFrame,
    parts: _Parts,
    key: str,
    unit: str,
    enterprise_id: int,
    kind: PeriodKind,
    width: int,
    from_day: date,
) -> Iterator[IndicatorValue]:
    lookups: list[tuple[Any, Any]] = [(e.to_dict(), whole.to_dict()) for e, whole in parts]
    for day, row in zip(table.index, table.to_dict("records"), strict=True):
        if day < from_day:
            continue
        window = [day - timedelta(days=n) for n in range(width)]
        value = None if pd.isna(row["value"]) else float(row["value"])
        yield IndicatorValue(
            key,
            enterprise_id,
            kind,
            window[-1],
            day + timedelta(days=1),
            value,
            float(row["amount"]),
            float(row["product_t"]),
            unit,
            float(row["days"]) / width,
            max(_estimated_ratio(*lookup, window) for lookup in lookups),
            "final" if value is not None else "provisional",
        )


def _estimated_ratio(
    estimated: Mapping[date, float], whole: Mapping[date, float], window: Sequence[date]
) -> float:
    """Estimated part of an amount over the window: a ratio of sums, never a mean of ratios."""
    total = sum(whole.get(d, 0.0) for d in window)
    part = sum(estimated.get(d, 0.0) for d in window)
    return min(max(part / total, 0.0), 1.0) if total > 0 else 0.0
