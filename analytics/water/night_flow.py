"""Minimum night flow, and what stands in for it where a plant runs at night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
Window = tuple[int, int]

HOUR_S = 3600
NIGHTS = 7
PERCENTILE = 0.2
FEWEST_DAYS = 20


def night_minimum(
    at_s: Floats, flow_m3_per_h: Floats, period_s: int, zone: ZoneInfo, window: Window = (2, 4)
) -> pd.Series[float]:
    """Lowest rolling hour of each local night [m3/h]; the hour lies inside the window.

    A night has no value (NaN) if a step of its window is absent or NaN: a missing step is never
    zero, and the minimum of the remaining ones would be too high. The window is one of wall times:
    of 02:00-04:00 one hour remains where clocks go forward at 02:00, three where they go back.
    A window of less than an hour has no value.

    Args:
        at_s: epoch seconds at which the steps start, strictly ascending, (n,).
        flow_m3_per_h: mean flow of each step [m3/h], NaN if unknown, (n,).
        period_s: length of a step [s], a divisor of an hour.
        zone: of the meter.
        window: first local hour and the one at which the window ends.

    Returns:
        One value per local date from the first step to the last, by date.

    Source: UKWIR 99/WM/08/21 (hour of least flow within the night).
    """
    width = HOUR_S // period_s
    steps = _night_steps(at_s, flow_m3_per_h, period_s, zone, window)
    return _by_date(
        {
            day: np.convolve(s, np.full(width, 1 / width), "valid").min()
            for day, s in steps.items()
            if len(s) >= width
        },
        steps,
    )


def night_mean(
    at_s: Floats, flow_m3_per_h: Floats, period_s: int, zone: ZoneInfo, window: Window = (0, 5)
) -> pd.Series[float]:
    """Mean flow of each local night [m3/h]; arguments, gaps and DST as in `night_minimum`."""
    steps = _night_steps(at_s, flow_m3_per_h, period_s, zone, window)
    return _by_date({day: s.mean() for day, s in steps.items() if len(s)}, steps)


def seven_night_percentile(nights: pd.Series[float]) -> pd.Series[float]:
    """20th percentile of the last seven nights [m3/h], by linear interpolation.

    Args:
        nights: one minimum per calendar date [m3/h], NaN where there is none.

    Returns:
        By date; NaN unless all seven nights have a value.

    Source: UKWIR 99/WM/08/21.
    """
    return nights.asfreq("D").rolling(NIGHTS, min_periods=NIGHTS).quantile(PERCENTILE)


def leak_m3_per_day(
    night_flow_m3_per_h: float, legitimate_m3_per_h: float, night_day_h: float = 24.0
) -> float:
    """Leakage of a day [m3/d]: night flow less night use, times the night-day factor.

    Args:
        night_flow_m3_per_h: minimum night flow [m3/h].
        legitimate_m3_per_h: what is used at that hour [m3/h].
        night_day_h: night-day factor [h/d], 24 if the pressure is the same day and night.

    Source: UKWIR 99/WM/08/21.
    """
    return max(0.0, night_flow_m3_per_h - legitimate_m3_per_h) * night_day_h


@dataclass(frozen=True)
class Intercept:
    """Flow that does not depend on production [m3/d], or the reason why it is not known."""

    flow_m3_per_day: float
    standard_error_m3_per_day: float
    r2_ratio: float
    days: int
    refusal: str | None = None


def intercept_flow(daily_m3: Floats, daily_product_t: Floats) -> Intercept:
    """Flow at no production, by least squares of daily flow on daily product.

    Days on which either is NaN are left out. Refused with fewer than 20 days, or if the product
    is the same on all days: then nothing tells the two apart.

    Args:
        daily_m3: water of each day [m3], (n,).
        daily_product_t: product of the same days [t], (n,).
    """
    known = np.isfinite(daily_m3) & np.isfinite(daily_product_t)
    days = int(known.sum())
    product_t = daily_product_t[known]
    refusal = None
    if days < FEWEST_DAYS:
        refusal = f"{days} days, {FEWEST_DAYS} are needed"
    elif np.ptp(product_t) <= 1e-9 * np.abs(product_t).max():
        refusal = "production does not vary"
    if refusal:
        return Intercept(np.nan, np.nan, np.nan, days, refusal)
    fit = sm.OLS(daily_m3[known], sm.add_constant(product_t)).fit()
    return Intercept(float(fit.params[0]), float(fit.bse[0]), float(fit.rsquared), days)


def stop_flow(
    at_s: Floats, flow_m3_per_h: Floats, period_s: int, stops_s: Sequence[tuple[float, float]]
) -> list[float]:
    """Mean flow [m3/h] in each declared stop of the plant.

    Only steps that lie wholly inside a stop count. A stop with a missing step among them, or too
    short for one, is NaN.

    Args:
        at_s: epoch seconds at which the steps start, strictly ascending, (n,).
        flow_m3_per_h: mean flow of each step [m3/h], NaN if unknown, (n,).
        period_s: length of a step [s].
        stops_s: first and last instant of each stop, `[start, stop)`, epoch seconds.
    """
    means = []
    for start_s, stop_s in stops_s:
        first_s, last_s = np.ceil(start_s / period_s), np.floor(stop_s / period_s)
        steps = _complete(at_s, flow_m3_per_h, period_s, (first_s * period_s, last_s * period_s))
        means.append(float(steps.mean()) if len(steps) else np.nan)
    return means


def unaccounted_m3(parent_m3: Floats, children_m3: Sequence[Floats]) -> Floats:
    """Water of the parent meter that no child meter saw [m3]; NaN where any of them is unknown.

    Args:
        parent_m3: amounts of the parent [m3], (n,).
        children_m3: amounts of each child in the same intervals [m3], each (n,).
    """
    return parent_m3 - np.sum(np.stack(children_m3), axis=0) if children_m3 else parent_m3.copy()


def _by_date(values: dict[date, float], dates: Iterable[date]) -> pd.Series[float]:
    days = list(dates)
    known = [values.get(day, np.nan) for day in days]
    return pd.Series(known, index=pd.DatetimeIndex(days), dtype=np.float64)


def _night_steps(
    at_s: Floats, flow_m3_per_h: Floats, period_s: int, zone: ZoneInfo, window: Window
) -> dict[date, Floats]:
    """All steps of the window of each local date, none of them if one is missing."""
    steps: dict[date, Floats] = {}
    if not len(at_s):
        return steps
    day, last = (datetime.fromtimestamp(float(s), zone).date() for s in (at_s[0], at_s[-1]))
    while day <= last:
        ends_s = _instant_s(day, window[0], zone), _instant_s(day, window[1], zone)
        steps[day] = _complete(at_s, flow_m3_per_h, period_s, ends_s)
        day += timedelta(days=1)
    return steps


def _instant_s(day: date, hour: int, zone: ZoneInfo) -> float:
    wall = datetime.combine(day, time(), zone) + timedelta(hours=hour)
    return wall.timestamp()


def _complete(
    at_s: Floats, flow_m3_per_h: Floats, period_s: int, ends_s: tuple[float, float]
) -> Floats:
    first, stop = np.searchsorted(at_s, ends_s)
    steps = flow_m3_per_h[first:stop]
    whole = len(steps) * period_s == ends_s[1] - ends_s[0] and bool(np.isfinite(steps).all())
    return steps if whole else steps[:0]
