"""The park as its people describe it: enterprises, meters, channels, contacts, targets.

One validated document, `park.yaml`. Unknown keys are refused, all faults are reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from models.contacts import AlertSettings, Contact, Maintenance
from models.document import Model, Names
from models.energy import (
    CarbonBudget,
    EnergySettings,
    Limit,
    PowerSupply,
    WaterSettings,
    one_per_year,
)
from models.errors import ConfigError
from models.green import GreenAccounting, StorageTracing
from models.ledger import LedgerSettings
from models.meters import Meter, parent_faults
from models.retrofits import Retrofit, retrofit_faults, retrofits_csv
from models.rules import (
    RuleDefinition,
    RuleSettings,
    Tuning,
    known_rules,
    rule_definitions,
)
from models.sources import Key, Source, Zone, source_faults


class Targets(Model):
    """Yearly promises of one enterprise; what is not set is not checked."""

    green_share_ratio: float | None = Field(
        default=None, ge=0, le=1, description="S3 at year end; default: the park's goal"
    )
    energy_intensity_kwh_per_t: float | None = Field(default=None, gt=0)
    water_intensity_m3_per_t: float | None = Field(default=None, gt=0)
    co2_budget: tuple[CarbonBudget, ...] = Field(default=(), description="by year")

    _years = field_validator("co2_budget")(one_per_year)


class Enterprise(Model):
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
    rules: dict[str, Tuning] = Field(
        default={}, description="parameters of rules that differ from the park's"
    )
    storage: StorageTracing = Field(
        default=StorageTracing(), description="tracing of what a storage behind the meter holds"
    )
    power: PowerSupply = Field(
        default=PowerSupply(), description="what is agreed with the grid company"
    )
    water: WaterSettings = Field(default=WaterSettings(), description="night flow and leaks")
    direct_users: tuple[Key, ...] = Field(
        default=(), description="enterprises that this one's plants feed over direct lines"
    )
    meters: tuple[Meter, ...] = ()
    sources: tuple[Source, ...] = Field(
        default=(), description="devices that do not speak the native JSON"
    )

    _known = field_validator("rules")(known_rules)


class GreenGoal(Model):
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
    reading: Literal["ytd", "december", "rolling_12m"] = Field(
        default="ytd", description="how year end is read officially; the others are shown beside it"
    )
    source: str = Field(default="not stated", min_length=1)


class MeteringSettings(Model):
    """How readings become 15-minute values. A change computes the channels of the park anew.

    Source: domain facts 7.1 and 7.2; all numbers are parameters there or house rules.
    """

    glitch_samples: int = Field(
        default=3, ge=1, le=20, description="most readings in a row that may be a glitch"
    )
    glitch_minutes: float = Field(
        default=15, ge=0, le=240, description="a longer row is one if it returns this fast"
    )
    straight_line_minutes: float = Field(
        default=120, ge=15, le=1440, description="longer pauses take the shape of like days"
    )
    like_days: int = Field(default=3, ge=1, le=10, description="latest days of the same kind")
    like_days_within: int = Field(
        default=42, ge=7, le=366, description="as far back as they are looked for [days]"
    )
    calendar: str = Field(
        default="CN",
        pattern=r"^[A-Z]{2}$",
        description="country (ISO 3166) of holidays and make-up working days",
    )


class ValidationSettings(Model):
    """Thresholds of the checks of finished days (codes `validation.*` and `clock.skew`).

    Source: domain facts 7.2 where a description says so; the others are house rules.
    """

    settle_minutes: float = Field(
        default=60, ge=0, le=2880, description="a day is checked this long after its end"
    )
    spike_ratio: float = Field(
        default=1.8, gt=0, description="(h1 - h3) / h3 of a day; source: CPUC VEE, 180 %"
    )
    spike_min_buckets: int = Field(default=8, ge=3, le=92)
    level_ratio: float = Field(
        default=0.5, gt=0, lt=1, description="share by which a day may differ from like days"
    )
    like_days: int = Field(default=3, ge=1, le=5, description="latest days of the same kind")
    stuck_buckets: int = Field(
        default=24, ge=4, le=960, description="quarter-hours that a running load may stand still"
    )
    stuck_normal_ratio: float = Field(
        default=0.1, ge=0, le=1, description="a load runs if fewer of its quarter-hours are still"
    )
    sum_steps: float = Field(
        default=2, gt=0, description="tolerance of the sum check [register steps]; source: VEE"
    )
    parent_loss_ratio: float = Field(
        default=0.03, ge=0, lt=1, description="most that may be lost below a parent meter"
    )
    parent_gain_ratio: float = Field(
        default=0.01, ge=0, lt=1, description="most by which its children may exceed a parent"
    )
    reactive_buckets: int = Field(
        default=4, ge=1, le=92, description="quarter-hours of reactive without active energy"
    )
    skew_s: float = Field(
        default=180, gt=0, description="alarm of the device clock [s]; source: domain 7.2, 3 min"
    )
    skew_spread_s: float = Field(
        default=60, gt=0, description="a lag that varies more is transport, not the clock [s]"
    )
    ratio_jump: float = Field(
        default=1.4, gt=1, description="a lasting constant ratio beyond this or its reciprocal"
    )
    ratio_spread: float = Field(
        default=0.1, gt=0, lt=1, description="interquartile range by median of a constant ratio"
    )
    min_completeness_ratio: float = Field(default=0.90, ge=0, le=1)


class Substation(Model):
    """A substation that feeds the park."""

    key: Key
    name: Names
    rated_mva: float = Field(gt=0)
    meter: Key


class Park(Model):
    """An industrial park: the root of park.yaml."""

    key: Key
    name: Names
    timezone: Zone = "Asia/Shanghai"
    simulated: bool = Field(default=False, description="numbers are not from real meters")
    goal: GreenGoal = GreenGoal()
    green: GreenAccounting = GreenAccounting()
    ledger: LedgerSettings = LedgerSettings()
    energy: EnergySettings = EnergySettings()
    thresholds: tuple[Limit, ...] = Field(
        default=(),
        description="limits of indicators, where the published one does not fit",
    )
    co2_budget: tuple[CarbonBudget, ...] = Field(
        default=(), description="of the park as a whole, by year"
    )
    rules: RuleSettings = RuleSettings()
    alerts: AlertSettings = AlertSettings()
    maintenance: tuple[Maintenance, ...] = Field(
        default=(), description="planned times in which nobody is told"
    )
    metering: MeteringSettings = MeteringSettings()
    validation: ValidationSettings = ValidationSettings()
    contacts: tuple[Contact, ...] = ()
    enterprises: tuple[Enterprise, ...] = Field(min_length=1)
    substations: tuple[Substation, ...] = ()
    retrofits: tuple[Retrofit, ...] = Field(
        default=(), description="projects whose savings are verified"
    )
    data_from: date | None = Field(default=None, description="first day with data, if known")

    _years = field_validator("co2_budget")(one_per_year)

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
        faults += _unknown_members(self)
        channels = {
            f"{m.key}/{key}": (c.quantity, c.kind)
            for e in self.enterprises
            for m in e.meters
            for key, c in m.channels.items()
        }
        faults += retrofit_faults(self.retrofits, [e.key for e in self.enterprises], channels)
        faults += parent_faults([m for e in self.enterprises for m in e.meters])
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

    def numbered(self, keys: Mapping[int, str]) -> dict[int, Enterprise]:
        """The enterprises by their numbers in the database; others than those are left out."""
        by_key = {e.key: e for e in self.enterprises}
        return {number: by_key[key] for number, key in keys.items() if key in by_key}

    def rule(self, code: str, enterprise: Enterprise | None = None) -> RuleDefinition:
        """The parameters of a rule: the defaults, the park's, those of the enterprise."""
        own = enterprise.rules.get(code) if enterprise else None
        return rule_definitions()[code].tuned(self.rules.tune.get(code), own)


def _unknown_members(park: Park) -> list[str]:
    known = {e.key for e in park.enterprises}
    named = [(f"boundary {b.key}", (*b.enterprises, *b.without)) for b in park.green.boundaries]
    named += [(f"enterprise {e.key}: direct_users", e.direct_users) for e in park.enterprises]
    named += [("maintenance", (m.enterprise,)) for m in park.maintenance if m.enterprise]
    return [
        f"{where}: {key!r} is not an enterprise of this park; expected one of: "
        + ", ".join(sorted(known))
        for where, keys in named
        for key in keys
        if key not in known
    ] + _repeated("boundary", [b.key for b in park.green.boundaries])


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
    return parse_park(_with_projects(document, path), str(path))


def _with_projects(document: Any, path: Path) -> Any:
    """`retrofits_file` names a CSV beside park.yaml, whose projects are added to `retrofits`."""
    if not isinstance(document, dict) or "retrofits_file" not in document:
        return document
    rest = {key: value for key, value in document.items() if key != "retrofits_file"}
    file = path.parent / str(document["retrofits_file"])
    try:
        projects = retrofits_csv(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as exc:
        raise ConfigError(str(file), [str(exc)]) from exc
    return rest | {"retrofits": [*rest.get("retrofits", []), *projects]}
