"""The rules that there are, with their parameters; what park.yaml and an enterprise may change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import Field, TypeAdapter, field_validator

from models.document import Model, Names
from models.hours import HourRange, Weekday, within

Family = Literal["green", "energy", "water", "carbon", "circular", "grid", "data"]
Sense = Literal["min", "max"]


class Tuning(Model):
    """Parameters of one rule; what is not set keeps its default."""

    enabled: bool | None = None
    warn: float | None = Field(default=None, description="limit, in the unit of the rule")
    critical: float | None = Field(default=None, description="limit of a critical alert")
    clear: float | None = Field(
        default=None, description="an open alert closes on the good side of this value"
    )
    for_hours: float | None = Field(
        default=None, ge=0, le=8760, description="breach this long before anybody is told"
    )
    resolve_hours: float | None = Field(
        default=None, ge=0, le=8760, description="good this long before it counts as resolved"
    )
    min_completeness_ratio: float | None = Field(default=None, ge=0, le=1)
    max_age_days: float | None = Field(
        default=None, gt=0, le=400, description="an older value is not the present: cannot tell"
    )
    every_hours: float | None = Field(
        default=None, ge=0, le=744, description="looked at this often; 0: at every run"
    )
    at_least: float | None = Field(
        default=None, ge=0, description="smaller amounts are not told, where the rule has such"
    )
    hours: tuple[HourRange, ...] | None = Field(
        default=None, min_length=1, description="asked only then (park time), e.g. 08:00-20:00"
    )
    weekdays: tuple[Weekday, ...] | None = Field(
        default=None, min_length=1, description="asked only on these days, 1 Monday to 7 Sunday"
    )


class RuleDefinition(Model):
    """One rule: what it looks at, its defaults, who is told, and what mutes it.

    Attributes:
        indicator, kind: the value that it judges; empty: something else, see its function.
        sense: max: the value must not exceed `warn`; min: not fall below.
        at_least: size in the unit of the amounts below which a breach does not count.
        hours, weekdays: when it is asked, local to the park; None: always.
        warn, critical: None: from a target, plan or definition, else the rule cannot be asked.
        audience: enterprise: its contacts (else the park's); park: the park's contacts.
        about: what one alert of it is about, beside the enterprise: a meter, a project...
        inhibited_by: rules whose open alert for the same enterprise (or for the park) makes this
            one pointless.
        source: where the default limits come from.
    """

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    family: Family
    name: Names
    unit: str
    indicator: str = ""
    kind: str = ""
    sense: Sense = "max"
    enabled: bool = True
    warn: float | None = None
    critical: float | None = None
    clear: float | None = None
    for_hours: float = 0
    resolve_hours: float = 0
    min_completeness_ratio: float = 0.90
    max_age_days: float = 3
    every_hours: float = 0
    at_least: float = 0
    hours: tuple[HourRange, ...] | None = None
    weekdays: tuple[Weekday, ...] | None = None
    audience: Literal["enterprise", "park"] = "enterprise"
    about: Literal["", "meter", "project", "finding", "recipient", "job"] = ""
    inhibited_by: tuple[str, ...] = ()
    source: str = Field(min_length=1)

    def tuned(self, *changes: Tuning | None) -> RuleDefinition:
        """The definition with the parameters that are set, the last one first."""
        merged: dict[str, object] = {}
        for change in changes:
            if change is not None:
                merged |= change.model_dump(exclude_none=True)
        return self.model_copy(update=merged) if merged else self

    def is_asked(self, local: datetime) -> bool:
        """True within its hours and days; outside of them it says nothing."""
        return within(local, self.hours, self.weekdays)


@cache
def rule_definitions() -> Mapping[str, RuleDefinition]:
    """Every rule by its code, in the order of the table."""
    text = files("models").joinpath("data/rules.yaml").read_text(encoding="utf-8")
    rows = TypeAdapter(tuple[RuleDefinition, ...]).validate_python(yaml.safe_load(text))
    return MappingProxyType({row.code: row for row in rows})


def known_rules(tunings: Mapping[str, Tuning]) -> Mapping[str, Tuning]:
    """The same, if every code is a rule.

    Raises:
        ValueError: names the unknown codes and the known ones.
    """
    unknown = sorted(set(tunings) - set(rule_definitions()))
    if unknown:
        msg = f"no rule {', '.join(unknown)}; expected one of: {', '.join(rule_definitions())}"
        raise ValueError(msg)
    return tunings


class RuleSettings(Model):
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
    tune: dict[str, Tuning] = Field(
        default={}, description="parameters by rule, see `greenpark rules list`"
    )

    _known = field_validator("tune")(known_rules)
