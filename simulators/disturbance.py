"""What the physical events of a scenario do to one enterprise, step by step of a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.timegrid import Floats


@dataclass(frozen=True)
class Disturbance:
    """Factors and additions of physical events; None and missing mean "as always".

    Attributes:
        load_ratio: factor to the electric load (a retrofit that saves 8 % is 0.92).
        activity_ratio: factor to production (an outage of one of four pot lines is 0.75).
        water_ratio: factor to wanted water (a retrofit).
        leak_m3_per_h: water that nobody wanted.
        available_ratio: factor to the available power of a generator, by meter (curtailment).
    """

    load_ratio: Floats | None = None
    activity_ratio: Floats | None = None
    water_ratio: Floats | None = None
    leak_m3_per_h: Floats | None = None
    available_ratio: Mapping[str, Floats] = field(default_factory=dict)


NONE = Disturbance()
