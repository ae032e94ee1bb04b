"""What the displays and clocks of a park's meters show, from what truly flowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, time
from decimal import Decimal

import numpy as np

from models.park import Park
from simulators.meter_clock import MeterClock, clock_of
from simulators.meter_models import MeterModel as MeterModel
from simulators.meter_models import MeterModels as MeterModels
from simulators.plant import Point, points
from simulators.register_life import Segment, segments
from simulators.timegrid import Floats, Ints, generator

_GAUGE_DIGITS = 1


class MeterBank:
    """All meters of a park. Everything depends on instant and seed only, never on a range.

    A meter reads its register when its own clock says so: the stamp that it shows is the planned
    one (plus jitter), the register is that of the true instant, `sampled_s`.

    Args:
        start_registers: raw reading at the start of `first_year` by `meter/channel`; the others
            are drawn from the seed.
        first_year: totals are counted from its first local second.
    """

    def __init__(
        self,
        park: Park,
        models: MeterModels,
        seed: int,
        start_registers: Mapping[str, float],
        first_year: int,
    ) -> None:
        self._seed, self._zone = seed, park.zone
        first_s = datetime(first_year, 1, 1, tzinfo=park.zone).timestamp()
        self._life: dict[str, tuple[Segment, ...]] = {}
        self._per_unit: dict[str, float] = {}
        self._digits: dict[str, int] = {}
        self._clocks: dict[str, MeterClock] = {}
        self._gains: dict[tuple[str, int], float] = {}
        self._carried: dict[tuple[str, int], tuple[float, float]] = {}
        self._models: dict[str, MeterModel] = {}
        for point in points(park):
            meter, path = point.meter, point.path
            model = models.of(meter)
            self._models[meter.key] = model
            if meter.key not in self._clocks:
                self._clocks[meter.key] = clock_of(meter, model, seed)
            start = start_registers.get(path)
            if start is None:
                start = generator(seed, "start", path).uniform(100, 20_000)
            self._life[path] = segments(meter, point.key, model, first_s, start)
            self._digits[path], self._per_unit[path] = _resolution(point, model.resolution)

    @property
    def most_late_s(self) -> float:
        """The most by which a register is read after (or before) its planned instant."""
        return max((c.most_late_s for c in self._clocks.values()), default=0.0)

    def digits(self, point: Point) -> int:
        """Decimals that the display has."""
        return self._digits[point.path]

    def stamps(self, point: Point, low_s: int, high_s: int) -> Ints:
        """Planned epoch seconds of the readings of a channel in `[low_s, high_s)`."""
        since = point.channel.in_service_from
        if since is not None:
            start = datetime.combine(since, time(), self._zone).timestamp()
            low_s = max(low_s, math.ceil(start))
        period = point.channel.period_s
        return np.arange(-(-low_s // period) * period, high_s, period, dtype=np.int64)

    def sampled_s(self, meter: str, stamps: Ints) -> Floats:
        """True epoch seconds at which the register is read."""
        return self._clocks[meter].sampled_s(stamps)

    def shown_ms(self, meter: str, stamps: Ints) -> Ints:
        """Epoch milliseconds that the meter's clock says at these readings."""
        return self._clocks[meter].shown_ms(stamps)

    def display(
        self, point: Point, total: Floats, sampled_s: Floats, total_at: Callable[[float], float]
    ) -> Floats:
        """What the register shows, raw unit.

        Args:
            total: true total since the start of the first year at `sampled_s`, canonical unit.
            total_at: the same at any epoch second up to the last of `sampled_s`; asked for the
                instants at which a device or a factor changes.
        """
        path, per = point.path, self._per_unit[point.path]
        life = self._life[path]
        ticks = np.empty(len(total))
        for n, low, high in _parts(life, sampled_s):
            segment = life[n]
            start, before, total_0 = self._base(point, n, total_at)
            gain = self._gain(point.meter.key, segment.device) * segment.wrong
            raw = before + gain * (total[low:high] - total_0) / segment.factor
            part = np.floor(raw * per + 1e-6) + round(start * per)
            if segment.modulus is not None:
                part %= round(segment.modulus * per)
            ticks[low:high] = part
        return ticks / per

    def state(self, point: Point, values: Floats, sampled_s: Floats) -> Floats:
        """What a gauge shows, raw unit, of true states in the canonical unit."""
        life, out = self._life[point.path], np.empty(len(values))
        for n, low, high in _parts(life, sampled_s):
            gain = self._gain(point.meter.key, life[n].device) * life[n].wrong
            out[low:high] = gain * values[low:high] / life[n].factor
        step = self._models[point.meter.key].resolution
        if step is not None:
            per = self._per_unit[point.path]
            return np.asarray(np.round(out * per) / per)
        return out

    def _base(
        self, point: Point, n: int, total_at: Callable[[float], float]
    ) -> tuple[float, float, float]:
        """Start reading of the device, what it counted before this segment [raw], total then."""
        life = self._life[point.path]
        first = max(k for k in range(n + 1) if life[k].start is not None)
        start = life[first].start or 0.0
        key = (point.path, n)
        if key not in self._carried:
            total_0 = total_at(life[n].at_s) if n else 0.0
            before = 0.0
            if n != first:
                _, earlier, total_1 = self._base(point, n - 1, total_at)
                gain = self._gain(point.meter.key, life[n - 1].device) * life[n - 1].wrong
                before = earlier + gain * (total_0 - total_1) / life[n - 1].factor
            self._carried[key] = (before, total_0)
        return (start, *self._carried[key])

    def _gain(self, meter: str, device: int) -> float:
        """What a device shows of what flows: within the limit of its class."""
        known = self._gains.get((meter, device))
        if known is None:
            limit = self._models[meter].accuracy_percent / 100
            drawn = generator(self._seed, "class", meter, device).standard_normal(64)
            error = drawn[np.abs(drawn) <= 2][0] * limit / 2
            known = self._gains[meter, device] = 1.0 + float(error)
        return known


def _parts(life: tuple[Segment, ...], at_s: Floats) -> list[tuple[int, int, int]]:
    """Number of the segment, first and last place of each run of instants (in order)."""
    if len(life) == 1:
        return [(0, 0, len(at_s))]
    edges = np.searchsorted(at_s, [s.at_s for s in life[1:]]).tolist()
    lows, highs = [0, *edges], [*edges, len(at_s)]
    return [(n, a, b) for n, (a, b) in enumerate(zip(lows, highs, strict=True)) if a < b]


def _resolution(point: Point, given: float | None) -> tuple[int, float]:
    """Decimals of a display and its steps per unit.

    Registers: four decimals behind transformers (DL/T 698.45), else two, flow meters three.
    Source: domain facts 7.1.
    """
    step = given or (point.channel.resolution if point.channel.kind == "register" else None)
    if step is not None:
        exponent = Decimal(repr(step)).normalize().as_tuple().exponent
        per = 1 / step
        whole = abs(per - round(per)) < 1e-9 * per
        return max(-int(exponent), 0), float(round(per)) if whole else per
    if point.channel.kind == "gauge":
        return _GAUGE_DIGITS, 10.0**_GAUGE_DIGITS
    if point.channel.quantity in ("active_energy", "reactive_energy"):
        digits = 4 if point.channel.multiplier > 1 else 2
    else:
        digits = 3
    return digits, 10.0**digits
