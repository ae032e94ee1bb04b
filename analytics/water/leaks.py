"""Leaks: when the night flow rose for good, by how much, and on which night that was known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from math import inf, sqrt
from statistics import NormalDist, median

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

LOCAL_NIGHTS = 28  # what a night is compared with before companions explain it
FIT_NIGHTS = 150
FEWEST_FIT = 40
REFIT_NIGHTS = 7
RIDGE = 10.0  # in nights: so many nights say that a companion explains nothing
CLIP = 3.0
TAIL = 0.7
TAIL_SIGMAS = NormalDist().inv_cdf((1 + TAIL) / 2)
FEWEST_PAIRS = 28
STEP_CLIP = 1.5
SETTLE_NIGHTS = 4
LATEST_NIGHTS = 3
INTERVAL_SIGMAS = 1.96


@dataclass(frozen=True)
class Leak:
    """A lasting rise of the night flow; the bounds are 95 % of the noise of the nights."""

    onset: date
    found_on: date
    size_m3_per_h: float
    size_low_m3_per_h: float
    size_high_m3_per_h: float


@dataclass(frozen=True)
class LeakLimits:
    """What counts as a leak; the same values for all meters unless a park knows better.

    Attributes:
        smallest_m3_per_h: smallest leak of interest [m3/h].
        share: part of it by which the nights since the onset must have risen.
        sigmas: how many standard errors above the level before the rise must be.
        nights: length of the stretch that is looked at [nights], at least 3; more than half
            of it high is enough, so a clear leak is known after four of seven.
        history: nights from which the noise is taken.
    """

    smallest_m3_per_h: float = 5.0
    share: float = 0.7
    sigmas: float = 3.0
    nights: int = 7
    history: int = 365

    @property
    def rise_m3_per_h(self) -> float:
        """Least rise [m3/h] that is declared."""
        return self.share * self.smallest_m3_per_h


DEFAULT = LeakLimits()


def find_leaks(
    nights: pd.Series[float],
    companions: pd.DataFrame | None = None,
    limits: LeakLimits = DEFAULT,
) -> list[Leak]:
    """Leaks in a series of night minima, each known on `found_on` from that night and before.

    (1) What companions explain of a night is taken off: a ridge regression of the departures from
    the last 28 nights, refitted weekly on the nights before. (2) The level of the meter is
    followed as a random walk; its wandering and the noise of a night are told apart by
    differences over one and seven nights. (3) A leak is declared when the last seven nights lie
    above that level by size and by standard error, their middle and that of the last three. They
    must also lie above the 28 nights before: the end of a dip is no leak. The level is then set
    to the nights since the onset, so that one leak is one event; a fall as clear (a repair) sets
    it as well.

    Args:
        nights: minimum of each night [m3/h] by date; NaN or absent nights are skipped, and the
            level may have wandered the further the longer the gap.
        companions: series by date that a leak here leaves alone, such as minima of other meters,
            or night mean less night minimum of this one. A missing value explains nothing.
        limits: smallest leak of interest and how sure to be.

    Returns:
        In order of `found_on`. The first 28 nights only teach the noise, with companions some 80.

    Source: local level model, Durbin and Koopman, Time Series Analysis by State Space Methods,
        chapter 2; limits: ours, from ten measured district meters.
    """
    daily = nights.asfreq("D") if isinstance(nights.index, pd.DatetimeIndex) else _by_day(nights)
    level_m3_per_h = daily if companions is None else _explained(daily, companions)
    wander, noise = _variances(level_m3_per_h, limits.history)
    known = level_m3_per_h.notna().to_numpy() & np.isfinite(wander)
    if not known.any():
        return []
    days: list[int] = np.flatnonzero(known).tolist()
    values = level_m3_per_h[known].tolist()
    track = _Track(values, days, wander[known].tolist(), noise[known].tolist())
    dates = daily.index
    return [
        Leak(
            dates[days[onset]].date(),
            dates[days[found]].date(),
            size,
            size - INTERVAL_SIGMAS * error,
            size + INTERVAL_SIGMAS * error,
        )
        for onset, found, size, error in track.rises(limits)
    ]


def _by_day(nights: pd.Series[float]) -> pd.Series[float]:
    return nights.set_axis(pd.DatetimeIndex(nights.index)).asfreq("D")


def _explained(nights: pd.Series[float], companions: pd.DataFrame) -> pd.Series[float]:
    """Night minima less what companions explain of their departures."""
    beside = companions.set_axis(pd.DatetimeIndex(companions.index), axis=0).reindex(nights.index)
    own = _departures(nights.to_frame()).to_numpy()[:, 0]
    others = _departures(beside).to_numpy()
    explained = np.full(len(own), np.nan)  # nights of another kind would swell the noise
    for start in range(FEWEST_FIT, len(own), REFIT_NIGHTS):
        before = slice(max(0, start - FIT_NIGHTS), start)
        now = slice(start, start + REFIT_NIGHTS)
        weights = _ridge(others[before], own[before])
        explained[now] = np.nan_to_num(others[now]) @ weights
    return nights - explained


def _departures(series: pd.DataFrame) -> pd.DataFrame:
    return series - series.shift(1).rolling(LOCAL_NIGHTS, min_periods=LOCAL_NIGHTS // 2).median()


def _ridge(others: Floats, own: Floats) -> Floats:
    """Weights of companions; outliers are drawn in so that one burst does not turn them."""
    known = np.isfinite(own)
    if known.sum() < FEWEST_FIT:
        return np.zeros(others.shape[1])
    filled = np.nan_to_num(others[known])
    scale = filled.std(axis=0)
    scale[scale == 0] = np.inf
    drawn = np.clip(filled / scale, -CLIP, CLIP)
    target = own[known]
    spread = CLIP * 1.4826 * np.median(np.abs(target - np.median(target)))
    target = np.clip(target, -spread, spread)
    square = drawn.T @ drawn + RIDGE * np.eye(drawn.shape[1])
    return np.asarray(np.linalg.solve(square, drawn.T @ target) / scale, dtype=np.float64)


def _variances(nights: pd.Series[float], history: int) -> tuple[Floats, Floats]:
    """Variance of the level's walk per night and of a night's noise [m6/h2], from before it.

    Differences over one night hold one walk and two noises, over seven nights seven walks.
    """
    total = {}
    for lag in (1, 7):
        step = (nights - nights.shift(lag)).abs().shift(1)
        tail = step.rolling(history, min_periods=FEWEST_PAIRS).quantile(TAIL)
        total[lag] = (tail.to_numpy(dtype=np.float64) / TAIL_SIGMAS) ** 2
    # floors: a meter of coarse resolution stands still for nights, but is not free of noise
    wander: Floats = np.maximum((total[7] - total[1]) / 6, 1e-4)
    return wander, np.maximum((total[1] - wander) / 2, np.maximum(0.1 * total[1], 1e-4))


@dataclass
class _Track:
    """The level of one meter, followed night by night.

    Lists, not arrays: this is scalar work, and the statistics of seven numbers.
    """

    value: list[float]
    day: list[int]
    wander: list[float]
    noise: list[float]
    before: list[tuple[float, float]] = field(default_factory=list)

    def rises(self, limits: LeakLimits) -> list[tuple[int, int, float, float]]:
        """Positions of onset and discovery, size and standard error [m3/h] of each rise."""
        found: list[tuple[int, int, float, float]] = []
        mean, variance, earliest = self.value[0], self.noise[0], 1
        for now in range(len(self.value)):
            gap = self.day[now] - self.day[now - 1] if now else 0
            variance += self.wander[now] * gap
            self.before.append((mean, variance))
            gain = variance / (variance + self.noise[now])
            # a burst must not pull the level up, but after a long gap nothing else is known
            clip = STEP_CLIP if gap <= limits.nights else inf
            reach = clip * sqrt(variance + self.noise[now])
            mean += gain * min(max(self.value[now] - mean, -reach), reach)
            variance *= 1 - gain
            step = self._step(now, earliest, limits)
            if step is None:
                continue
            onset, size, error = step
            if size > 0:
                found.append((onset, now, size, error))
            mean = median(self.value[onset : now + 1])
            variance = self.noise[now] / (now + 1 - onset) + self.wander[now]
            earliest = now + SETTLE_NIGHTS
        return found

    def _step(self, now: int, earliest: int, limits: LeakLimits) -> tuple[int, float, float] | None:
        """Onset, size and standard error of a step within the last nights, if there is one."""
        first = now + 1 - limits.nights
        if first < earliest or not self._clear(now, first, limits):
            return None
        onsets = range(first, now + 2 - LATEST_NIGHTS)
        steps = [(onset, *self._size(now, onset)) for onset in onsets]
        onset, size, error = max(steps, key=lambda step: abs(step[1]) / step[2])
        sure = abs(size) > max(limits.rise_m3_per_h, limits.sigmas * error)
        return (onset, size, error) if sure else None

    def _clear(self, now: int, first: int, limits: LeakLimits) -> bool:
        """Whether the middle of the nights since `first`, and of the latest, left the level."""
        level, least = self.before[first][0], limits.rise_m3_per_h
        middle = median(self.value[first : now + 1])
        latest = median(self.value[now + 1 - LATEST_NIGHTS : now + 1])
        if max(middle, latest) <= level - least:
            return True
        if min(middle, latest) < level + least:
            return False
        return middle - median(self.value[max(0, first - LOCAL_NIGHTS) : first]) >= least

    def _size(self, now: int, onset: int) -> tuple[float, float]:
        """Height of the nights since the onset above the level before, by least squares."""
        level, variance = self.before[onset]
        above = np.array(self.value[onset : now + 1]) - level
        walked = np.array(self.day[onset : now + 1]) - self.day[onset]
        spread = self.noise[now] * np.eye(len(walked)) + variance
        spread += self.wander[now] * np.minimum.outer(walked, walked)
        weights = np.linalg.solve(spread, np.ones(len(walked)))
        error = 1 / np.sqrt(weights.sum())
        size = weights @ above * error**2
        return float(size), float(error)
