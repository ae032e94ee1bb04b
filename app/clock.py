"""The one place where time comes from: real, fixed (replay) or accelerated (demo)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class RealClock:
    """The wall clock."""

    speed: float = 1.0

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class FixedClock:
    """Always the same instant: history is replayed as of `at`."""

    at: datetime

    def now(self) -> datetime:
        """The fixed instant."""
        return self.at


@dataclass(frozen=True)
class AcceleratedClock:
    """Park time that starts at `park_start` when the wall clock shows `real_start`.

    Processes that share both instants and the speed share the clock.
    """

    real_start: datetime
    park_start: datetime
    speed: float

    def now(self) -> datetime:
        """Park time, UTC."""
        return self.park_start + (datetime.now(UTC) - self.real_start) * self.speed

    def spec(self) -> str:
        """Text form for `GREENPARK_CLOCK`."""
        return f"{self.real_start.isoformat()}|{self.park_start.isoformat()}|{self.speed}"


Clock = RealClock | FixedClock | AcceleratedClock


def parse_clock(spec: str) -> Clock:
    """Clock of `GREENPARK_CLOCK`: empty for the wall clock, else real|park|speed.

    Raises:
        ValueError: the text has another form or a time without a zone.
    """
    if not spec:
        return RealClock()
    try:
        real, park, speed = spec.split("|")
        clock = AcceleratedClock(
            datetime.fromisoformat(real), datetime.fromisoformat(park), float(speed)
        )
    except ValueError as exc:
        msg = f"clock {spec!r}: expected REAL_ISO|PARK_ISO|SPEED"
        raise ValueError(msg) from exc
    if clock.real_start.tzinfo is None or clock.park_start.tzinfo is None or clock.speed <= 0:
        msg = f"clock {spec!r}: times need a zone, the speed must be above 0"
        raise ValueError(msg)
    return clock


def wall_now() -> datetime:
    """The wall clock: delivery and job runs are about the real world, not the park's time."""
    return datetime.now(UTC)
