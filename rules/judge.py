"""The newest value of an indicator against a limit: what most rules are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from models.findings import Severity
from models.indicators import IndicatorValue
from models.rules import RuleDefinition
from models.verdicts import Outcome, Verdict
from rules.snapshot import Snapshot, Subject, worst

Rule = Callable[[Snapshot], Iterator[Verdict]]


def against_limits(*codes: str) -> Mapping[str, Rule]:
    """Rules that compare the newest value of their indicator with their limit."""

    def rule(code: str) -> Rule:
        return lambda snapshot: _each(snapshot, code)

    return {code: rule(code) for code in codes}


def _each(snapshot: Snapshot, code: str) -> Iterator[Verdict]:
    about = snapshot.rule(code, None)
    for subject, values in snapshot.subjects(about.indicator, about.kind):
        rule = snapshot.rule(code, subject)
        limit = snapshot.limits.get(rule.indicator)
        if rule.warn is None and limit is not None:
            rule = rule.model_copy(update={"warn": limit.value})
        if rule.warn is None and rule.critical is None:
            continue
        source = limit.source if limit and limit.value == rule.warn else rule.source
        yield judge(snapshot, rule, subject, newest(values, rule), limit_source=source)


def newest(values: Sequence[IndicatorValue], rule: RuleDefinition) -> IndicatorValue:
    """The newest value; of months the newest final one, where there is any."""
    final = [v for v in values if v.status == "final"] if _waits(rule) else []
    return (final or values)[-1]


def _waits(rule: RuleDefinition) -> bool:
    """A month is judged when it is over; a demand or a load is a maximum, true as soon as seen."""
    return rule.kind == "month" and rule.min_completeness_ratio > 0


def judge(
    snapshot: Snapshot, rule: RuleDefinition, subject: Subject, seen: IndicatorValue, **facts: Any
) -> Verdict:
    """Breach beyond a limit, clear on the good side of `clear`, else of the limit.

    Without a value, with too little or too old data the answer is "cannot tell".
    """
    target = rule.warn if rule.warn is not None else rule.critical
    evidence = evidence_of(rule, seen) | {"target": target, **facts}
    if doubt := doubt_of(snapshot, rule, seen):
        return verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence | {"reason": doubt})
    return graded(snapshot, rule, subject, float(seen.value or 0.0), evidence)


def graded(
    snapshot: Snapshot,
    rule: RuleDefinition,
    subject: Subject,
    value: float,
    evidence: Mapping[str, Any],
    about: str = "",
) -> Verdict:
    """Breach beyond a limit; an open alert holds until the value is on the good side of `clear`."""
    severity = worst(value, rule)
    if severity is not None:
        return verdict(snapshot, rule, subject, Outcome.BREACH, evidence, severity, about)
    if rule.clear is not None and (rule.code, subject, about) in snapshot.open:
        good = value <= rule.clear if rule.sense == "max" else value >= rule.clear
        if not good:
            return verdict(snapshot, rule, subject, Outcome.HOLD, evidence, about=about)
    return verdict(snapshot, rule, subject, Outcome.CLEAR, evidence, about=about)


def doubt_of(snapshot: Snapshot, rule: RuleDefinition, seen: IndicatorValue) -> str:
    """Why nothing can be told from a value; empty: it can be judged."""
    if seen.value is None or not math.isfinite(seen.value):
        return "no_value"
    if _waits(rule) and seen.status != "final":
        return "not_final"
    if (snapshot.today - seen.period_stop).days > rule.max_age_days:
        return "old_data"
    if not seen.completeness_ratio >= rule.min_completeness_ratio:
        return "incomplete_data"
    return ""


def evidence_of(rule: RuleDefinition, seen: IndicatorValue) -> dict[str, Any]:
    """What a reader needs of a stored value; the chart is drawn from `indicator` and `kind`."""
    return {
        "value": seen.value,
        "unit": seen.unit,
        "period_start": seen.period_start.isoformat(),
        "period_stop": seen.period_stop.isoformat(),
        "completeness_ratio": seen.completeness_ratio,
        "estimated_ratio": seen.estimated_ratio,
        "status": seen.status,
        "indicator": rule.indicator,
        "kind": rule.kind,
    } | ({"note": seen.note} if seen.note else {})


def verdict(
    snapshot: Snapshot,
    rule: RuleDefinition,
    subject: Subject,
    outcome: Outcome,
    evidence: Mapping[str, Any],
    severity: Severity = Severity.WARNING,
    about: str = "",
) -> Verdict:
    """A verdict of a rule about a subject of the picture."""
    return Verdict(rule.code, snapshot.park_id, subject, outcome, severity, evidence, about)


def gone(snapshot: Snapshot, code: str, standing: set[tuple[Subject, str]]) -> Iterator[Verdict]:
    """CLEAR for the open alerts of a rule whose object is no longer among those that stand."""
    for _, subject, about in snapshot.opened(code):
        if (subject, about) not in standing:
            rule = snapshot.rule(code, subject)
            evidence = {"value": None, "target": None, "unit": rule.unit}
            yield verdict(snapshot, rule, subject, Outcome.CLEAR, evidence, about=about)


def findings(code: str, *prefixes: str, only_critical: bool = False) -> Rule:
    """A rule that opens an alert for every finding that stands, by code and object."""

    def rule(snapshot: Snapshot) -> Iterator[Verdict]:
        standing: set[tuple[Subject, str]] = set()
        for found in snapshot.findings:
            matches = found.code.startswith(prefixes) if prefixes else True
            if not matches or (only_critical and found.severity != "critical"):
                continue
            where = "/".join(filter(None, (found.meter, found.channel)))
            about = f"{found.code}:{where}" if where else found.code
            if (found.enterprise_id, about) in standing:
                continue
            standing.add((found.enterprise_id, about))
            yield verdict(
                snapshot,
                snapshot.rule(code, found.enterprise_id),
                found.enterprise_id,
                Outcome.BREACH,
                {
                    "value": None,
                    "target": None,
                    "unit": "",
                    "finding": found.code,
                    "meter": where,
                    "period_start": found.start.astimezone(snapshot.park.zone).date().isoformat(),
                    "found": dict(found.evidence),
                },
                Severity(found.severity),
                about,
            )
        yield from gone(snapshot, code, standing)

    return rule
