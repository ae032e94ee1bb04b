"""Every indicator that there is: what is evaluated here, and what all of them mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analytics.indicators import aluminium, carbon, circular, energy, more, power, water
from analytics.indicators.base import Indicator
from models.definitions import NOT_SET, Definition, Threshold
from models.energy import Limit

FAMILIES = (energy, aluminium, power, water, carbon, circular)

INDICATORS: tuple[Indicator, ...] = tuple(i for family in FAMILIES for i in family.INDICATORS)

DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {d.key: d for d in (*more.GREEN, *(i.about for i in INDICATORS), *more.OTHERS)}
)


def threshold_of(about: Definition, limits: Mapping[str, Limit]) -> Threshold | None:
    """What the park sets, else what the indicator brings; None: not set."""
    own = limits.get(about.key)
    if own is None:
        return about.threshold
    return Threshold(own.limit, about.sense or "max", own.source, "own")


def threshold_text(about: Definition, threshold: Threshold | None) -> str:
    """For people: `>= 0.9`, or that none is set."""
    if threshold is None:
        return NOT_SET
    return f"{'>=' if threshold.sense == 'min' else '<='} {threshold.limit:g}"
