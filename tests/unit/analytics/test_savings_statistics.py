"""Limits and uncertainty of savings: hand calculations and published numbers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analytics.savings import acceptance, uncertainty
from analytics.savings.baseline import fit
from analytics.savings.frame import ONE, Frame, Terms
from analytics.savings.project import Limits, Project, Span


def days(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count)


def test_cv_and_bias_by_hand() -> None:
    use, left = np.array([10.0, 12.0, 14.0, 16.0]), np.array([-1.0, 1.0, -1.0, 3.0])
    # sqrt(12 / (4 - 2)) / 13 = 2.449490 / 13; 2 / (2 * 13)
    assert acceptance.cv_rmse(left, use, 2) == pytest.approx(0.1884223, rel=1e-6)
    assert acceptance.nmbe(left, use, 2) == pytest.approx(1 / 13)


def test_fractional_uncertainty_of_the_fact_sheet() -> None:
    """CV 10 %, n = m = 12, F 10 %, rho 0, t 1: 1.26 sqrt((1 + 2/12)/12) = 39.3 %."""
    spread = uncertainty.Spread(cv=0.10, points=12, effective_points=12, reported=12)
    assert spread.of_saving(1.0, 0.10) == pytest.approx(0.3929, abs=5e-5)
    assert spread.of_use(1.0) == pytest.approx(0.03929, abs=5e-6)
    assert spread.of_saving(1.0, 0.0) == float("inf")


def test_autocorrelation_widens() -> None:
    """rho 0.5: n' = 120 (0.5/1.5) = 40; sqrt(3 (1 + 2/40)/100) = 0.1774824."""
    assert acceptance.effective(120, 0.5) == pytest.approx(40)
    assert acceptance.effective(120, -0.3) == 120
    spread = uncertainty.Spread(cv=0.2, points=120, effective_points=40, reported=100)
    assert spread.of_use(1.0) == pytest.approx(1.26 * 0.2 * 0.1774824, rel=1e-6)


def test_polynomial() -> None:
    """Sun & Baltazar 2013 at 12 months: -0.00024*144 + 0.03535*12 + 1.00286, and of months."""
    assert uncertainty.factor("day", 12) == pytest.approx(1.3925)
    assert uncertainty.factor("month", 12) == pytest.approx(1.30558)
    assert uncertainty.factor("day", 60) == uncertainty.factor("day", 24)


def test_student() -> None:
    """Tables of t: 1.812 at 90 % and 10 degrees; 0.9945 of the normal at 68 %."""
    assert uncertainty.student_t(0.90, 10) == pytest.approx(1.812, abs=5e-4)
    assert uncertainty.student_t(0.68, 1e6) == pytest.approx(0.9945, abs=5e-5)


@pytest.mark.parametrize(
    ("months", "limit"), [(6, 0.20), (11.99, 0.25), (12, 0.25), (60, 0.25), (61, 0.30)]
)
def test_prescriptive_limits(months: float, limit: float) -> None:
    assert Limits().cv(months) == limit


def test_lag_one_skips_gaps() -> None:
    index = days(6).delete(3)
    left = np.array([1.0, 1.0, -1.0, 5.0, -5.0])
    # pairs (1, 1), (1, -1), (5, -5): mean -25/3; mean square 53/5
    assert acceptance.lag_one(left, index) == pytest.approx((-25 / 3) / (53 / 5))


def test_months_of_a_daily_model() -> None:
    """Twelve months whose mean errors are +-3 of 100: 3 %, whatever the days scatter."""
    index = pd.date_range("2023-01-01", "2023-12-31")
    sign = np.where(index.month % 2 == 0, 1.0, -1.0)
    scatter = np.zeros(len(index))
    for month in range(1, 13):
        inside = np.flatnonzero(index.month == month)
        half = len(inside) // 2
        scatter[inside[:half]], scatter[inside[half : 2 * half]] = 40.0, -40.0
    found = acceptance.monthly_cv(3 * sign + scatter, np.full(len(index), 100.0), index)
    assert found == pytest.approx(0.03)
    assert acceptance.monthly_cv(scatter[:100], np.full(100, 100.0), index[:100]) is None


def test_refusals_name_the_limit() -> None:
    good = acceptance.Statistics(365, 3, 0.28, 0.0, 0.8, 0.3, 0.06)
    assert list(acceptance.refusals(good, Limits(), 11)) == []
    bad = acceptance.Statistics(365, 3, 0.61, 0.06, 0.8, 0.3, 0.22)
    said = " ".join(acceptance.refusals(bad, Limits(), 11))
    for part in ("months 22.0%, at most 20%", "days 61.0%, at most 50%", "+6.00%, at most 5%"):
        assert part in said


def test_longley() -> None:
    """Certified values of NIST StRD, Longley: coefficients and R2 = 0.995479004577296."""
    data = sm.datasets.longley.load_pandas()
    index = days(len(data.endog))
    project = Project(
        "longley",
        data.endog.set_axis(index),
        Span(date(2024, 1, 1), date(2024, 1, 17)),
        Span(date(2024, 1, 17), date(2024, 1, 18)),
        Span(date(2024, 1, 18), date(2024, 1, 20)),
        data.exog.set_axis(index),
        calendar="none",
    )
    frame = Frame(project, project.baseline)
    names = ("GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR")
    found = fit(frame, Terms((ONE, *names)), "day")
    certified = [
        -3482258.63459582,
        15.0618722713733,
        -0.0358191792925910,
        -2.02022980381683,
        -1.03322686717359,
        -0.0511041056535807,
        1829.15146461355,
    ]
    assert found.coefficients == pytest.approx(certified, rel=1e-6)
    assert found.statistics.r2 == pytest.approx(0.995479004577296, rel=1e-9)
    # residual standard deviation, certified: 304.854073561965
    assert found.statistics.cv_rmse * data.endog.mean() == pytest.approx(304.854073561965, rel=1e-6)
