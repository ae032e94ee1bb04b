"""Load and losses of the park's substations (row 43 of domain facts 8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from models.indicators import IndicatorValue
from models.park import Park
from models.periods import day_start, days, next_month
from storage.amounts import substation_loads
from storage.db import Conn
from storage.parks import AppliedPark

_DAY_BUCKETS = 96


def substation_values(
    conn: Conn, applied: AppliedPark, first: date, today: date
) -> Iterator[IndicatorValue]:
    """Highest load of any substation by month, and what is lost between it and the meters below.

    S = sqrt(P^2 + Q^2) of measured quarter-hours; without a reactive meter S = P, and says so.
    """
    park = applied.park
    if not park.substations:
        return
    below = {s.key: _below(park, s.meter) for s in park.substations}
    period = (day_start(first, park.zone), day_start(today, park.zone))
    wanted = [s.meter for s in park.substations] + [m for keys in below.values() for m in keys]
    months: dict[date, dict[str, dict[str, Any]]] = {}
    for row in substation_loads(conn, applied.park_id, wanted, period, park.zone):
        months.setdefault(row["month"], {})[row["key"]] = row
    for month, rows in sorted(months.items()):
        stop = next_month(month)
        due = len(list(days(month, min(stop, today)))) * _DAY_BUCKETS
        yield from _load(park, month, stop, rows, (due, stop <= today))
        yield from _loss(park, month, stop, rows, below, (due, stop <= today))


def _below(park: Park, meter: str) -> list[str]:
    return [m.key for e in park.enterprises for m in e.meters if m.parent == meter]


def _load(
    park: Park,
    month: date,
    stop: date,
    rows: dict[str, dict[str, Any]],
    known: tuple[int, bool],
) -> Iterator[IndicatorValue]:
    due, is_over = known
    told = [
        (rows[s.meter]["load_kva"] / 1000 / s.rated_mva, s)
        for s in park.substations
        if s.meter in rows
    ]
    if not told:
        return
    ratio, worst = max(told, key=lambda pair: pair[0])
    parts = [f"{s.key} {share:.1%}" for share, s in told]
    active = [s.key for _, s in told if not rows[s.meter]["has_reactive"]]
    if active:
        parts.append(f"active power only: {', '.join(active)}")
    complete = sum(min(rows[s.meter]["buckets"] / due, 1.0) for _, s in told)
    yield IndicatorValue(
        "transformer_load",
        None,
        "month",
        month,
        stop,
        ratio,
        rows[worst.meter]["load_kva"],
        worst.rated_mva * 1000,
        "ratio",
        complete / len(park.substations),
        0.0,
        "final" if is_over else "provisional",
        "; ".join(parts),
    )


def _loss(
    park: Park,
    month: date,
    stop: date,
    rows: dict[str, dict[str, Any]],
    below: dict[str, list[str]],
    known: tuple[int, bool],
) -> Iterator[IndicatorValue]:
    due, is_over = known
    fed = [s for s in park.substations if below[s.key]]
    whole = [s for s in fed if s.meter in rows and all(m in rows for m in below[s.key])]
    if not whole:
        return
    got = sum(rows[s.meter]["energy_kwh"] for s in whole)
    given = sum(rows[m]["energy_kwh"] for s in whole for m in below[s.key])
    meters = [m for s in whole for m in (s.meter, *below[s.key])]
    complete = min(min(rows[m]["buckets"] / due, 1.0) for m in meters)
    is_told = complete >= park.rules.min_completeness_ratio and got > 0
    yield IndicatorValue(
        "substation_loss",
        None,
        "month",
        month,
        stop,
        (got - given) / got if is_told else None,
        got - given,
        got,
        "ratio",
        complete * len(whole) / len(fed),
        0.0,
        "final" if is_over and is_told else "provisional",
        ", ".join(s.key for s in whole),
    )
