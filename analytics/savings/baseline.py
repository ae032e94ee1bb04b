"""The baseline: candidates, choice, prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm  # type: ignore[import-untyped]

from analytics.savings.acceptance import Statistics, statistics
from analytics.savings.balance import balance_points
from analytics.savings.drivers import OFF, Array
from analytics.savings.frame import BY_OFF, COOLING, HEATING, ONE, Frame, Terms
from analytics.savings.project import Granularity

KINDS: tuple[tuple[str, ...], ...] = ((), (HEATING,), (COOLING,), (HEATING, COOLING))
KEPT_P = 0.1  # of degree days: CalTRACK 1; version 2.0 asks for the sign only
DRIVER_P = 0.05  # IPMVP asks for |t| of at least 2
CALENDAR_P = 0.01  # ours: offered without being asked for


@dataclass(frozen=True)
class Baseline:
    """A fitted model of use per day.

    Attributes:
        coefficients, t_values, p_values: one per column of `terms`.
        unscaled: inverse of X'WX; times the residual variance it is their covariance.
        fitted: of the complete baseline periods, per day.
    """

    terms: Terms
    coefficients: Array
    t_values: Array
    p_values: Array
    unscaled: Array
    adjusted_r2: float
    fitted: Array
    statistics: Statistics

    def predict(self, frame: Frame) -> Array:
        """Expected use per day of a frame's complete periods."""
        expected: Array = frame.design(self.terms) @ self.coefficients
        return expected

    def design_total(self, frame: Frame) -> Array:
        """Sums of the columns over a frame's complete periods, each times its days."""
        total: Array = frame.known_days @ frame.design(self.terms)
        return total

    def formula(self) -> str:
        """The model as text: use per day, degree days in K, drivers per day."""
        said = {
            HEATING: f"HDD({self.terms.heating_degc} °C)",
            COOLING: f"CDD({self.terms.cooling_degc} °C)",
        }
        pieces = []
        for name, value in zip(self.terms.columns, self.coefficients, strict=True):
            parts = [said.get(part, part) for part in name.split(":")]
            factor = "" if name == ONE else "·" + "·".join(parts)
            pieces.append(f"{value:+.6g}{factor}")
        return "y = " + " ".join(pieces).removeprefix("+")


def choose(frame: Frame, granularity: Granularity) -> Baseline:
    """The candidate of the highest adjusted R2 among those that qualify.

    Candidates: no weather, heating, cooling, both; each with the calendar (days off have a level
    and slopes of their own, if p < 0.01) and all drivers, from which those with p >= 0.05 are
    dropped one by one. A candidate qualifies when its degree days have positive coefficients with
    p < 0.1. The one without weather always does: a flat load is a model too.

    Source: CalTRACK 2.0, 3.4.3 (candidates, signs, adjusted R2); dropping of drivers: ours.
    """
    candidates = [c for kinds in KINDS if (c := _candidate(frame, kinds, granularity)) is not None]
    return max(candidates, key=lambda c: c.adjusted_r2)


def fit(frame: Frame, terms: Terms, granularity: Granularity) -> Baseline:
    """Least squares of use per day, a month counting by its days.

    Source: CalTRACK 2.0, 3.4.1 (days unweighted), 3.4.2 (bills weighted by days).
    """
    design = frame.design(terms)
    done = sm.WLS(frame.use, design, weights=frame.known_days).fit()
    fitted = np.asarray(done.fittedvalues, dtype=float)
    days = frame.known_days
    return Baseline(
        terms=terms,
        coefficients=np.asarray(done.params, dtype=float),
        t_values=np.asarray(done.tvalues, dtype=float),
        p_values=np.asarray(done.pvalues, dtype=float),
        unscaled=np.asarray(done.normalized_cov_params, dtype=float),
        adjusted_r2=float(done.rsquared_adj) if design.shape[1] > 1 else 0.0,
        fitted=fitted,
        statistics=statistics(
            frame.use * days, fitted * days, frame.known_index, design.shape[1], granularity
        ),
    )


def _candidate(frame: Frame, kinds: tuple[str, ...], granularity: Granularity) -> Baseline | None:
    calendar = (OFF,) if frame.calendar and 0 < frame.off[frame.known].mean() < 1 else ()
    drivers = tuple(d for d in frame.drivers if np.ptp(frame.table[d][frame.known]) > 0)
    others = Terms((ONE, *calendar, *drivers))
    if not kinds:
        return _pruned(frame, others, granularity)
    if frame.weather is None:
        return None
    pair = balance_points(frame, frame.design(others), kinds)
    if pair is None:
        return None
    crossed = tuple(n for n, kind in BY_OFF.items() if calendar and kind in kinds)
    found = _pruned(frame, Terms((*others.columns, *kinds, *crossed), *pair), granularity)
    for name, value, p in zip(found.terms.columns, found.coefficients, found.p_values, strict=True):
        if name in kinds and not (value > 0 and p < KEPT_P):
            return None
    return found


def _pruned(frame: Frame, terms: Terms, granularity: Granularity) -> Baseline:
    """Without the calendar and driver columns that do not matter, the least first."""
    kept = {ONE, HEATING, COOLING}
    while True:
        found = fit(frame, terms, granularity)
        weak = [
            (p, name)
            for name, p in zip(terms.columns, found.p_values, strict=True)
            if name not in kept and not p < (CALENDAR_P if OFF in name.split(":") else DRIVER_P)
        ]
        if not weak:
            return found
        terms = terms.without(max(weak)[1])
