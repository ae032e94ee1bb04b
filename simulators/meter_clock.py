"""When a meter really reads its registers, and what its clock says then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.meters import Meter
from simulators.meter_models import MeterModel
from simulators.timegrid import Floats, Ints, generator, mixed

_DAY_S = 86_400
_MOST_SHIFT_RATIO = 0.4  # of the shortest period of the meter: readings keep their order


@dataclass(frozen=True)
class MeterClock:
    """How the instants of a meter differ from the plan; all of its channels share it.

    Attributes:
        key: of its jitter.
        phase_s: when it is set right, counted from 1970.
        most_s: most by which jitter, and drift, may shift a reading.
    """

    model: MeterModel
    key: int
    phase_s: float
    most_s: float

    @property
    def most_late_s(self) -> float:
        """The most by which a register is read after (or before) its planned instant."""
        drift = abs(self.model.clock_drift_s_per_day) * self.model.clock_set_every_days
        return min(self.model.jitter_s, self.most_s) + min(drift, self.most_s)

    def sampled_s(self, stamps: Ints) -> Floats:
        """True epoch seconds at which the register is read."""
        model, at_s = self.model, stamps + self._jitter_ms(stamps) / 1000
        if model.clock_drift_s_per_day:
            since_s = (at_s - self.phase_s) % (model.clock_set_every_days * _DAY_S)
            ahead_s = model.clock_drift_s_per_day * since_s / _DAY_S
            at_s = at_s - np.clip(ahead_s, -self.most_s, self.most_s)
        return np.asarray(at_s, dtype=np.float64)

    def shown_ms(self, stamps: Ints) -> Ints:
        """Epoch milliseconds that the clock says at these readings."""
        return np.asarray(stamps * 1000 + self._jitter_ms(stamps))

    def _jitter_ms(self, stamps: Ints) -> Ints:
        most_ms = int(min(self.model.jitter_s, self.most_s) * 1000)
        if most_ms == 0:
            return np.zeros(len(stamps), dtype=np.int64)
        drawn = mixed(stamps.astype(np.uint64) ^ np.uint64(self.key)) % np.uint64(most_ms + 1)
        return np.asarray(drawn, dtype=np.int64)


def clock_of(meter: Meter, model: MeterModel, seed: int) -> MeterClock:
    """The clock of a meter; its key and phase are drawn from the seed."""
    rng = generator(seed, "clock", meter.key)
    key = int(rng.integers(1 << 63))
    phase_s = float(rng.uniform(0, model.clock_set_every_days * _DAY_S))
    shortest = min(c.period_s for c in meter.channels.values())
    return MeterClock(model, key, phase_s, _MOST_SHIFT_RATIO * shortest)
