"""Energy and water per tonne of product, by day and over the last seven days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pandas as pd

from analytics.intensity import specific_consumption
from models.indicators import ENERGY_INTENSITY, WATER_INTENSITY, IndicatorValue, PeriodKind
from models.park import Park, Role
from models.periods import local_day
from storage.balances import balance_days, role_days
from storage.db import Conn

_WINDOWS: tuple[tuple[PeriodKind, int], ...] = (("day", 1), ("rolling_7d", 7))


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
        share = _estimated_share(estimated, amount)
        for kind, width in _WINDOWS:
            table = specific_consumption(amount, product["value"], width)
            yield from _rows(table, share, key, unit, enterprise_id, kind, width, from_day)


def _rows(
    table: pd.DataFrame,
    share: pd.Series[float],
    key: str,
    unit: str,
    enterprise_id: int,
    kind: PeriodKind,
    width: int,
    from_day: date,
) -> Iterator[IndicatorValue]:
    shares = share.to_dict()
    for day, row in zip(table.index, table.to_dict("records"), strict=True):
        if day < from_day:
            continue
        window = [day - timedelta(days=n) for n in range(width)]
        known = [shares[d] for d in window if d in shares]
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
            sum(known) / len(known) if known else 0.0,
            "final" if value else "provisional",
        )


def _estimated_share(estimated: pd.Series[float], amount: pd.Series[float]) -> pd.Series[float]:
    positive = amount.where(amount > 0)
    return (estimated / positive).fillna(0.0).clip(0.0, 1.0)
