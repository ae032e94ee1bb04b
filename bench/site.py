"""A park of meters that count for a year, as they are: outages, glitches, roll-overs, nights of PV.

Every reading follows from the number of its channel and its place alone, whoever asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from models.periods import day_start

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PARK, TIMEZONE = "metering", "Asia/Shanghai"
FIRST_DAY = date(2025, 1, 1)
STEP_S, PER_DAY = 900, 96
_RESOLUTION = 0.01
_MODULUS = 1_000_000.0
_MIX = (
    "grid_import",
    "onsite_pv",
    "production",
    "grid_import",
    "none",
    "grid_import",
    "gauge",
    "grid_import",
    "none",
    "none",
)
"""What channel n is: the place n modulo 10. With four grid meters in ten a year by day is the sum
of some million readings."""
_LATE_METERS = 10
_SINGLES = 9


@dataclass(frozen=True)
class Site:
    """`channels` channels, read every 15 minutes for `days` local days.

    Attributes:
        early_days: days that are stored when the late data are measured first.
        late_ages: days before the end of what is stored that come late.
    """

    channels: int = 1000
    days: int = 365
    early_days: int = 90
    late_ages: tuple[int, ...] = (20, 27, 34)
    single_age: int = 10

    @property
    def enterprises(self) -> int:
        """50 channels each; at least two."""
        return max(2, self.channels // 50)

    @property
    def late(self) -> list[int]:
        """Channels of which whole days come late; no gauges."""
        return [n for n in range(self.channels) if _MIX[n % 10] != "gauge"][:: self._apart][
            :_LATE_METERS
        ]

    @property
    def _apart(self) -> int:
        return max(1, self.channels // 13)

    @property
    def singles(self) -> list[int]:
        """Grid meters of which one reading comes late."""
        return [n for n in range(self.channels) if n % 10 == 3 or n % 10 == 0][:_SINGLES]

    def enterprise(self, number: int) -> int:
        """The one a channel belongs to."""
        return number * self.enterprises // self.channels

    def instant(self, day: int) -> datetime:
        """Start of a local day, counted from the first."""
        return day_start(FIRST_DAY + timedelta(days=day), ZoneInfo(TIMEZONE))

    def document(self) -> dict[str, object]:
        """The park as park.yaml has it."""
        own: dict[int, list[dict[str, object]]] = {e: [] for e in range(self.enterprises)}
        for number in range(self.channels):
            own[self.enterprise(number)].append(
                _named(f"m{number:04d}") | {"channels": {"c": channel(number)}}
            )
        goal = {"year": FIRST_DAY.year, "year_end_ratio": 0.5, "source": "none"}
        enterprises = [_named(f"e{e:02d}") | {"meters": meters} for e, meters in own.items()]
        return _named(PARK) | {
            "timezone": TIMEZONE,
            "simulated": True,
            "goal": goal,
            "enterprises": enterprises,
        }


def _named(key: str) -> dict[str, object]:
    return {"key": key, "name": {"zh": key, "en": key}}


def _multiplier(number: int) -> float:
    return float((1, 40, 80, 400)[number // 10 % 4])


def channel(number: int) -> dict[str, object]:
    """Channel `number` as park.yaml has it."""
    what = _MIX[number % 10]
    if what == "gauge":
        return {"quantity": "active_power", "unit": "kW", "kind": "gauge"}
    is_mass = what == "production"
    factor = 1.0 if is_mass else _multiplier(number)
    return {
        "quantity": "mass" if is_mass else "active_energy",
        "unit": "t" if is_mass else "kWh",
        "kind": "register",
        "role": what,
        "multiplier": factor,
        "modulus": _MODULUS,
        "rated_per_h": 40.0 * factor,
        "resolution": _RESOLUTION,
        "in_service_from": FIRST_DAY.isoformat(),
    }


@dataclass(frozen=True)
class Series:
    """All readings of a channel.

    Attributes:
        at_s: epoch seconds; value: raw; present: False where an outage lost the reading for good.
    """

    at_s: npt.NDArray[np.int64]
    value: Floats
    present: Bools


def series(site: Site, number: int) -> Series:
    """Readings of a channel over all days and one more: the first of the next day is a live one."""
    rng = np.random.default_rng([7, number])
    count = site.days * PER_DAY + 1
    step = np.arange(count)
    first_s = int(site.instant(0).timestamp())
    at_s = first_s + step * STEP_S + number % 50  # a gateway asks one meter after the other
    amount = _amounts(number, step, rng)
    if _MIX[number % 10] == "gauge":
        value = np.round(amount * 4, 1)
    else:
        start = _MODULUS - 800 if number % 50 == 7 else rng.uniform(200_000, 500_000)
        value = np.round(np.floor((start + np.cumsum(amount)) / _RESOLUTION) * _RESOLUTION, 2)
        value = np.round(value % _MODULUS, 2)
        if number % 5 == 0:  # some registers read zero now and then
            value[rng.integers(PER_DAY, count - PER_DAY, site.days // 90 + 1)] = 0.0
    present = np.ones(count, dtype=np.bool_)
    for _ in range(max(1, site.days // 120)):  # outages of 15 minutes to two days
        begin = int(rng.integers(PER_DAY, count - 2))
        present[begin : begin + int(rng.integers(1, 2 * PER_DAY))] = False
    present[0] = present[-2:] = True
    return Series(at_s, value, present)


def _amounts(number: int, step: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Raw amounts per 15 minutes: up to about 4, as of a meter behind transformers."""
    hour = step % PER_DAY / 4
    weekday = (step // PER_DAY + FIRST_DAY.weekday()) % 7
    noise = rng.lognormal(0, 0.15, len(step))
    if _MIX[number % 10] == "onsite_pv":
        return np.maximum(0, np.sin((hour - 6) / 12 * np.pi)) * (hour > 6) * 3 * noise
    shifts = 1.0 + 0.8 * ((hour >= 8) & (hour < 20)) + 0.3 * np.sin(hour / 24 * 2 * np.pi)
    return shifts * np.where(weekday < 5, 1.0, 0.6) * noise


@dataclass(frozen=True)
class Block:
    """Columns of readings, by channel and time; epoch seconds."""

    channel: npt.NDArray[np.int32]
    at_s: npt.NDArray[np.int64]
    value: Floats

    def __len__(self) -> int:
        return len(self.channel)


def block(
    site: Site, numbers: range, start_day: int, stop_day: int, withheld: dict[int, list[int]]
) -> Block:
    """Readings of channels in [start_day, stop_day) that came in time.

    Args:
        withheld: steps that come late, by channel.
    """
    parts: list[tuple[Any, ...]] = []
    for number in numbers:
        whole = series(site, number)
        wanted = whole.present.copy()
        wanted[: start_day * PER_DAY] = False
        wanted[stop_day * PER_DAY :] = False
        wanted[withheld.get(number, [])] = False
        count = int(wanted.sum())
        parts.append((np.full(count, number, np.int32), whole.at_s[wanted], whole.value[wanted]))
    return Block(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def steps_of_day(day: int) -> list[int]:
    """Places of the readings of a local day."""
    return list(range(day * PER_DAY, (day + 1) * PER_DAY))


def received_at(at_s: int) -> datetime:
    """A reading arrives 20 s after it was taken."""
    return datetime.fromtimestamp(at_s + 20, UTC)
