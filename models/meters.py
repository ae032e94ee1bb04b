"""Meters and channels as park.yaml describes them: quantity, unit, kind, role, register."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.periods import BUCKET_S
from models.quantities import QUANTITIES
from models.sources import Key


class Role(StrEnum):
    """What a channel means in the energy, water and material balance of its enterprise.

    `none` channels are stored and shown but take no part in any balance.
    """

    GRID_IMPORT = "grid_import"
    GRID_EXPORT = "grid_export"
    DIRECT_SUPPLY = "direct_supply"
    ONSITE_PV = "onsite_pv"
    ONSITE_WIND = "onsite_wind"
    STORAGE_CHARGE = "storage_charge"
    STORAGE_DISCHARGE = "storage_discharge"
    WATER_INTAKE = "water_intake"
    PRODUCTION = "production"
    SUBSTATION_IN = "substation_in"
    NONE = "none"


ROLE_QUANTITY = {
    Role.GRID_IMPORT: "active_energy",
    Role.GRID_EXPORT: "active_energy",
    Role.DIRECT_SUPPLY: "active_energy",
    Role.ONSITE_PV: "active_energy",
    Role.ONSITE_WIND: "active_energy",
    Role.STORAGE_CHARGE: "active_energy",
    Role.STORAGE_DISCHARGE: "active_energy",
    Role.SUBSTATION_IN: "active_energy",
    Role.WATER_INTAKE: "water_volume",
    Role.PRODUCTION: "mass",
}


class Model(BaseModel):
    """A frozen part of park.yaml that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Names(Model):
    """A name in the two languages of the readers."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def get(self, language: str) -> str:
        """The name in `language` (`zh-CN` or `en`)."""
        return self.zh if language.startswith("zh") else self.en


class Channel(Model):
    """One measured quantity of a meter."""

    quantity: str = Field(description="key of the quantity catalogue, e.g. active_energy")
    unit: str = Field(description="unit in which the meter sends it, e.g. kWh")
    kind: Literal["register", "gauge", "interval"] = Field(
        description="register: cumulative count; gauge: state at an instant; interval: amount of "
        "the period of period_s that begins at ts"
    )
    role: Role = Field(default=Role.NONE, description="part it plays in the balance")
    multiplier: float = Field(default=1.0, gt=0, description="CT x PT ratio (倍率)")
    modulus: float | None = Field(
        default=None, gt=0, description="register value at which the display wraps to zero"
    )
    period_s: int = Field(default=900, ge=1, le=86_400, description="nominal sampling period [s]")
    rated_per_h: float | None = Field(
        default=None, gt=0, description="highest possible amount per hour, canonical unit"
    )
    resolution: float | None = Field(
        default=None, gt=0, description="step of the last digit of the register, raw unit"
    )
    in_service_from: date | None = Field(
        default=None, description="first local day of service; before it no balance waits for it"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Channel:
        quantity = QUANTITIES.get(self.quantity)
        if quantity is None:
            known = ", ".join(QUANTITIES)
            msg = f"unknown quantity {self.quantity!r}; expected one of: {known}"
            raise ValueError(msg)
        if self.unit not in quantity.accepted:
            msg = (
                f"unit {self.unit!r} does not measure {self.quantity}; "
                f"expected one of: {', '.join(quantity.accepted)}"
            )
            raise ValueError(msg)
        if self.kind != "gauge" and not quantity.is_flow:
            article = "an" if self.kind == "interval" else "a"
            msg = f"{self.quantity} is a state and cannot be {article} {self.kind}; use kind: gauge"
            raise ValueError(msg)
        wanted = ROLE_QUANTITY.get(self.role)
        if wanted is not None and wanted != self.quantity:
            msg = f"role {self.role} needs quantity {wanted}, got {self.quantity}"
            raise ValueError(msg)
        if wanted is not None and self.kind == "gauge":
            msg = f"role {self.role} needs kind register or interval, got gauge"
            raise ValueError(msg)
        if self.kind == "interval" and self.period_s % BUCKET_S and BUCKET_S % self.period_s:
            msg = (
                f"period_s {self.period_s} of an interval channel neither divides {BUCKET_S} s nor "
                f"is a multiple of it; expected e.g. 300, 900, 1800, 3600 or 86400"
            )
            raise ValueError(msg)
        if self.kind == "interval" and self.modulus is not None:
            msg = "modulus belongs to registers; an interval channel has none"
            raise ValueError(msg)
        return self

    @property
    def factor(self) -> float:
        """Factor from a raw reading to the canonical unit: multiplier x unit factor."""
        return self.multiplier * QUANTITIES[self.quantity].factor(self.unit)


class Meter(Model):
    """A measuring device; `key` is its name in MQTT topics."""

    key: Key
    name: Names
    serial: str | None = None
    channels: dict[Key, Channel] = Field(min_length=1)
