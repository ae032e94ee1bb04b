"""A step of scale inside a period: from some day on the meter shows another multiple."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from analytics.savings.acceptance import effective, lag_one
from analytics.savings.drivers import Array

TRIM = 0.05  # of the period at each end, not searched
FEWEST = 7  # periods on either side
# Chance of chi-square above 13, the 1 % limit of sup-F for one parameter and 5 % trimming
# (Andrews 1993, table I), so that a few months are asked for more than many days.
CHANCE = 3.1e-4
SHARPER = 4.0  # log likelihood gained over a drift or a season; ours
RETURNED = 6.0  # ours; a true step gains up to 5 by a second edge placed by chance
ROUNDS = 6
FLOOR = 0.2  # of the mean use, for weights
LARGE = np.log(1.4)  # as at commissioning: no season or drift of a model is as large

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Step:
    """A step: values from `on` are `ratio` times what they would have been.

    Attributes:
        statistic: sup-F for autocorrelated residuals; critical: its limit.
        sharper: log likelihood gained over the better one of a drift and a yearly season of scale.
        returned: log likelihood that a return to the former level gains over the step.
    """

    on: pd.Timestamp
    ratio: float
    statistic: float
    critical: float
    sharper: float
    returned: float

    @property
    def certain(self) -> bool:
        """Whether it is a step rather than scatter, drift or season."""
        needed = 0.0 if abs(np.log(self.ratio)) > LARGE else SHARPER
        return self.statistic > self.critical and self.sharper > needed

    @property
    def lasting(self) -> bool:
        """Whether the level stays, unlike that of a holiday or a closed term."""
        return self.returned < RETURNED


def find_step(use: Array, design: Array, index: pd.DatetimeIndex) -> Step | None:
    """The likeliest step of scale in one period, None if it is too short or fitted exactly.

    For every date the model is fitted anew together with the scale after it, so that a step is
    found even where it has spoilt the baseline itself. Base load and extremes share one ratio,
    as behind a wrong transformer ratio or unit; a change of use rarely does.

    Args:
        use: per day, (periods,), without gaps among them being NaN.
        design: columns of the model, (periods, columns).

    Source: sup-F of Andrews 1993 (Econometrica 61:821) for a ratio; n'/n for autocorrelation.
    """
    points, columns = design.shape
    edge = max(FEWEST if points > 60 else 3, int(TRIM * points))
    if points < 2 * edge + columns + 2 or not (use > 0).any():
        return None
    weights = _weights(use, design)
    plain = _error(use, design, weights)
    stop = points - edge + 1
    stride = 1 + points // 150
    near = min(_at(use, design, weights, k) for k in range(edge, stop, stride))[2]
    around = range(max(near - stride, edge), min(near + stride + 1, stop))
    error, ratio, at = min(_at(use, design, weights, k) for k in around)
    scale = np.where(np.arange(points) >= at, ratio, 1.0)
    left = _left(use, design * scale[:, None], weights)
    if abs(np.log(ratio)) > LARGE:  # so large that it has spoilt the weights
        ratio = _of_medians(use, design, scale, at)
    if error <= 1e-12 * float(weights @ use**2):
        return Step(index[at], ratio, np.inf, 0.0, np.inf, 0.0) if plain > 1e6 * error else None
    independent = effective(points, lag_one(left, index))
    degrees = max(independent - columns - 1, 2.0)
    statistic = (plain - error) / error * degrees
    critical = float(stats.f.ppf(1 - CHANCE, 1, degrees))
    other = _gradual(use, design, weights, index)
    sharper = 0.5 * independent * float(np.log(other / error))
    back = _returning(use, design, weights, at)
    returned = 0.5 * independent * float(np.log(error / back))
    return Step(index[at], ratio, float(statistic), critical, sharper, returned)


def beats_break(use: Array, design: Array, index: pd.DatetimeIndex, step: Step, at: int) -> float:
    """Log likelihood by which a step beats a break of all coefficients at another place.

    The break has the freedom of any measure, so a step elsewhere that beats it is no saving.
    """
    weights = _weights(use, design)
    place = np.arange(len(use))
    here = int(index.searchsorted(step.on))
    error, ratio, _ = _at(use, design, weights, here)
    left = _left(use, design * np.where(place >= here, ratio, 1.0)[:, None], weights)
    after = (place >= at)[:, None]
    broken = _error(use, np.column_stack([design * ~after, design * after]), weights)
    return 0.5 * effective(len(use), lag_one(left, index)) * float(np.log(broken / error))


def _at(use: Array, design: Array, weights: Array, at: int) -> tuple[float, float, int]:
    """Weighted squared error and ratio of a step at a place, by alternating least squares."""
    after = np.arange(len(use)) >= at
    ratio = _first_ratio(use, design, weights, after)
    error = np.inf
    for _ in range(ROUNDS):
        scaled = design * np.where(after, ratio, 1.0)[:, None]
        root = np.sqrt(weights)
        slopes, *_ = np.linalg.lstsq(scaled * root[:, None], use * root, rcond=None)
        line = design @ slopes
        below = float(weights[after] @ line[after] ** 2)
        if below <= 0:
            break
        ratio = max(float(weights[after] @ (use * line)[after]) / below, 1e-6)
        left = use - line * np.where(after, ratio, 1.0)
        error = float(weights @ left**2)
    return error, ratio, at


def _of_medians(use: Array, design: Array, scale: Array, at: int) -> float:
    """Ratio from the medians of both sides, each over the model fitted without the step."""
    slopes, *_ = np.linalg.lstsq(design, use / scale, rcond=None)
    line = np.maximum(design @ slopes, 1e-9)
    before = float(np.median((use / line)[:at]))
    return max(float(np.median((use / line)[at:])), 1e-9) / max(before, 1e-9)


def _first_ratio(use: Array, design: Array, weights: Array, after: Mask) -> float:
    """Ratio of greatest likelihood when the scatter grows with it; closed form.

    With y/ratio after the step the error is a + 2 b u + c u^2, u = 1/ratio, and the likelihood
    -n/2 ln(error) + n_after ln(u) has its maximum at the root of a quadratic.
    """
    root = np.sqrt(weights)
    basis, _ = np.linalg.qr(design * root[:, None])
    y_after = np.where(after, use, 0.0) * root
    y_before = np.where(after, 0.0, use) * root
    left_after = y_after - basis @ (basis.T @ y_after)
    left_before = y_before - basis @ (basis.T @ y_before)
    a, b, c = left_before @ left_before, left_before @ left_after, left_after @ left_after
    n, late = len(use), int(after.sum())
    square, linear = (n - late) * c, (n - 2 * late) * b
    if square <= 0:
        return 1.0
    root_of = np.sqrt(max(linear**2 + 4 * square * late * a, 0.0))
    u = float((-linear + root_of) / (2 * square))
    return 1 / u if u > 1e-9 else 1.0


def _weights(use: Array, design: Array) -> Array:
    """1 / fitted^2, since the scatter of a load grows with the load."""
    slopes, *_ = np.linalg.lstsq(design, use, rcond=None)
    scale = np.maximum(design @ slopes, FLOOR * use.mean())
    weights: Array = (use.mean() / scale) ** 2
    return weights


def _left(use: Array, design: Array, weights: Array) -> Array:
    root = np.sqrt(weights)
    slopes, *_ = np.linalg.lstsq(design * root[:, None], use * root, rcond=None)
    left: Array = (use - design @ slopes) * root
    return left


def _error(use: Array, design: Array, weights: Array) -> float:
    left = _left(use, design, weights)
    return float(left @ left)


def _gradual(use: Array, design: Array, weights: Array, index: pd.DatetimeIndex) -> float:
    """Squared error of the better of a linear drift and a yearly season of the whole model."""
    slopes, *_ = np.linalg.lstsq(design, use, rcond=None)
    line = design @ slopes
    days = (index - index[0]).days.to_numpy(dtype=float)
    turn = 2 * np.pi * days / 365.25
    drift = np.column_stack([design, line * days / max(days[-1], 1.0)])
    season = np.column_stack([design, line * np.sin(turn), line * np.cos(turn)])
    return min(_error(use, drift, weights), _error(use, season, weights))


def _returning(use: Array, design: Array, weights: Array, at: int) -> float:
    """Least squared error of a change of scale that begins or ends at the step and has two ends."""
    root = np.sqrt(weights)
    slopes, *_ = np.linalg.lstsq(design, use, rcond=None)
    line = design @ slopes * root
    basis, _ = np.linalg.qr(design * root[:, None])
    left = use * root - basis @ (basis.T @ (use * root))
    place = np.arange(len(use))
    best = total = float(left @ left)
    for other in range(len(use) + 1):
        inside = (place >= min(at, other)) & (place < max(at, other))
        column = np.where(inside, line, 0.0)
        column -= basis @ (basis.T @ column)
        size = float(column @ column)
        if size > 0:
            best = min(best, total - float(column @ left) ** 2 / size)
    return best
