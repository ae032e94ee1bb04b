"""What an indicator is: metadata and one small function of the amounts of months.

To add one: a function and an `Indicator` in the module of its family, a line in
`catalogue.FAMILIES` for a new family, and a test with a hand calculation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from models.definitions import Definition
from models.document import Names
from models.energy import EnergySettings

Floats = npt.NDArray[np.float64]
X = Mapping[str, Floats]
"""Amounts by item, a value for each of the twelve months and, last, for the year; an item of
`uses` that the enterprise has not is zero."""

Result = tuple[Floats, Floats | None]

MADE_OF: Mapping[str, str] = {
    "anode_effect_t": "anode_effect_min",
    "anode_co2_t": "anode_net_t, anode_sulphur_ratio or anode_ash_ratio",
    "pfc_co2e_t": "anode_effect_min or liquid_aluminium_t",
    "fuel_tce": "a fuel or heat",
    "fuel_co2_t": "a fuel or heat",
    "reactive_kvarh": "reactive_import_kvarh or reactive_export_kvarh",
    "claimed_kwh": "grid_draw_kwh",
}
"""Derived items and the data that a reader knows them by."""


@dataclass(frozen=True)
class Factors:
    """Figures of a year that no meter gives; None: not set.

    Attributes:
        equal_kgce_per_kwh: equal value of electricity; footprint_kg_per_kwh: its life cycle.
        location_kg_per_kwh, market_kg_per_kwh: CO2 of electricity; market: of the residual mix.
        clean_grid_ratio: clean part of the grid mix.
        notes: what each figure rests on, by name of the figure.
    """

    settings: EnergySettings = field(default_factory=EnergySettings)
    equal_kgce_per_kwh: float | None = None
    footprint_kg_per_kwh: float | None = None
    location_kg_per_kwh: float | None = None
    market_kg_per_kwh: float | None = None
    clean_grid_ratio: float | None = None
    power_factor_standard: float = 0.90
    notes: Mapping[str, str] = field(default_factory=dict)


class Formula(Protocol):
    """Numerator and denominator of each month and of the year."""

    def __call__(self, x: X, f: Factors) -> Result:
        """Without a denominator the numerator is the value."""
        ...


Finish = Callable[[Floats, Floats, Factors], Floats]


@dataclass(frozen=True)
class Indicator:
    """One indicator.

    Attributes:
        factor: figure of `Factors` without which there is no value.
        notes: figures whose notes are shown with the value.
        finish: value of numerator and denominator where it is not their quotient.
        year: sum: amounts of the months that can be told; max: the greatest month; none: a year
            means nothing.
        uses_claims: final only when trades and certificates are settled.
        told: a sentence that goes with every value.
    """

    about: Definition
    formula: Formula
    factor: str | None = None
    notes: tuple[str, ...] = ()
    finish: Finish | None = None
    year: Literal["sum", "max", "none"] = "sum"
    uses_claims: bool = False
    told: str = ""

    @property
    def key(self) -> str:
        """Its key."""
        return self.about.key

    @cached_property
    def is_quotient(self) -> bool:
        """True if its formula has a denominator."""
        ones = {key: np.ones(1) for key in (*self.about.needs, *self.about.uses)}
        return self.formula(ones, Factors())[1] is not None


def about(key: str, zh: str, en: str, unit: str, row: int, **more: Any) -> Definition:
    """A definition; `more` are its other attributes."""
    return Definition(key=key, name=Names(zh=zh, en=en), unit=unit, row=row, **more)


def ratio(upper: str, lower: str, scale: float = 1.0) -> Formula:
    """One item by another, times a factor of units."""
    return lambda x, f: (x[upper] * scale, x[lower])
