"""Days of made-up quarter-hours for the tests of the checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from analytics.metering.buckets import Floats
from analytics.metering.checks.days import MEASURED, MISSING, Days, grid, table
from analytics.metering.checks.stuck import still_mask
from models.park import ValidationSettings

LIMITS = ValidationSettings()
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)  # four weeks without holidays begin here, in China and in Germany
RAMP = [float(10 + n % 8) for n in range(96)]
"""12 x (10 + 11 + ... + 17) = 12 x 108 = 1,296 a day; 54 in four hours."""


def days_of(
    rows: Sequence[Sequence[float]],
    *,
    first: date = MONDAY,
    zone: ZoneInfo = SHANGHAI,
    checked: tuple[int, int] | None = None,
    step: float = 0.0,
    quality: Mapping[tuple[int, int], int] | None = None,
    gauge: bool = False,
    varies: bool = False,
    idle: bool = False,
) -> Days:
    """Rows of quarter-hours of consecutive days; NaN is missing."""
    n = len(rows)
    made = grid(first, date.fromordinal(first.toordinal() + n), zone, "CN")
    value = np.full((n, 100), np.nan)
    for number, row in enumerate(rows):
        value[number, : len(row)] = row
    marks = np.where(np.isnan(value), MISSING, MEASURED).astype(np.uint8)
    for place, mark in (quality or {}).items():
        marks[place] = mark
    row, column = np.nonzero(marks != MISSING)
    start_s = made.edge_s[row] + column * 900
    flat: Floats = value[row, column]
    still = still_mask(start_s, flat, flat, flat, gauge=gauge)
    return Days(
        made,
        value,
        marks,
        checked or (0, n),
        "_kwh",
        np.full(n, step),
        varies=varies,
        idle=idle,
        still=table(made, start_s, still, False),
    )


def scaled(row: Sequence[float], by: float) -> list[float]:
    return [by * v for v in row]


def at(row: Sequence[float], **changes: float) -> list[float]:
    """The row with other values: `at(row, q5=3)` sets quarter-hour 5."""
    out = list(row)
    for name, value in changes.items():
        out[int(name[1:])] = value
    return out


def place(days: Days, start_s: float) -> tuple[int, int]:
    """Row and column of an instant."""
    row, column = days.grid.place(np.array([start_s]))
    return int(row[0]), int(column[0])
