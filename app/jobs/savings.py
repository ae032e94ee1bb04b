"""Measurement and verification of the retrofit projects whose data changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from analytics.metering.likedays import day_kinds
from analytics.savings.project import Adjustment, MeterRecord, Project, Span
from analytics.savings.verify import SavingResult, verify
from models.indicators import IndicatorValue
from models.park import Park
from models.periods import days, local_day
from models.retrofits import Retrofit
from storage.db import Conn
from storage.parks import AppliedPark
from storage.savings import (
    changes_of_meters,
    complete_days,
    forget_savings,
    list_savings,
    save_saving,
)

UNITS = {"electricity": "kWh", "water": "m3", "gas": "m3", "heat": "GJ"}
_INDICATORS = {"electricity": "saving_verified", "water": "water_saving_verified"}
KEYS = (*_INDICATORS.values(), "saving_progress")
"""What is computed here."""


def verify_savings(
    conn: Conn,
    applied: AppliedPark,
    ids: Mapping[str, int],
    stale: Mapping[int, date],
    now: datetime,
) -> None:
    """Verify the projects of stale enterprises, year by year; needs a transaction.

    A project is looked at again when a whole day of it changed or became known.
    """
    park, today = applied.park, local_day(now, applied.park.zone)
    forget_savings(conn, applied.park_id, [r.key for r in park.retrofits])
    known = {
        (row["project"], row["reporting_year"]): row["reporting_stop"]
        for row in list_savings(conn, applied.park_id)
    }
    for retrofit in park.retrofits:
        number = ids[retrofit.enterprise]
        if number not in stale:
            continue
        for year in range(retrofit.commissioned.year, today.year + 1):
            span = reporting(retrofit, year, today)
            is_same = span is not None and known.get((retrofit.key, year)) == span.stop
            if span is None or (is_same and stale[number] >= span.stop):
                continue
            result = verify(project_of(conn, applied, retrofit, span))
            row = _row(retrofit, span, result, year)
            ends = {"park_id": applied.park_id, "enterprise_id": number, "now": now}
            save_saving(conn, row | ends)


def reporting(retrofit: Retrofit, year: int, today: date) -> Span | None:
    """Days of a year that are over and in which the project saves; None: none yet."""
    start = max(retrofit.commissioned, date(year, 1, 1))
    stop = min(retrofit.reporting_stop or date.max, date(year + 1, 1, 1), today)
    return Span(start, stop) if start < stop else None


def project_of(conn: Conn, applied: AppliedPark, retrofit: Retrofit, span: Span) -> Project:
    """The project with the complete days of its channels."""
    data = complete_days(conn, applied.park_id, retrofit.paths, retrofit.baseline_start, span.stop)
    index = pd.date_range(retrofit.baseline_start, span.stop, freq="D", inclusive="left")

    def series(paths: Sequence[str]) -> pd.Series[float]:
        total = pd.Series(0.0, index=index)
        for path in paths:
            told = data.get(path.removeprefix("-"), {})
            values = pd.Series({pd.Timestamp(day): v for day, v in told.items()}, dtype=float)
            total = total + (-1.0 if path.startswith("-") else 1.0) * values.reindex(index)
        return total

    measured = series(retrofit.channels)
    drivers = pd.DataFrame({name: series(paths) for name, paths in retrofit.drivers.items()})
    if retrofit.granularity == "month":
        # a month with a missing day is missing: min_count keeps it so
        monthly = measured.resample("MS")
        measured = monthly.sum().where(monthly.count() == monthly.size())
        counted = drivers.resample("MS")
        drivers = counted.sum().where(counted.count().eq(counted.size(), axis=0))
    begins = [
        MeterRecord(local_day(at, applied.park.zone), handled=True, note="dated record")
        for at in changes_of_meters(conn, applied.park_id, retrofit.paths)
    ]
    temperature = series([retrofit.temperature]) if retrofit.temperature else None
    return Project(
        retrofit.key,
        measured,
        Span(retrofit.baseline_start, retrofit.baseline_stop),
        Span(retrofit.baseline_stop, max(retrofit.commissioned, retrofit.baseline_stop + _DAY)),
        span,
        drivers if len(drivers.columns) else None,
        temperature,
        _days_off(applied.park, index),
        retrofit.calendar,
        tuple(
            Adjustment(a.amount, a.reason)
            for a in retrofit.adjustments
            if a.year == span.start.year
        ),
        tuple(begins),
        retrofit.granularity,
    )


_DAY = pd.Timedelta(days=1).to_pytimedelta()


def _days_off(park: Park, index: pd.DatetimeIndex) -> frozenset[date]:
    every = list(days(index[0].date(), index[-1].date()))
    kinds = day_kinds(every, park.metering.calendar)
    return frozenset(day for day, kind in zip(every, kinds, strict=True) if kind == "holiday")


def _row(retrofit: Retrofit, span: Span, result: SavingResult, year: int) -> dict[str, Any]:
    spread = result.uncertainty.at_90 if result.uncertainty and result.saved is not None else None
    saved = result.saved
    statistics: dict[str, Any] = {
        "fsu_68": result.fsu,
        "uncertainty_90": spread,
        "unverified_estimate": None if result.accepted else result.estimate,
        "t_values": result.t_values,
        "heating_degc": result.heating_degc,
        "cooling_degc": result.cooling_degc,
    }
    if result.statistics is not None:
        statistics |= {k: v for k, v in vars(result.statistics).items() if _is_plain(v)}
    adjusted = sum(a.amount for a in retrofit.adjustments if a.year == year)
    return {
        "project": retrofit.key,
        "reporting_year": year,
        "medium": retrofit.medium,
        "unit": UNITS[retrofit.medium],
        "name_zh": retrofit.name.zh,
        "name_en": retrofit.name.en,
        "baseline_start": retrofit.baseline_start,
        "baseline_stop": retrofit.baseline_stop,
        "reporting_start": span.start,
        "reporting_stop": span.stop,
        "is_accepted": result.accepted,
        "saved_amount": saved,
        "saved_low": saved - spread if saved is not None and spread is not None else None,
        "saved_high": saved + spread if saved is not None and spread is not None else None,
        "baseline_amount": result.expected,
        "measured_amount": result.measured,
        "adjusted_amount": adjusted,
        "target_amount": retrofit.target_amount,
        "model": result.formula,
        "statistics": {k: v for k, v in statistics.items() if v is not None},
        "refusals": list(result.refusals),
        "remarks": list(result.remarks),
    }


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float) and value == value


def saving_values(
    conn: Conn, applied: AppliedPark, ids: Mapping[str, int], from_day: date, today: date
) -> Iterator[IndicatorValue]:
    """Verified savings and progress of enterprises by year; what was refused says why."""
    rows = [r for r in list_savings(conn, applied.park_id) if r["reporting_year"] >= from_day.year]
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["enterprise"], row["reporting_year"], row["medium"]), []).append(row)
    for (enterprise, year, medium), mine in sorted(groups.items()):
        if medium in _INDICATORS:
            key = _INDICATORS[medium]
            yield _value(key, UNITS[medium], ids[enterprise], year, mine, today, None)
        aimed = [row for row in mine if row["target_amount"] is not None]
        if medium == "electricity":
            target = sum(row["target_amount"] for row in aimed) if aimed else None
            yield _value("saving_progress", "ratio", ids[enterprise], year, aimed or mine, today,
                         target)  # fmt: skip


def _value(
    key: str,
    unit: str,
    number: int,
    year: int,
    rows: Sequence[Mapping[str, Any]],
    today: date,
    target: float | None,
) -> IndicatorValue:
    accepted = [row for row in rows if row["is_accepted"]]
    saved = sum(row["saved_amount"] for row in accepted) if accepted else None
    notes = [
        f"{row['project']}: {row['saved_low']:,.0f} to {row['saved_high']:,.0f} (90 %)"
        for row in accepted
    ]
    refused = [row for row in rows if not row["is_accepted"]]
    notes += [f"{row['project']} refused: {row['refusals'][0]}" for row in refused]
    value = saved
    if unit == "ratio":
        value = saved / target if saved is not None and target else None
        notes += [] if target else ["target not set"]
    stop = date(year + 1, 1, 1)
    return IndicatorValue(
        key,
        number,
        "year",
        date(year, 1, 1),
        stop,
        value,
        saved if value is not None else None,
        target if unit == "ratio" and value is not None else None,
        unit,
        len(accepted) / len(rows),
        0.0,
        "final" if stop <= today and value is not None else "provisional",
        "; ".join(notes) or None,
    )
