"""Everything that the rules look at: a picture of one park at one instant, without any I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from models.findings import Severity
from models.indicators import IndicatorValue
from models.park import Enterprise, Park
from models.rules import RuleDefinition
from models.verdicts import AlertKey

Subject = int | None
"""Number of an enterprise; None: the park."""


class Limit(NamedTuple):
    """Threshold of an indicator in this park, in its unit, with its source."""

    value: float
    sense: str
    source: str


class Forecast(NamedTuple):
    """Newest year-end forecast of a subject; see table `green_forecast`."""

    made_for: date
    target_ratio: float
    s3_p10_ratio: float
    s3_p50_ratio: float
    s3_p90_ratio: float
    s1_probability_ratio: float
    s3_probability_ratio: float
    required_ratio: float | None
    certificates_p50_mwh: int
    known_ratio: float


class Saving(NamedTuple):
    """Newest result of a retrofit project; see table `saving_result`; amounts in `unit`."""

    project: str
    enterprise_id: int
    name_zh: str
    name_en: str
    unit: str
    reporting_start: date
    reporting_stop: date
    is_accepted: bool
    saved_amount: float | None
    saved_low: float | None
    saved_high: float | None
    target_amount: float | None
    refusals: tuple[str, ...]


class Found(NamedTuple):
    """A finding that stands; `meter` and `channel` are empty for one about the enterprise."""

    code: str
    severity: str
    enterprise_id: Subject
    meter: str
    channel: str
    start: datetime
    stop: datetime
    first_seen_at: datetime
    evidence: Mapping[str, Any]


class Heard(NamedTuple):
    """When a meter in service was last heard; None: never. `period_s`: its slowest channel's."""

    meter: str
    enterprise_id: int
    last_at: datetime | None
    period_s: float


class Undelivered(NamedTuple):
    """A recipient whose messages were refused for good in the last seven days."""

    recipient: str
    failed: int
    error: str


class Running(NamedTuple):
    """A job: its last sign of life (park clock) and its error."""

    name: str
    seen_at: datetime
    error: str


class Alive(NamedTuple):
    """A collector that has subscriptions: its last sign of life, and how long ago that was."""

    last_at: datetime
    silent_s: float


class Curtailed(NamedTuple):
    """An hour of yesterday of a plant whose available power is metered.

    Attributes:
        role: what is available, `direct_available` or `onsite_available`.
        import_kwh: what the park as a whole drew from the grid in this hour (import - export).
        balances: enterprises whose balance of the hour is closed.
    """

    enterprise_id: int
    role: str
    hour_start: datetime
    curtailed_kwh: float
    import_kwh: float
    balances: int


class Restated(NamedTuple):
    """Energy of a channel on days that were over when it changed, within the last seven days."""

    meter: str
    channel: str
    enterprise_id: int
    first_day: date
    last_day: date
    quarters: int
    old_kwh: float
    new_kwh: float
    reasons: str


@dataclass(frozen=True)
class Snapshot:
    """A park as the rules see it at `now`.

    Attributes:
        enterprises: number -> key, of the enterprises in use.
        open: keys of the alerts that are not resolved (for hysteresis).
        values: (indicator, period kind) -> subject -> newest values, the newest last; only what
            `needs` asks for, as many as it asks for.
        limits: thresholds of indicators, the park's own first.
        collectors: None: the park runs on another clock than they do (replay, demo).
        loads: end use [kWh] of the whole hours of the last seven local days, the least first.
    """

    park_id: int
    park: Park
    enterprises: Mapping[int, str]
    now: datetime
    today: date
    open: Collection[AlertKey] = frozenset()
    values: Mapping[tuple[str, str], Mapping[Subject, Sequence[IndicatorValue]]] = field(
        default_factory=dict
    )
    limits: Mapping[str, Limit] = field(default_factory=dict)
    forecasts: Mapping[Subject, Forecast] = field(default_factory=dict)
    savings: Sequence[Saving] = ()
    findings: Sequence[Found] = ()
    heard: Sequence[Heard] = ()
    undelivered: Sequence[Undelivered] = ()
    jobs: Sequence[Running] = ()
    collectors: Sequence[Alive] | None = None
    loads: Mapping[int, Sequence[float]] = field(default_factory=dict)
    curtailed: Sequence[Curtailed] = ()
    restated: Sequence[Restated] = ()

    @cached_property
    def _enterprises(self) -> Mapping[int, Enterprise]:
        return self.park.numbered(self.enterprises)

    def enterprise(self, subject: Subject) -> Enterprise | None:
        """The enterprise of a subject; None for the park and for one that is not in use."""
        return None if subject is None else self._enterprises.get(subject)

    def subjects(
        self, indicator: str, kind: str
    ) -> Iterator[tuple[Subject, Sequence[IndicatorValue]]]:
        """The park (if it has one) and the enterprises in use that have values of an indicator."""
        for subject, values in self.values.get((indicator, kind), {}).items():
            if values and (subject is None or subject in self._enterprises):
                yield subject, values

    def rule(self, code: str, subject: Subject) -> RuleDefinition:
        """The parameters of a rule for a subject: default, park, enterprise."""
        return self.park.rule(code, self.enterprise(subject))

    def opened(self, code: str) -> Iterator[AlertKey]:
        """Keys of the alerts of a rule that are not resolved."""
        return (key for key in self.open if key[0] == code)


def worst(value: float, rule: RuleDefinition) -> Severity | None:
    """Severity of a value against the limits of a rule; None: no breach, or no limit is set."""

    def beyond(limit: float | None) -> bool:
        return limit is not None and (value > limit if rule.sense == "max" else value < limit)

    if beyond(rule.critical):
        return Severity.CRITICAL
    return Severity.WARNING if beyond(rule.warn) else None
