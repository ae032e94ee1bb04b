"""Uncertainty of a saving: Guideline 14's formula with published constants, and its check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from analytics.savings.acceptance import effective, lag_one
from analytics.savings.baseline import Baseline
from analytics.savings.drivers import Array
from analytics.savings.frame import Frame
from analytics.savings.project import Granularity

CLASSIC = 1.26
# Of M, the months of the reporting period: a M^2 + b M + c in the place of 1.26.
POLYNOMIAL = {"day": (-0.00024, 0.03535, 1.00286), "month": (-0.00022, 0.03306, 0.94054)}
MONTH_DAYS = 365.25 / 12


@dataclass(frozen=True)
class Spread:
    """What the formula needs.

    Attributes:
        cv: CV(RMSE) of the baseline, share.
        points: n of the baseline; effective_points: n', its independent ones.
        reported: m, points of the reporting period.
        factor: 1.26 or the polynomial's value.
    """

    cv: float
    points: float
    effective_points: float
    reported: float
    factor: float = CLASSIC

    def of_use(self, t: float) -> float:
        """Uncertainty as a share of the expected use of the reporting period.

        Source: ASHRAE Guideline 14-2014, eq. B-17 (times F); Reddy & Claridge 2000, eq. 8.
        """
        ratio = self.points / self.effective_points
        inner = ratio * (1 + 2 / self.effective_points) / self.reported
        return float(t * self.factor * self.cv * np.sqrt(inner))

    def of_saving(self, t: float, saved_share: float) -> float:
        """Fractional savings uncertainty: a share of the saving; infinite if none was made."""
        return self.of_use(t) / abs(saved_share) if saved_share else float("inf")


def factor(granularity: Granularity, reporting_months: float) -> float:
    """The polynomial in the place of 1.26, for at most two years as it was fitted.

    Source: Sun & Baltazar 2013, Analysis and improvement on the estimation of building energy
        savings uncertainty, ASHRAE Transactions 119(2); adopted by Guideline 14-2014, B4.
    """
    a, b, c = POLYNOMIAL[granularity]
    months = min(max(reporting_months, 1.0), 24.0)
    return a * months**2 + b * months + c


def student_t(confidence: float, degrees: float) -> float:
    """Two-sided t for a confidence as a share of 1."""
    return float(stats.t.ppf(0.5 + confidence / 2, max(degrees, 1.0)))


@dataclass(frozen=True)
class Uncertainty:
    """Of a saving [unit of the meter]; `effective_reported` is m', the reporting period's own."""

    at_68: float
    at_90: float
    effective_points: float
    effective_reported: float


def uncertainty(
    baseline: Baseline, reporting: Frame, granularity: Granularity, months: float
) -> Uncertainty:
    """The larger of the published formula and the model's own prediction variance.

    The second sees conditions far from the baseline's mean and persistence of the reporting
    period's residuals, which the formula does not; the formula covers what least squares leaves
    out. Neither covers a change of use that is no measure: that is for adjustments.
    """
    found = baseline.statistics
    independent = found.effective_points
    expected = baseline.predict(reporting) * reporting.known_days
    left = reporting.use - _rescaled(reporting.use, baseline.predict(reporting))
    own = effective(len(left), lag_one(left, reporting.known_index))
    spread = Spread(
        found.cv_rmse, found.points, independent, len(expected), factor(granularity, months)
    )
    by_model = np.sqrt(_variance(baseline, reporting, own))
    sides = []
    for confidence in (0.68, 0.90):
        t = student_t(confidence, independent - found.parameters)
        sides.append(max(spread.of_use(t) * float(expected.sum()), t * float(by_model)))
    return Uncertainty(sides[0], sides[1], independent, own)


def _variance(baseline: Baseline, reporting: Frame, own: float) -> float:
    """Of the sum of expected minus measured, with n' and m' for autocorrelation."""
    found = baseline.statistics
    days = reporting.known_days
    total = baseline.design_total(reporting)
    mean = baseline.fitted.mean()
    variance = (found.cv_rmse * mean) ** 2
    leverage = float(total @ baseline.unscaled @ total) * days.mean()
    of_line = leverage * found.points / found.effective_points
    of_points = float(days @ days) * len(days) / own
    return float(variance * (of_line + of_points))


def _rescaled(use: Array, expected: Array) -> Array:
    """Expected use at the level of the reporting period, so that the saving is no residual."""
    total = expected.sum()
    return expected * (use.sum() / total) if total else expected
