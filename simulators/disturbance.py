"""What the physical events of a scenario do to one enterprise, step by step of a year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from models.park import Enterprise
from simulators.event_kinds import Curtailment, Leak, Outage, Retrofit, WindDrought
from simulators.events import Event
from simulators.timegrid import STEP_S, Floats, YearGrid


@dataclass(frozen=True)
class Disturbance:
    """Factors and additions of physical events; None and missing mean "as always".

    Attributes:
        load_ratio: factor to the electric load (a retrofit that saves 8 % is 0.92).
        activity_ratio: factor to production (an outage of one of four pot lines is 0.75).
        water_ratio: factor to wanted water (a retrofit).
        leak_m3_per_h: water that nobody wanted.
        allowed_ratio: part of its available power that a generator may give, by meter (curtailment
            orders).
    """

    load_ratio: Floats | None = None
    activity_ratio: Floats | None = None
    water_ratio: Floats | None = None
    leak_m3_per_h: Floats | None = None
    allowed_ratio: Mapping[str, Floats] = field(default_factory=dict)


NONE = Disturbance()


def disturbance(events: Iterable[Event], enterprise: Enterprise, grid: YearGrid) -> Disturbance:
    """Sum of the events that strike an enterprise; factors of several events multiply."""
    load = activity = water = leak = None
    allowed: dict[str, Floats] = {}
    own = {m.key for m in enterprise.meters}
    for event in events:
        share = covered(event, grid)
        if share is None:
            continue
        if isinstance(event, Curtailment) and event.meter in own:
            before = allowed.get(event.meter)
            allowed[event.meter] = _times(before, share, event.to_ratio)
        if event.enterprise != enterprise.key:
            continue
        if isinstance(event, Retrofit) and event.of == "energy":
            load = _times(load, share, 1 - event.saves_ratio)
        elif isinstance(event, Retrofit):
            water = _times(water, share, 1 - event.saves_ratio)
        elif isinstance(event, Outage):
            activity = _times(activity, share, event.remaining_ratio)
        elif isinstance(event, Leak):
            leak = (0.0 if leak is None else leak) + event.m3_per_h * share
    return Disturbance(load, activity, water, leak, allowed)


def wind_speed_ratio(events: Iterable[Event], grid: YearGrid) -> Floats | None:
    """Factor to the wind speed of the region; None without a drought in this year."""
    ratio = None
    for event in events:
        share = covered(event, grid) if isinstance(event, WindDrought) else None
        if share is not None and isinstance(event, WindDrought):
            ratio = _times(ratio, share, event.speed_ratio)
    return ratio


def covered(event: Event, grid: YearGrid) -> Floats | None:
    """Part of each step in which an event holds; None when it is outside the year."""
    start_s = event.start.timestamp()
    stop_s = float("inf") if event.stop is None else event.stop.timestamp()
    if start_s >= grid.stop_s or stop_s <= grid.start_s:
        return None
    low = np.maximum(grid.edges_s, start_s)
    high = np.minimum(grid.edges_s + STEP_S, stop_s)
    return np.asarray(np.clip((high - low) / STEP_S, 0.0, 1.0), dtype=np.float64)


def _times(before: Floats | None, share: Floats, ratio: float) -> Floats:
    factor = 1.0 - share * (1.0 - ratio)
    return factor if before is None else before * factor
