"""What faults of meters do to displays and clocks, the same for an instant in any range."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from models.meters import Channel
from simulators.events import Event, MeterFault
from simulators.meter_faults import ClockJump, GlitchZero, Reset, Spike, Stuck, WrongUnit
from simulators.timegrid import Floats, Ints, generator, uniform

_DAY_S = 86_400


class Distortion:
    """Faults of all meters of a scenario.

    They come in the order in which a real chain has them: the register is reset, it stands still,
    its unit is wrong, a single transmission is wrong.
    """

    def __init__(self, events: Iterable[Event], seed: int) -> None:
        self._seed = seed
        self._of: dict[str, list[MeterFault]] = {}
        for event in events:
            if isinstance(event, MeterFault):
                self._of.setdefault(event.meter, []).append(event)

    def apply(
        self,
        meter: str,
        key: str,
        channel: Channel,
        nominal_s: Ints,
        shown: Floats,
        at: Callable[[float], float],
    ) -> Floats:
        """What a channel shows with the faults of its meter.

        Args:
            nominal_s: planned epoch seconds of the readings.
            shown: what it shows without faults, raw unit.
            at: the same at any epoch second.
        """
        faults = [e for e in self._of.get(meter, ()) if _strikes(e, key)]
        if not faults or not len(nominal_s):
            return shown
        resets = [e for e in faults if isinstance(e, Reset)] if channel.kind == "register" else []
        out = _counted(resets, channel, nominal_s, shown, at)
        for event in faults:
            if isinstance(event, Stuck) and (inside := _inside(event, nominal_s)).any():
                begin_s = event.start.timestamp()
                frozen = np.array([at(begin_s)])
                frozen = _counted(resets, channel, np.array([int(begin_s)]), frozen, at)
                out = np.where(inside, frozen[0], out)
        for event in faults:
            if isinstance(event, WrongUnit):
                out = np.where(_inside(event, nominal_s), out * event.factor, out)
        for event in faults:
            if isinstance(event, GlitchZero):
                out = np.where(self._strike(event, key, channel, nominal_s), 0.0, out)
            elif isinstance(event, Spike):
                high = out * event.factor if event.factor is not None else out + (event.add or 0.0)
                out = np.where(self._strike(event, key, channel, nominal_s), high, out)
        return np.asarray(out, dtype=np.float64)

    def clock_offset_s(self, meter: str, nominal_s: Ints) -> Floats:
        """How far the meter's clock runs ahead [s]; below zero it is behind."""
        offset = np.zeros(len(nominal_s))
        for event in self._of.get(meter, ()):
            if isinstance(event, ClockJump):
                offset[_inside(event, nominal_s)] += event.offset_s
        return offset

    def _strike(
        self, event: GlitchZero | Spike, key: str, channel: Channel, nominal_s: Ints
    ) -> npt.NDArray[np.bool_]:
        """Readings that a fault with a rate per day strikes."""
        inside = _inside(event, nominal_s)
        if not inside.any():
            return inside
        name = (event.kind, event.meter, key, event.start.timestamp())
        salt = np.uint64(generator(self._seed, "fault", *name).integers(1 << 63))
        drawn = uniform(nominal_s.astype(np.uint64) ^ salt)
        return inside & (drawn < event.per_day * channel.period_s / _DAY_S)


def _strikes(event: MeterFault, key: str) -> bool:
    return event.channel in (None, key)


def _inside(event: MeterFault, nominal_s: Ints) -> npt.NDArray[np.bool_]:
    stop_s = np.inf if event.stop is None else event.stop.timestamp()
    return np.asarray((nominal_s >= event.start.timestamp()) & (nominal_s < stop_s))


def _counted(
    resets: list[Reset],
    channel: Channel,
    nominal_s: Ints,
    shown: Floats,
    at: Callable[[float], float],
) -> Floats:
    """A register after its resets: what was counted since the latest one, and its new start."""
    out = shown
    for event in sorted(resets, key=lambda e: e.start):
        after = _inside(event, nominal_s)
        if after.any():
            since = shown - at(event.start.timestamp()) + event.to_value
            if channel.modulus is not None:
                since = since % channel.modulus
            out = np.where(after, np.round(since, 9), out)
    return out
