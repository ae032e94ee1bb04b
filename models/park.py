"""The park as its people describe it: enterprises, meters, channels, contacts, targets.

One validated document, `park.yaml`. Unknown keys are refused, all faults are reported at once.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from models.errors import ConfigError
from models.periods import BUCKET_S
from models.quantities import QUANTITIES
from models.sources import Key, Source, Zone, source_faults

Language = Literal["zh-CN", "en"]


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


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Names(_Model):
    """A name in the two languages of the readers."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def get(self, language: str) -> str:
        """The name in `language` (`zh-CN` or `en`)."""
        return self.zh if language.startswith("zh") else self.en


class Channel(_Model):
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


class Meter(_Model):
    """A measuring device; `key` is its name in MQTT topics."""

    key: Key
    name: Names
    serial: str | None = None
    channels: dict[Key, Channel] = Field(min_length=1)


class Contact(_Model):
    """A person who gets alert e-mails."""

    name: str = Field(min_length=1)
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")]
    language: Language = "zh-CN"


class Targets(_Model):
    """Yearly promises of one enterprise; what is not set is not checked."""

    green_share_ratio: float | None = Field(
        default=None, ge=0, le=1, description="S3 at year end; default: the park's goal"
    )
    energy_intensity_kwh_per_t: float | None = Field(default=None, gt=0)
    water_intensity_m3_per_t: float | None = Field(default=None, gt=0)


class Enterprise(_Model):
    """A legal entity of the park and the boundary of its balance."""

    key: Key
    name: Names
    kind: Literal[
        "smelter",
        "casting",
        "extrusion",
        "parts",
        "recycling",
        "energy",
        "battery",
        "utility",
        "other",
    ] = "other"
    in_goal_boundary: bool = Field(
        default=True, description="counts in the park's green share (the report leaves it open)"
    )
    retrofit_2026: bool = Field(default=False, description="one of the 7 key retrofits")
    contacts: tuple[Contact, ...] = ()
    targets: Targets = Targets()
    meters: tuple[Meter, ...] = ()
    sources: tuple[Source, ...] = Field(
        default=(), description="devices that do not speak the native JSON"
    )


class GreenGoal(_Model):
    """The park's green-power promise and how it is read.

    The report names neither numerator, boundary nor period, so all of them are configuration
    and are printed beside the number. Source: domain facts 1.1 and 1.3.
    """

    year: int = Field(default=2026, ge=2000, le=2100)
    year_end_ratio: float = Field(default=0.50, ge=0, le=1)
    start_ratio: float = Field(
        default=0.0, ge=0, le=1, description="where the glide path starts on 1 January"
    )
    share: Literal["S1", "S3"] = "S3"
    reading: Literal["ytd"] = "ytd"
    source: str = Field(default="not stated", min_length=1)


class RuleSettings(_Model):
    """Thresholds of the rules; every one has a default and can be set per park."""

    green_tolerance_ratio: float = Field(default=0.02, ge=0, le=1)
    green_critical_ratio: float = Field(
        default=0.10, ge=0, le=1, description="this far below the path is critical"
    )
    intensity_tolerance_ratio: float = Field(default=0.03, ge=0, le=1)
    intensity_critical_ratio: float = Field(default=0.15, ge=0, le=1)
    clear_ratio: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="an open alert closes when the excess is below this part of the tolerance",
    )
    min_completeness_ratio: float = Field(default=0.90, ge=0, le=1)
    max_age_days: int = Field(
        default=3, ge=1, le=31, description="an older value is not the present: cannot tell"
    )
    max_settlement_age_days: int = Field(
        default=75, ge=1, le=400, description="the same for shares that wait for settlements"
    )


class Substation(_Model):
    """A substation that feeds the park."""

    key: Key
    name: Names
    rated_mva: float = Field(gt=0)
    meter: Key


class Park(_Model):
    """An industrial park: the root of park.yaml."""

    key: Key
    name: Names
    timezone: Zone = "Asia/Shanghai"
    simulated: bool = Field(default=False, description="numbers are not from real meters")
    goal: GreenGoal = GreenGoal()
    rules: RuleSettings = RuleSettings()
    contacts: tuple[Contact, ...] = ()
    enterprises: tuple[Enterprise, ...] = Field(min_length=1)
    substations: tuple[Substation, ...] = ()
    data_from: date | None = Field(default=None, description="first day with data, if known")

    @property
    def zone(self) -> ZoneInfo:
        """Zone in which days, months and the goal year are cut."""
        return ZoneInfo(self.timezone)

    @model_validator(mode="after")
    def _unique_and_known(self) -> Park:
        faults = _repeated("enterprise", [e.key for e in self.enterprises])
        meters = [m.key for e in self.enterprises for m in e.meters]
        faults += _repeated("meter", meters)
        faults += [
            f"substation {s.key}: meter {s.meter!r} is not a meter of this park"
            for s in self.substations
            if s.meter not in meters
        ]
        faults += source_faults(
            self.key,
            [
                (e.key, s, {m.key: m.channels for m in e.meters})
                for e in self.enterprises
                for s in e.sources
            ],
        )
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def enterprise(self, key: str) -> Enterprise:
        """The enterprise with this key.

        Raises:
            ConfigError: there is none.
        """
        for enterprise in self.enterprises:
            if enterprise.key == key:
                return enterprise
        known = ", ".join(e.key for e in self.enterprises)
        raise ConfigError(f"park {self.key}", [f"no enterprise {key!r}; expected one of: {known}"])


def _repeated(what: str, keys: list[str]) -> list[str]:
    return [
        f"{what} key {k!r} is used twice" for k in sorted({k for k in keys if keys.count(k) > 1})
    ]


def parse_park(document: Any, source: str) -> Park:
    """Validate a decoded park document.

    Raises:
        ConfigError: with every fault and the place of each.
    """
    try:
        return Park.model_validate(document)
    except ValidationError as exc:
        faults = [
            f"{'.'.join(map(str, e['loc'])) or 'park'}: {e['msg']} (got {e['input']!r:.80})"
            for e in exc.errors()
            if not (e["type"] == "too_short" and e["input"])  # faulty items count as absent
        ]
        raise ConfigError(source, faults) from exc


def load_park(path: Path) -> Park:
    """Read and validate `park.yaml`.

    Raises:
        ConfigError: the file is missing, is not YAML or is not a valid park.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except yaml.YAMLError as exc:
        raise ConfigError(str(path), [f"is not valid YAML: {exc}"]) from exc
    return parse_park(document, str(path))
