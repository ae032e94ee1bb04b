"""The scorecard of a zero-carbon park: one core indicator and five that guide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from models.definitions import NOT_SET, Threshold

_P910 = "发改环资〔2025〕910号"
_MTCE = 1_000_000.0


class Told(NamedTuple):
    """A stored value of the park; None where it cannot be told, and why."""

    value: float | None
    completeness_ratio: float
    note: str = ""


class Score(NamedTuple):
    """One line of the scorecard.

    Attributes:
        is_met: None: cannot tell, or no threshold is set.
        threshold: for people, or that it is not set.
    """

    indicator: str
    value: float | None
    threshold: str
    is_met: bool | None
    completeness_ratio: float
    note: str


_GUIDING = (
    ("clean_energy_share", Threshold(0.90, "min", _P910, "high")),
    ("al_comp_ac_kwh_t", Threshold(13_350, "max", f"{_P910}: level 2 of GB 21346-2022", "high")),
    ("solid_waste_use", Threshold(0.80, "min", _P910, "high")),
    ("waste_heat_use", Threshold(0.50, "min", _P910, "high")),
    ("water_reuse", Threshold(0.80, "min", _P910, "high")),
)
CORE = "co2_per_tce_loc"
NEEDED = (CORE, "energy_total", *(key for key, _ in _GUIDING))
"""Indicators that the scorecard is made of."""


def core_threshold(energy_tce_per_year: float) -> Threshold | None:
    """Most CO2 per tce by the size of the park; None: it is smaller than the rule provides for.

    Source: 发改环资〔2025〕910号: 0.2 for 0.2 to 1 Mtce a year, 0.3 from 1 Mtce on.
    """
    if energy_tce_per_year < 0.2 * _MTCE:
        return None
    return Threshold(0.2 if energy_tce_per_year < _MTCE else 0.3, "max", _P910, "high")


def scorecard(told: Mapping[str, Told], year_part: float) -> list[Score]:
    """The six lines; what has no value is said to be so, never zero and never met.

    Args:
        told: values of the park for the year so far, by indicator.
        year_part: part of the year that they cover, to judge the size of the park.
    """
    energy = told.get("energy_total", Told(None, 0.0))
    core = None
    if energy.value is not None and year_part > 0:
        core = core_threshold(energy.value / year_part)
    return [
        _line(key, limit, told.get(key, Told(None, 0.0, "no data")))
        for key, limit in ((CORE, core), *_GUIDING)
    ]


def _line(key: str, limit: Threshold | None, told: Told) -> Score:
    is_met = None if limit is None or told.value is None else limit.is_met(told.value)
    text = NOT_SET
    if limit is not None:
        text = f"{'>=' if limit.sense == 'min' else '<='} {limit.limit:g} ({limit.source})"
    return Score(key, told.value, text, is_met, told.completeness_ratio, told.note)
