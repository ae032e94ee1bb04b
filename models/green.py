"""How the green power of a park is accounted: what the rules leave open, as settings with a source.

Source: domain facts 1, 8 and 11; what is unknown there has no default and says "not set".
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from models.document import Model, Names
from models.sources import Key


class StorageTracing(Model):
    """How the origin of stored energy is traced; fixed once chosen (EnergyTag; domain 1.4)."""

    method: Literal["weighted_average", "fifo"] = "weighted_average"
    efficiency_ratio: float = Field(
        default=0.90, gt=0, le=1, description="energy out / energy in over a long period"
    )
    capacity_kwh: float | None = Field(
        default=None, gt=0, description="most it can give when full; bounds what is traced"
    )
    efficiency_source: str = Field(
        default="assumed, not measured", min_length=1, description="shown with traced values"
    )


class YearlyRatio(Model):
    """A published ratio that holds for a calendar year."""

    year: int = Field(ge=2000, le=2100)
    ratio: float = Field(ge=0, le=1)
    source: str = Field(min_length=1)


class DirectLimits(Model):
    """Limits of direct green-power connections, and how the province counts the export.

    Source: 发改能源〔2025〕650号: 60 % / 30 % (35 % before 2030) / 20 %; the Inner Mongolian draft
    divides the export by export + self-use and allows none (domain facts 1.2).
    """

    selfuse_of_gen_ratio: float = Field(default=0.60, ge=0, le=1)
    selfuse_of_load_ratio: float = Field(default=0.30, ge=0, le=1)
    export_ratio: float = Field(default=0.20, ge=0, le=1)
    export_of: Literal["available", "delivered"] = Field(
        default="available",
        description="available: export / (generation + curtailed); delivered: export / (export + "
        "self-use), the form of the Inner Mongolian draft",
    )
    source: str = Field(default="发改能源〔2025〕650号", min_length=1)


class Boundary(Model):
    """A set of enterprises for which shares are shown beside those of the goal."""

    key: Key
    name: Names
    enterprises: tuple[Key, ...] = Field(
        default=(), description="its members; empty: all that are not left out"
    )
    without: tuple[Key, ...] = Field(default=(), description="left out, e.g. the smelter")

    @model_validator(mode="after")
    def _one_way(self) -> Boundary:
        if bool(self.enterprises) == bool(self.without):
            msg = f"boundary {self.key}: give either `enterprises` or `without`"
            raise ValueError(msg)
        return self


class GreenAccounting(Model):
    """Choices of green power accounting where the rules leave room."""

    use_order: Literal["load_charge_export", "load_export_charge"] = Field(
        default="load_charge_export", description="order in which own supply is used (11.1)"
    )
    allocation: tuple[YearlyRatio, ...] = Field(
        default=(), description="provincial coefficient k of S4; not set: S4 is not told"
    )
    grid_cfe: tuple[YearlyRatio, ...] = Field(
        default=(), description="carbon-free share of the grid mix; not set: no CFE score"
    )
    direct: DirectLimits = DirectLimits()
    boundaries: tuple[Boundary, ...] = ()
    location_factor: str = Field(
        default="inner_mongolia", description="scope of the location-based CO2 factor"
    )
    market_factor: str = Field(
        default="national_residual", description="scope of the market-based CO2 factor"
    )

    def in_year(self, name: Literal["allocation", "grid_cfe"], year: int) -> YearlyRatio | None:
        """The ratio that holds for a year; None: not set."""
        return next((r for r in getattr(self, name) if r.year == year), None)
