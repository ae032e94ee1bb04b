"""Published CO2 factors of electricity: versioned data with their source, never constants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import Field, TypeAdapter

from models.document import Model


class ElectricityFactor(Model):
    """CO2 of a kWh of a year and a scope, e.g. inner_mongolia or national_residual."""

    year: int
    scope: str
    kg_per_kwh: float = Field(gt=0)
    confidence: Literal["high", "medium"]
    source: str

    @property
    def note(self) -> str:
        """What a number that uses it rests on."""
        return f"{self.scope} {self.year}: {self.kg_per_kwh} kgCO2/kWh, {self.source}"


@cache
def electricity_factors() -> tuple[ElectricityFactor, ...]:
    """All published factors that this program knows."""
    text = files("models").joinpath("data/electricity_co2.yaml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[ElectricityFactor, ...]).validate_python(yaml.safe_load(text))


def factor_of(
    scope: str, year: int, factors: Sequence[ElectricityFactor] | None = None
) -> ElectricityFactor | None:
    """The factor of a year, or the newest of an earlier one; None if there is none."""
    known = [f for f in factors or electricity_factors() if f.scope == scope and f.year <= year]
    return max(known, key=lambda f: f.year, default=None)
