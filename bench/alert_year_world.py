"""The numbers of the script, hour by hour, the same for the program and for a peer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from bench.alert_year_script import (
    ALL,
    FOUND,
    GAPS,
    GOAL_END,
    GOAL_START,
    LEVELS,
    SUBJECTS,
    ZONE,
    Found,
    Level,
    at,
    of,
)

HOUR = timedelta(hours=1)
BEFORE = timedelta(days=40)
"""Values there are before the script begins: drift looks back."""
_USUAL = {
    "energy": (0.93, 0.97),
    "water": (0.93, 0.97),
    "complete": (0.97, 1.0),
    "demand": (0.78, 0.82),
    "prob": (0.75, 0.85),
    "need": (0.43, 0.47),
    "green": (0.015, 0.025),
    "power_factor": (0.92, 0.94),
}
_LOW_USER = {("energy", "f"): (0.798, 0.802)}  # well below its target: only its drift is told
_BLOCK_H = 6
_FIRST = at(1, 1)


def hours(start: datetime, stop: datetime) -> Iterator[datetime]:
    """Every full hour of `[start, stop)`."""
    count = int((stop - start) / HOUR)
    return (start + n * HOUR for n in range(count))


@cache
def _in_force(signal: str, subject: str) -> tuple[Level, ...]:
    return tuple(v for v in LEVELS if v.signal == signal and subject in v.subjects)


def level(signal: str, subject: str, now: datetime) -> Level | None:
    """What the script says of a signal at an hour; None: it is as usual."""
    here = [v for v in _in_force(signal, subject) if v.start <= now < v.stop]
    return here[-1] if here else None


def value(signal: str, subject: str, now: datetime) -> float:
    """A signal at an hour."""
    said = level(signal, subject, now)
    if said is None:
        low, high = _LOW_USER.get((signal, subject), _USUAL[signal])
        return _between(signal, subject, now, low, high)
    if said.high is None:
        return said.low
    if not said.dwell_h:
        return _between(signal, subject, now, said.low, said.high)
    return said.high if _is_second(said, now) else said.low


def _between(signal: str, subject: str, now: datetime, low: float, high: float) -> float:
    block = int((now - _FIRST) / HOUR) // _BLOCK_H
    draw = random.Random(f"{signal}/{subject}/{block}").random()  # noqa: S311 - not a secret
    return low + (high - low) * draw


def _is_second(said: Level, now: datetime) -> bool:
    left, turn = int((now - said.start) / HOUR), 0
    while left >= said.dwell_h[turn % len(said.dwell_h)]:
        left -= said.dwell_h[turn % len(said.dwell_h)]
        turn += 1
    return turn % 2 == 1


def is_silent(meter: str, now: datetime) -> bool:
    """True if the reading of this hour does not come."""
    return any(meter in gap.meters and gap.start <= now < gap.stop for gap in GAPS)


def is_outage(now: datetime) -> bool:
    """Nothing comes from anybody: what follows from readings stays as it is."""
    return all(is_silent(meter, now) for meter in of(ALL))


def found(now: datetime) -> list[Found]:
    """Findings and failed jobs that stand."""
    return [f for f in FOUND if f.start <= now < f.stop]


def goal_path(stop: date) -> float:
    """Green share that the months up to a day have to show, on the straight line to the goal."""
    elapsed = (stop - date(2026, 1, 1)).days / 365
    return GOAL_START + (GOAL_END - GOAL_START) * elapsed


@dataclass(frozen=True)
class Published:
    """A monthly figure that becomes known: `green` on the 10th, `power_factor` on the 5th."""

    signal: str
    subject: str
    month: date
    value: float


def published(now: datetime) -> list[Published]:
    """What becomes known at this hour, of the month before."""
    local = now.astimezone(ZONE)
    last = (local.date().replace(day=1) - timedelta(days=1)).replace(day=1)
    if (local.day, local.hour) == (10, 9) and last.year == 2026:
        path = goal_path(local.date().replace(day=1))
        return [Published("green", s, last, path + value("green", s, now)) for s in SUBJECTS]
    if (local.day, local.hour) == (5, 10):
        said = ((s, value("power_factor", s, now)) for s in ALL)
        return [Published("power_factor", s, last, v) for s, v in said]
    return []
