"""Statistics of a baseline and the limits it must keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.savings.drivers import Array
from analytics.savings.project import Granularity, Limits

MONTH_SHARE = 0.8  # of a month's days must be there for its sum to count


@dataclass(frozen=True)
class Statistics:
    """How well a baseline follows its own period; shares are of 1.

    `r2` is None for a model without drivers: there is nothing to explain, and a flat load would
    be refused for being flat. `monthly_cv` is None for monthly data.
    """

    points: int
    parameters: int
    cv_rmse: float
    nmbe: float
    r2: float | None
    rho: float
    monthly_cv: float | None

    @property
    def effective_points(self) -> float:
        """N' = n (1 - rho) / (1 + rho), never above n."""
        return effective(self.points, self.rho)


def cv_rmse(residuals: Array, use: Array, parameters: int) -> float:
    """Root mean square error over mean use. Source: ASHRAE Guideline 14-2014, eq. 4-4."""
    spread = np.sqrt(float(residuals @ residuals) / (len(use) - parameters))
    return float(spread / use.mean())


def nmbe(residuals: Array, use: Array, parameters: int) -> float:
    """Normalised mean bias error; zero for least squares with a constant.

    Source: ASHRAE Guideline 14-2014, eq. 4-3.
    """
    return float(residuals.sum() / ((len(use) - parameters) * use.mean()))


def lag_one(residuals: Array, index: pd.DatetimeIndex) -> float:
    """Autocorrelation of neighbouring periods; pairs across a gap do not count."""
    codes = index.to_period("M" if _monthly(index) else "D").asi8  # type: ignore[attr-defined]
    near = np.diff(codes) == 1
    first, second = residuals[:-1][near], residuals[1:][near]
    square = float(residuals @ residuals)
    if near.sum() < 3 or square == 0:
        return 0.0
    return float((first @ second) / near.sum() / (square / len(residuals)))


def effective(points: int, rho: float) -> float:
    """Independent points among autocorrelated ones; a negative rho earns nothing.

    Source: ASHRAE Guideline 14-2014, eq. B-16 (n' = n (1 - rho) / (1 + rho)).
    """
    bounded = min(max(rho, 0.0), 0.99)
    return points * (1 - bounded) / (1 + bounded)


def monthly_cv(residuals: Array, use: Array, index: pd.DatetimeIndex) -> float | None:
    """CV(RMSE) of the sums of calendar months of a daily model; None below six months.

    Incomplete months are taken per day. Source: ours, so that a daily model obeys the limit that
    Guideline 14 states for bills; its parameters come from days, so none is deducted.
    """
    month = index.to_period("M")
    both = pd.DataFrame({"left": residuals, "use": use}).groupby(np.asarray(month))
    enough = both.size().astype(float).ge(MONTH_SHARE * 28)
    if enough.sum() < 6:
        return None
    mean = both.mean()[enough]
    return float(np.sqrt((mean["left"] ** 2).mean()) / mean["use"].mean())


def statistics(
    use: Array, fitted: Array, index: pd.DatetimeIndex, parameters: int, granularity: Granularity
) -> Statistics:
    """All of a model; use and fitted per period in one unit."""
    left = use - fitted
    total = float(((use - use.mean()) ** 2).sum())
    r2 = 1 - float(left @ left) / total if parameters > 1 and total > 0 else None
    return Statistics(
        points=len(use),
        parameters=parameters,
        cv_rmse=cv_rmse(left, use, parameters),
        nmbe=nmbe(left, use, parameters),
        r2=r2,
        rho=lag_one(left, index),
        monthly_cv=monthly_cv(left, use, index) if granularity == "day" else None,
    )


def refusals(found: Statistics, limits: Limits, reporting_months: float) -> Iterator[str]:
    """Reasons why a baseline is not good enough."""
    limit = limits.cv(reporting_months)
    monthly = found.monthly_cv is None
    judged = found.cv_rmse if found.monthly_cv is None else found.monthly_cv
    if judged > limit:
        yield f"baseline.cv: CV(RMSE) of months {judged:.1%}, at most {limit:.0%}"
    if not monthly and found.cv_rmse > limits.cv_daily:
        yield f"baseline.cv: CV(RMSE) of days {found.cv_rmse:.1%}, at most {limits.cv_daily:.0%}"
    if abs(found.nmbe) > limits.nmbe:
        yield f"baseline.nmbe: NMBE {found.nmbe:+.2%}, at most {limits.nmbe:.0%}"


def _monthly(index: pd.DatetimeIndex) -> bool:
    return bool((np.asarray(index.day) == 1).all()) and len(index) > 1
