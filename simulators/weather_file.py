"""A measured weather file in place of a synthetic year."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from models.errors import ConfigError
from simulators.timegrid import Floats, YearGrid

_LONGEST_GAP_S = 3 * 3600
_DAY_S = 86400
_28_FEBRUARY = 58  # days before it
# Column -> lowest and highest believable value.
_LIMITS = {"ghi": (-20.0, 1600.0), "temp_air": (-60.0, 60.0), "wind_speed": (0.0, 75.0)}
_MOST_FAULTS = 5


@dataclass(frozen=True)
class Measured:
    """Weather of a year: radiation [W/m2], air [degC], wind at the height it was measured [m/s]."""

    ghi: Floats
    temp_air: Floats
    wind_speed: Floats


def measured_year(path: Path, grid: YearGrid) -> Measured:
    """Weather of a measured file for a year, straight lines between its rows.

    The file is CSV with the columns `time` (the instant of the values; local time of the park
    unless it has an offset), `ghi` [W/m2], `temp_air` [degC] and `wind_speed` [m/s]. Gaps of up to
    3 hours are bridged. A year that the file does not hold takes the same days of one that it
    holds: 29 February is left out or takes the 28th.

    Raises:
        ConfigError: unreadable, a missing column, a value that cannot be, a longer gap, no
            whole year; with the row and the column.
    """
    series = _read(path, str(grid.zone), _version(path))
    whole = _whole_years(path, series, grid)
    year = grid.year if grid.year in whole else whole[grid.year % len(whole)]
    source = YearGrid(year, grid.zone)
    wanted = source.start_s + _position_s(grid, source) + 450
    values = (np.interp(wanted, *series[name]) for name in _LIMITS)
    ghi, air, wind = values
    return Measured(np.maximum(ghi, 0.0), air, wind)


def _position_s(grid: YearGrid, source: YearGrid) -> Floats:
    """Second of the source year for each step of the wanted year."""
    position = np.asarray(grid.edges_s - grid.start_s, dtype=np.float64)
    leap_day_s = (_28_FEBRUARY + 1) * _DAY_S
    days = (source.stop_s - source.start_s - grid.stop_s + grid.start_s) // _DAY_S
    return position + np.where(position >= leap_day_s, days * _DAY_S, 0)


def _version(path: Path) -> tuple[int, int]:
    """A changed file is read again."""
    try:
        stat = path.stat()
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=4)
def _read(path: Path, zone: str, version: tuple[int, int]) -> dict[str, tuple[Floats, Floats]]:
    try:
        raw = pd.read_csv(path, dtype=str, skipinitialspace=True)
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except (ValueError, UnicodeDecodeError) as exc:
        raise ConfigError(str(path), [f"is not CSV: {exc}"]) from exc
    missing = [name for name in ("time", *_LIMITS) if name not in raw.columns]
    if missing:
        got = ", ".join(map(str, raw.columns))
        raise ConfigError(
            str(path), [f"has no column {name!r}; its columns are {got}" for name in missing]
        )
    time = _times(path, raw["time"], zone)
    faults: list[str] = []
    out = {}
    for name, (low, high) in _LIMITS.items():
        value = pd.to_numeric(raw[name], errors="coerce")
        bad = (value.isna() & raw[name].notna()) | (value < low) | (value > high)
        wanted = f"a number between {low:g} and {high:g}"
        faults += [_fault(row, name, raw[name][row], wanted) for row in bad.index[bad]]
        known = value.notna().to_numpy()
        out[name] = (time[known], value.to_numpy(dtype=np.float64)[known])
    _refuse(path, faults)
    return out


def _times(path: Path, text: pd.Series[str], zone: str) -> Floats:
    faults, seconds = [], np.full(len(text), np.nan)
    offset = text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False)
    for part, aware in ((text[offset], True), (text[~offset], False)):
        times = pd.to_datetime(part, errors="coerce", utc=aware, format="ISO8601")
        if not aware:
            times = times.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        times = times.dt.tz_convert("UTC")
        good = times.notna()
        epoch = (times[good] - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
        seconds[part.index[good]] = epoch
        wanted = "a time that exists once, such as 2024-05-01 14:00"
        faults += [_fault(row, "time", part[row], wanted) for row in part.index[~good]]
    _refuse(path, faults)
    back = np.flatnonzero(np.diff(seconds) <= 0) + 1
    _refuse(path, [_fault(int(i), "time", text[i], "a time after the row above") for i in back])
    return seconds


def _whole_years(path: Path, series: dict[str, tuple[Floats, Floats]], grid: YearGrid) -> list[int]:
    faults: list[str] = []
    for name, (time, _) in series.items():
        for i in np.flatnonzero(np.diff(time) > _LONGEST_GAP_S):
            where = f"{_local(time[i], grid)} to {_local(time[i + 1], grid)}"
            faults.append(f"column {name!r}: nothing from {where}; gaps up to 3 h can be bridged")
    _refuse(path, faults)
    known = [time for time, _ in series.values()]
    if any(len(time) == 0 for time in known):
        raise ConfigError(str(path), ["a column is empty"])
    first, last = max(time[0] for time in known), min(time[-1] for time in known)
    around = range(int(_local(first, grid)[:4]), int(_local(last, grid)[:4]) + 1)
    years = [YearGrid(year, grid.zone) for year in around]
    reach = _LONGEST_GAP_S
    whole = [y.year for y in years if first <= y.start_s + reach and last >= y.stop_s - reach]
    if not whole:
        span = f"{_local(first, grid)} to {_local(last, grid)}"
        raise ConfigError(str(path), [f"covers {span}; one whole calendar year is needed"])
    return whole


def _local(second: float, grid: YearGrid) -> str:
    return pd.Timestamp(second, unit="s", tz="UTC").tz_convert(grid.zone).strftime("%Y-%m-%d %H:%M")


def _fault(row: int, column: str, got: object, wanted: str) -> str:
    return f"line {row + 2}, column {column!r}: got {got!r}, expected {wanted}"


def _refuse(path: Path, faults: list[str]) -> None:
    if len(faults) > _MOST_FAULTS:
        faults = [*faults[:_MOST_FAULTS], f"and {len(faults) - _MOST_FAULTS} more"]
    if faults:
        raise ConfigError(str(path), faults)
