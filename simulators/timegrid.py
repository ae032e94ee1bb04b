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


def wander(rng: np.random.Generator, grid: YearGrid, memory: float) -> Floats:
    """Standard normal noise that changes slowly: AR(1) by the hour, straight lines in between.

    Args:
        memory: correlation of one hour with the next.
    """
    hours = len(grid) // 4 + 2
    shocks = rng.standard_normal(hours).tolist()
    spread = float(np.sqrt(1 - memory**2))
    values = [shocks[0]]
    for shock in shocks[1:]:
        values.append(memory * values[-1] + spread * shock)
    return np.asarray(np.interp(np.arange(len(grid)) / 4, np.arange(hours), values))
