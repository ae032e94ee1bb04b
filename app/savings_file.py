"""A meter from a file, as a project whose saving can be verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import holidays
import pandas as pd

from analytics.savings.drivers import local_days
from analytics.savings.project import Granularity, MeterRecord, Project, Span
from models.errors import ConfigError

_DAY_S = 86_400
_TIME = "date"


@dataclass(frozen=True)
class MeterFile:
    """What the command line says of a file.

    Attributes:
        temperature: file of the outdoor temperature; None: a column of the same file, or none.
        changes: declared changes of the meter that the values already allow for.
    """

    path: Path
    baseline: Span
    reporting: Span
    timezone: str
    country: str
    monthly: bool = False
    temperature: Path | None = None
    changes: tuple[date, ...] = ()


def project_of_file(file: MeterFile) -> Project:
    """Read the file; steps shorter than a day are summed to complete local days.

    Raises:
        ConfigError: it cannot be read, lacks a column or has a time twice.
    """
    table = _read(file.path, ("use",), file.timezone)
    weather = _read(file.temperature, (), file.timezone) if file.temperature else table
    temperature = _celsius(weather, file.timezone)
    drivers = [c for c in table if c not in ("use", "temperature_degc", "temperature_degf")]
    daily = pd.DataFrame({name: _days(table[name], file.timezone) for name in ("use", *drivers)})
    granularity: Granularity = "month" if file.monthly else "day"
    if file.monthly:
        months = daily.resample("MS")
        whole = months.count().eq(daily.index.to_series().resample("MS").count(), axis=0)
        daily = months.sum().where(whole)
    years = range(file.baseline.start.year, file.reporting.stop.year + 1)
    return Project(
        file.path.stem,
        daily["use"],
        file.baseline,
        Span(file.baseline.stop, file.reporting.start),
        file.reporting,
        daily[drivers] if drivers else None,
        temperature,
        frozenset(holidays.country_holidays(file.country, years=years)),
        meter_changes=tuple(MeterRecord(day, handled=True) for day in file.changes),
        granularity=granularity,
    )


def _read(path: Path, needed: tuple[str, ...], timezone: str) -> pd.DataFrame:
    """Numeric columns by aware time, ascending."""
    try:
        raw = pd.read_csv(path)
    except (OSError, ValueError) as exc:
        raise ConfigError(str(path), [f"is no readable CSV file: {exc}"]) from exc
    raw = raw.rename(columns={raw.columns[0]: _TIME}) if len(raw.columns) else raw
    missing = [c for c in needed if c not in raw.columns]
    if missing:
        fault = f"column(s) missing: {', '.join(missing)}; expected: date,use[,driver ...]"
        raise ConfigError(str(path), [fault])
    text = raw.pop(_TIME).astype(str)
    parsed = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=_has_offset(text))
    if parsed.isna().any():
        line = int(parsed.isna().to_numpy().argmax()) + 2
        got = text.iloc[line - 2]
        raise ConfigError(str(path), [f"line {line}: got {got!r}, expected e.g. 2016-01-31"])
    index = pd.DatetimeIndex(parsed)
    if index.tz is None:  # an hour that the clocks repeat or skip has no time of its own
        index = index.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    numbers: pd.DataFrame = raw.apply(pd.to_numeric, errors="coerce").set_axis(index)
    table: pd.DataFrame = numbers[numbers.index.notna()].sort_index()
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise ConfigError(
            str(path), [f"{twice.isoformat()} is told twice; expected each time once"]
        )
    return table


def _has_offset(text: pd.Series[str]) -> bool:
    return bool(len(text)) and bool(text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").all())


def _days(values: pd.Series[float], timezone: str) -> pd.Series[float]:
    index = pd.DatetimeIndex(values.index)
    steps = index.to_series().diff().dt.total_seconds().median() if len(index) > 1 else _DAY_S
    if steps < _DAY_S:
        return local_days(values, timezone)
    local = index.tz_convert(timezone).normalize().tz_localize(None)
    return values.set_axis(local)


def _celsius(table: pd.DataFrame, timezone: str) -> pd.Series[float] | None:
    """Outdoor temperature by naive local time [degC]; None: there is none."""
    if "temperature_degf" in table:
        found = (table["temperature_degf"] - 32) / 1.8
    elif "temperature_degc" in table:
        found = table["temperature_degc"]
    else:
        return None
    index = pd.DatetimeIndex(found.index)
    local = found.set_axis(index.tz_convert(timezone).tz_localize(None))
    return local[~local.index.duplicated()]
