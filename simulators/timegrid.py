"""The quarter-hours of one local year, and the random numbers that belong to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEP_S = 900
STEP_H = STEP_S / 3600


@dataclass(frozen=True)
class YearGrid:
    """All quarter-hours of a local year.

    A year is always generated as a whole, so what is read of it does not depend on the range
    that somebody asks for.
    """

    year: int
    zone: ZoneInfo

    @cached_property
    def start_s(self) -> int:
        """Epoch second at which the local year begins."""
        return int(datetime(self.year, 1, 1, tzinfo=self.zone).timestamp())

    @cached_property
    def stop_s(self) -> int:
        """Epoch second at which the next local year begins."""
        return int(datetime(self.year + 1, 1, 1, tzinfo=self.zone).timestamp())

    @cached_property
    def edges_s(self) -> Ints:
        """Epoch second at which each step begins."""
        return np.arange(self.start_s, self.stop_s, STEP_S, dtype=np.int64)

    @cached_property
    def middles(self) -> pd.DatetimeIndex:
        """Local time in the middle of each step: what sun and shifts are computed for."""
        middles = self.edges_s + STEP_S // 2
        return pd.to_datetime(middles, unit="s", utc=True).tz_convert(self.zone)

    def __len__(self) -> int:
        return (self.stop_s - self.start_s) // STEP_S

    @cached_property
    def hour(self) -> Floats:
        """Local hour of the day [h]."""
        return np.asarray(self.middles.hour + self.middles.minute / 60, dtype=np.float64)

    @cached_property
    def day(self) -> Ints:
        """Number of the local day in the year, from 0."""
        return np.asarray(self.middles.dayofyear - 1, dtype=np.int64)

    @cached_property
    def is_sunday(self) -> npt.NDArray[np.bool_]:
        """True in the steps of Sundays."""
        return np.asarray(self.middles.dayofweek == 6)


def generator(seed: int, *key: object) -> np.random.Generator:
    """Random numbers of their own for every key, the same on every machine."""
    text = "|".join(map(str, (seed, *key)))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Random bits of each number. Source: splitmix64 of Sebastiano Vigna, public domain."""
    x = numbers + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def uniform(numbers: npt.NDArray[np.uint64]) -> Floats:
    """A random number in [0, 1) of each number."""
    return np.asarray((mixed(numbers) >> np.uint64(11)).astype(np.float64) / float(1 << 53))


def ar1(rng: np.random.Generator, count: int, memory: float) -> Floats:
    """Standard normal noise in which each value resembles the one before.

    Args:
        memory: correlation of neighbours.
    """
    shocks = rng.standard_normal(count)
    shocks[1:] *= np.sqrt((1 + memory) / (1 - memory))  # ewm damps by (1 - memory)
    return np.asarray(pd.Series(shocks).ewm(alpha=1 - memory, adjust=False).mean(), np.float64)


def wander(rng: np.random.Generator, grid: YearGrid, memory: float) -> Floats:
    """Standard normal noise that changes slowly: AR(1) by the hour, straight lines in between.

    Args:
        memory: correlation of one hour with the next.
    """
    hours = len(grid) // 4 + 2
    return np.asarray(
        np.interp(np.arange(len(grid)) / 4, np.arange(hours), ar1(rng, hours, memory))
    )
