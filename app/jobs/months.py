"""Monthly and yearly indicators of enterprises and the park, of what became stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from analytics.indicators.base import Factors
from analytics.indicators.catalogue import DEFINITIONS, INDICATORS, threshold_of
from analytics.indicators.derived import with_derived
from analytics.indicators.evaluate import MONTHS, Value, YearCalendar, evaluate
from app.jobs.flows import make_flows
from app.jobs.green_values import factors_of
from app.jobs.month_items import YearItems, year_calendar, year_items
from app.jobs.night_flow import KEYS as NIGHT_KEYS
from app.jobs.night_flow import night_values
from app.jobs.savings import KEYS as SAVING_KEYS
from app.jobs.savings import saving_values, verify_savings
from app.jobs.substations import substation_values
from models.definitions import Definition, Threshold
from models.energy import in_year
from models.indicators import IndicatorValue, PeriodKind, Status
from models.park import Park
from models.periods import local_day, month_start, next_month
from storage.amounts import park_sums, received_buckets, save_definitions
from storage.db import Conn
from storage.indicators import save_indicators
from storage.parks import AppliedPark, enterprise_ids

_DAY = timedelta(days=1)
_DAY_BUCKETS = 96
_OWN = ("completeness", "daily_monthly_gap")
_PARK = ("transformer_load", "substation_loss")
KEYS = (*(i.key for i in INDICATORS), *_OWN, *_PARK, *SAVING_KEYS)
"""What is computed here."""
_SUMMED = [*(i.key for i in INDICATORS if i.about.in_park), "completeness", *SAVING_KEYS]


def compute_months(
    conn: Conn, applied: AppliedPark, stale: Mapping[int, date], now: datetime
) -> dict[str, int]:
    """Compute and save the months and years that a change touches; needs a transaction."""
    park, today = applied.park, local_day(now, applied.park.zone)
    keys = {number: key for key, number in enterprise_ids(conn, applied.park_id).items()}
    mine = {i: month_start(day) for i, day in stale.items() if i in keys}
    values: list[IndicatorValue] = []
    changed = 0
    for year in range(min(mine.values(), default=today).year, today.year + 1):
        chosen = {i: park.enterprise(keys[i]) for i, day in mine.items() if day.year <= year}
        cal = year_calendar(year, park.data_from, today)
        if not chosen or not cal.due_days.any():
            continue
        first = min(day for i, day in mine.items() if i in chosen)
        shared, least = factors_of_year(park, year), park.rules.min_completeness_ratio
        for number, data in year_items(conn, applied, chosen, cal, first).items():
            standard = chosen[number].power.power_factor_standard
            factors = replace(shared, power_factor_standard=standard)
            values += _enterprise(number, data, cal, factors, least)
        values += _completeness(conn, list(chosen), cal, first)
    ids = {key: number for number, key in keys.items()}
    verify_savings(conn, applied, ids, {i: d for i, d in stale.items() if i in keys}, now)
    if mine:
        savings = saving_values(conn, applied, ids, min(mine.values()), today)
        values += [v for v in savings if v.enterprise_id in mine]
    nights = night_values(conn, applied, {i: park.enterprise(keys[i]) for i in mine}, stale, now)
    if nights:
        made = [value for _, some in nights.values() for value in some]
        since: list[tuple[int | None, date]] = [(i, day) for i, (day, _) in nights.items()]
        changed += save_indicators(conn, applied.park_id, made, since, now, NIGHT_KEYS)
    scopes: list[tuple[int | None, date]] = list(mine.items())
    kept = [v for v in values if v.enterprise_id is None or v.period_stop > mine[v.enterprise_id]]
    changed += save_indicators(conn, applied.park_id, kept, scopes, now, KEYS)
    save_definitions(conn, applied.park_id, definitions(park))
    if mine:
        first = min(mine.values())
        whole = list(_park(conn, applied.park_id, first))
        whole += substation_values(conn, applied, first, today)
        changed += save_indicators(conn, applied.park_id, whole, [(None, first)], now, KEYS)
        make_flows(conn, applied, first, today)
        kept += whole
    return {"values": len(kept), "changed": changed}


def definitions(park: Park) -> list[tuple[Definition, Threshold | None]]:
    """Every definition with the threshold of the park."""
    limits = {limit.indicator: limit for limit in park.thresholds}
    return [(about, threshold_of(about, limits)) for about in DEFINITIONS.values()]


def factors_of_year(park: Park, year: int) -> Factors:
    """The figures that hold for a year, and what they rest on."""
    energy, electricity = park.energy, factors_of(park, year)
    equal, life = in_year(energy.equal_value, year), in_year(energy.footprint_factor, year)
    clean = next((r for r in energy.clean_grid_ratio if r.year == year), None)
    told = {
        "equal_kgce_per_kwh": equal and f"equal value {equal.value} kgce/kWh: {equal.source}",
        "footprint_kg_per_kwh": life and f"life cycle {life.value} kg/kWh: {life.source}",
        "clean_grid_ratio": clean and f"grid {clean.ratio} clean: {clean.source}",
    }
    notes = {name: note or f"{name} of {year} is not set" for name, note in told.items()}
    return Factors(
        energy,
        equal.value if equal else None,
        life.value if life else None,
        electricity.location_kg_per_kwh,
        electricity.market_kg_per_kwh,
        clean.ratio if clean else None,
        notes={
            **electricity.notes,
            **notes,
            "pfc": energy.pfc_source,
            "tier": energy.tier_source,
        },
    )


def _enterprise(
    number: int, data: YearItems, cal: YearCalendar, factors: Factors, least: float
) -> Iterator[IndicatorValue]:
    items = with_derived(data.items, factors)
    for indicator in INDICATORS:
        for value in evaluate(indicator, items, cal, factors, least):
            kind, start, stop = _period(cal.year, value.month)
            settled = data.settled_until is None or stop <= data.settled_until
            is_final = stop <= cal.today and value.value is not None
            is_final = is_final and (settled or not indicator.uses_claims)
            yield _row(
                indicator.key,
                number,
                (kind, start, stop),
                value,
                indicator.about.unit,
                "final" if is_final else "provisional",
            )
    for month, gaps in data.gaps.items():
        kind, start, stop = _period(cal.year, month)
        if not cal.due_days[month] or stop > cal.today:
            continue
        worst = max(gaps, key=lambda key: gaps[key])
        note = ", ".join(f"{key} {gap:.2%}" for key, gap in sorted(gaps.items()))
        value = Value(month, gaps[worst], gaps[worst], None, 1.0, 0.0, note)
        yield _row("daily_monthly_gap", number, (kind, start, stop), value, "ratio", "final")


def _completeness(
    conn: Conn, numbers: list[int], cal: YearCalendar, changed_from: date
) -> Iterator[IndicatorValue]:
    """Row 44: measured quarter-hours of those that are due, all channels of an enterprise."""
    got = received_buckets(conn, numbers, max(cal.first, changed_from), cal.today)
    for number, months in got.items():
        for first, (measured, channel_days) in months.items():
            due = channel_days * _DAY_BUCKETS
            if not due:
                continue
            stop = next_month(first)
            share = min(measured / due, 1.0)
            value = Value(first.month - 1, share, min(measured, due), due, share, 0.0, "")
            status: Status = "final" if stop <= cal.today else "provisional"
            yield _row("completeness", number, ("month", first, stop), value, "ratio", status)


def _period(year: int, month: int) -> tuple[PeriodKind, date, date]:
    if month == MONTHS:
        return "year", date(year, 1, 1), date(year + 1, 1, 1)
    first = date(year, month + 1, 1)
    return "month", first, next_month(first)


def _row(
    key: str,
    number: int,
    period: tuple[PeriodKind, date, date],
    value: Value,
    unit: str,
    status: Status,
) -> IndicatorValue:
    return IndicatorValue(
        key,
        number,
        *period,
        value.value,
        value.upper,
        value.lower,
        unit,
        value.complete,
        value.estimated,
        status,
        value.note or None,
    )


def _park(conn: Conn, park_id: int, first: date) -> Iterator[IndicatorValue]:
    """The park: sums of numerators and denominators, told when every one of its members is.

    An enterprise that has the data of an indicator and cannot tell it may be the largest, so the
    sum of the others would be no number of the park. Savings are the sum of what is verified.
    """
    for row in park_sums(conn, park_id, _SUMMED, first):
        upper, lower = row["numerator"], row["denominator"]
        is_whole = row["told"] == row["members"] or row["indicator"] in SAVING_KEYS
        value = None
        if is_whole and upper is not None:
            value = upper if lower is None else upper / lower if lower > 0 else None
        note, complete = None, row["weighted_ratio"]
        if row["silent"]:
            note = f"not told by {', '.join(row['silent'])}: {row['note']}"
        elif row["least_ratio"] < 1:
            note = f"least complete: {row['least_key']} {row['least_ratio']:.1%}"
        if value is None or complete is None:
            complete = row["told"] / row["members"]
        is_final = row["is_final"] and value is not None
        yield IndicatorValue(
            row["indicator"],
            None,
            row["period_kind"],
            row["period_start"],
            row["period_stop"],
            value,
            upper if value is not None else None,
            lower if value is not None else None,
            row["unit"],
            complete,
            row["estimated_ratio"] or 0.0,
            "final" if is_final else "provisional",
            note,
        )
