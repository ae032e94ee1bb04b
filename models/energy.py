"""Settings of energy, carbon, water and circular indicators: what the standards leave open."""

from __future__ import annotations

from calendar import isleap, monthrange
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, model_validator

from models.activity import ITEMS
from models.document import Model
from models.green import YearlyRatio

ELECTRICITY_KGCE_PER_KWH = 0.1229
"""Equivalent value (当量值) of electricity; source: GB/T 2589-2020 annex A."""


class Carrier(Model):
    """Standard coal and CO2 of one unit of an energy carrier; None: not set."""

    item: str
    kgce: float | None = Field(default=None, gt=0, description="kgce per unit of the item")
    kgce_source: str = "not set"
    kgce_confidence: Literal["high", "medium", "low"] = "medium"
    co2_kg: float | None = Field(default=None, ge=0, description="kgCO2 per unit of the item")
    co2_source: str = "not set"
    co2_confidence: Literal["high", "medium", "low"] = "medium"

    @model_validator(mode="after")
    def _known(self) -> Carrier:
        if self.item not in ITEMS:
            msg = f"item {self.item!r} is no activity data; see greenpark template --list"
            raise ValueError(msg)
        return self


@cache
def carriers() -> tuple[Carrier, ...]:
    """The carriers that this program knows, with their defaults."""
    text = files("models").joinpath("data/carriers.yaml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[Carrier, ...]).validate_python(yaml.safe_load(text))


class YearlyFactor(Model):
    """A published factor that holds for a calendar year."""

    year: int = Field(ge=2000, le=2100)
    value: float = Field(gt=0)
    source: str = Field(min_length=1)


class CarbonBudget(Model):
    """CO2 (location-based) that a calendar year may have, by day or as a plan of its months.

    Source: whoever sets it; the share of the district in 碳排放双控 is not known (domain facts 10).
    """

    year: int = Field(ge=2000, le=2100)
    tco2: float | None = Field(default=None, gt=0, description="of the year, spread over its days")
    months_tco2: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None, description="instead: the twelve months, January first"
    )
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> CarbonBudget:
        if (self.tco2 is None) == (self.months_tco2 is None):
            msg = f"budget of {self.year}: expected either tco2 or months_tco2"
            raise ValueError(msg)
        if self.months_tco2 is not None and len(self.months_tco2) != 12:
            msg = f"budget of {self.year}: expected 12 months_tco2, got {len(self.months_tco2)}"
            raise ValueError(msg)
        return self

    @property
    def year_tco2(self) -> float:
        """Budget of the whole year [tCO2]."""
        return sum(self.months_tco2) if self.months_tco2 else self.tco2 or 0.0

    def month_tco2(self, month: int) -> float:
        """Its part that belongs to a month, 1 to 12 [tCO2]."""
        if self.months_tco2:
            return self.months_tco2[month - 1]
        days = monthrange(self.year, month)[1]
        return self.year_tco2 * days / (366 if isleap(self.year) else 365)


def one_per_year(budgets: tuple[CarbonBudget, ...]) -> tuple[CarbonBudget, ...]:
    """The same, if no year has two.

    Raises:
        ValueError: names the years.
    """
    years = [budget.year for budget in budgets]
    if twice := sorted({str(y) for y in years if years.count(y) > 1}):
        msg = f"more than one budget of {', '.join(twice)}"
        raise ValueError(msg)
    return budgets


class EnergySettings(Model):
    """Factors of energy and carbon accounting that are not given once for all.

    Source: domain facts 2.1, 3.1, 3.2, 5.2.
    """

    equal_value: tuple[YearlyFactor, ...] = Field(
        default=(),
        description="equal value (等价值) of electricity [kgce/kWh] by year; else no such total",
    )
    carriers: tuple[Carrier, ...] = Field(
        default=(), description="measured values that replace the defaults of a carrier"
    )
    tier_threshold_kwh_per_t: float = Field(
        default=13_300, gt=0, description="comprehensive AC consumption where the surcharge begins"
    )
    tier_step_kwh_per_t: float = Field(default=20, gt=0)
    tier_yuan_per_kwh: float = Field(default=0.01, ge=0, description="of every started step")
    tier_source: str = Field(
        default="发改价格〔2021〕1239号, one source; validity in 2026 not verified", min_length=1
    )
    cf4_slope_kg: float = Field(
        default=0.143, gt=0, description="kg CF4 per t and anode-effect minute per cell-day"
    )
    c2f6_ratio: float = Field(default=0.121, ge=0, description="C2F6 / CF4 by mass")
    pfc_source: str = Field(
        default="IPCC 2006 tier 2, centre-worked prebake; the 2019 refinement differs",
        min_length=1,
    )
    gwp_cf4: float = Field(default=6630, gt=0)
    gwp_c2f6: float = Field(default=11_100, gt=0)
    gwp_source: str = Field(default="IPCC AR5", min_length=1)
    footprint_factor: tuple[YearlyFactor, ...] = Field(
        default=(),
        description="life-cycle CO2e of grid electricity [kg/kWh] by year, for product footprints; "
        "never the factors of 公告2025年第47号",
    )
    clean_grid_ratio: tuple[YearlyRatio, ...] = Field(
        default=(), description="clean part of the grid mix by year; not set: only own and claimed"
    )

    def carrier(self, item: str) -> Carrier:
        """The carrier of an item, the park's own values first."""
        default = next((c for c in carriers() if c.item == item), Carrier(item=item))
        own = next((c for c in self.carriers if c.item == item), None)
        if own is None:
            return default
        return default.model_copy(update=own.model_dump(exclude_unset=True))


def in_year(factors: tuple[YearlyFactor, ...], year: int) -> YearlyFactor | None:
    """The factor that holds for a year; None: not set."""
    return next((f for f in factors if f.year == year), None)


class Limit(Model):
    """A threshold that the park sets for an indicator, with where it comes from."""

    indicator: str = Field(min_length=1)
    limit: float
    source: str = Field(min_length=1)


class WaterSettings(Model):
    """Night flow of an enterprise; source: domain facts 4."""

    night_use_m3_per_h: float | None = Field(
        default=None, ge=0, description="legitimate use at night; not set: no leakage is told"
    )
    watch_leaks: bool = Field(default=True, description="findings when the night flow rises")
    smallest_leak_m3_per_h: float = Field(
        default=5.0, gt=0, description="smallest leak of interest (ours)"
    )


class PowerSupply(Model):
    """What is agreed with the grid company; source: domain facts 7.3."""

    power_factor_standard: float = Field(
        default=0.90, ge=0.80, le=0.90, description="0.90 (industry above 160 kVA), 0.85 or 0.80"
    )
    contract_demand_kw: float | None = Field(
        default=None, gt=0, description="contract or approved demand; reported months go first"
    )
