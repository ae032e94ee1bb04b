"""Energy saving: consumption per tonne, its drift, idle load, demand, savings of retrofits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from statistics import fmean, median

from models.findings import Severity
from models.periods import day_start
from models.verdicts import Outcome, Verdict
from rules.intensity import ENERGY_RULE, against_target
from rules.judge import (
    Rule,
    against_limits,
    doubt_of,
    evidence_of,
    gone,
    graded,
    verdict,
)
from rules.snapshot import Saving, Snapshot, Subject, worst

_WEEK_DAYS = 7
_BEFORE = 28
_FEWEST = 14


def drift(code: str) -> Rule:
    """The last seven days against the median of the 7-day values of the four weeks before.

    The limits are excess ratios. Fewer than 14 known values before: cannot tell. House rule.
    """

    def rule(snapshot: Snapshot) -> Iterator[Verdict]:
        about = snapshot.rule(code, None)
        for subject, values in snapshot.subjects(about.indicator, about.kind):
            tuned = snapshot.rule(code, subject)
            seen = values[-1]
            first = seen.period_stop.toordinal() - _WEEK_DAYS
            before = [
                v.value
                for v in values
                if v.value is not None and first - _BEFORE < v.period_stop.toordinal() <= first
            ]
            usual = median(before) if before else None
            evidence = evidence_of(tuned, seen) | {"target": usual, "limit_source": tuned.source}
            doubt = doubt_of(snapshot, tuned, seen)
            if not doubt and (len(before) < _FEWEST or not usual or usual <= 0):
                doubt = "too_little_before"
            if doubt or seen.value is None or not usual:
                evidence["reason"] = doubt
                yield verdict(snapshot, tuned, subject, Outcome.CANNOT_TELL, evidence)
                continue
            excess = seen.value / usual - 1
            severity = worst(excess, tuned)
            outcome = Outcome.BREACH if severity else Outcome.CLEAR
            if not severity and excess > (tuned.warn or 0) / 2:
                outcome = Outcome.HOLD
            yield verdict(snapshot, tuned, subject, outcome, evidence, severity or Severity.WARNING)

    return rule


def saving_behind(snapshot: Snapshot) -> Iterator[Verdict]:
    """A verified saving below its part of the promised one, pro rata of the reporting days.

    `warn` and `critical` are parts of the plan. Source: domain facts 8, row 23; parts: house rule.
    """
    standing: set[tuple[Subject, str]] = set()
    for saving in snapshot.savings:
        plan = _plan(saving)
        if plan is None or saving.saved_amount is None or not saving.is_accepted:
            standing.add((saving.enterprise_id, saving.project))  # cannot tell: leave it
            continue
        rule = snapshot.rule("saving_behind", saving.enterprise_id)
        severity = worst(saving.saved_amount / plan, rule)
        standing.add((saving.enterprise_id, saving.project))
        evidence = {
            "value": saving.saved_amount,
            "target": plan,
            "unit": saving.unit,
            "period_start": saving.reporting_start.isoformat(),
            "period_stop": saving.reporting_stop.isoformat(),
            "low": saving.saved_low,
            "high": saving.saved_high,
            "limit_source": rule.source,
        }
        outcome = Outcome.BREACH if severity else Outcome.CLEAR
        yield verdict(
            snapshot,
            rule,
            saving.enterprise_id,
            outcome,
            evidence,
            severity or Severity.WARNING,
            saving.project,
        )
    yield from gone(snapshot, "saving_behind", standing)


def saving_refused(snapshot: Snapshot) -> Iterator[Verdict]:
    """A project whose saving cannot be verified although it has reported for `warn` days."""
    standing: set[tuple[Subject, str]] = set()
    for saving in snapshot.savings:
        rule = snapshot.rule("saving_refused", saving.enterprise_id)
        days = (saving.reporting_stop - saving.reporting_start).days
        if saving.is_accepted or days <= (rule.warn or 0):
            continue
        standing.add((saving.enterprise_id, saving.project))
        evidence = {
            "value": float(days),
            "target": rule.warn,
            "unit": "d",
            "period_start": saving.reporting_start.isoformat(),
            "period_stop": saving.reporting_stop.isoformat(),
            "found": {"refusals": list(saving.refusals)},
        }
        yield verdict(
            snapshot,
            rule,
            saving.enterprise_id,
            Outcome.BREACH,
            evidence,
            Severity.INFO,
            saving.project,
        )
    yield from gone(snapshot, "saving_refused", standing)


def idle_load(snapshot: Snapshot) -> Iterator[Verdict]:
    """Mean of the least tenth of the hours of the last seven days by that of the highest tenth.

    What still runs while nothing is produced, whatever the shifts are. No limit is published and
    a continuous process has no idle hours: it is asked where the park or the enterprise sets one.
    """
    start = snapshot.today - timedelta(days=_WEEK_DAYS)
    due = (_midnight(snapshot, snapshot.today) - _midnight(snapshot, start)) / timedelta(hours=1)
    for subject, loads in snapshot.loads.items():
        rule = snapshot.rule("idle_load", subject)
        if rule.warn is None and rule.critical is None:
            continue
        tenth = max(len(loads) // 10, 1)
        idle_kw, working_kw = fmean(loads[:tenth]), fmean(loads[-tenth:])
        known = min(len(loads) / due, 1.0)
        evidence = {
            "value": idle_kw / working_kw if working_kw > 0 else None,
            "target": rule.warn if rule.warn is not None else rule.critical,
            "unit": rule.unit,
            "period_start": start.isoformat(),
            "period_stop": snapshot.today.isoformat(),
            "completeness_ratio": known,
            "found": {"idle_kw": round(idle_kw, 1), "working_kw": round(working_kw, 1)},
        }
        if working_kw <= 0 or known < rule.min_completeness_ratio:
            evidence["reason"] = "incomplete_data" if working_kw > 0 else "no_value"
            yield verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence)
        else:
            yield graded(snapshot, rule, subject, idle_kw / working_kw, evidence)


def _midnight(snapshot: Snapshot, day: date) -> datetime:
    return day_start(day, snapshot.park.zone)


def _plan(saving: Saving) -> float | None:
    """The promised saving of the reporting days, in the unit of the project."""
    if not saving.target_amount or saving.target_amount <= 0:
        return None
    return saving.target_amount * (saving.reporting_stop - saving.reporting_start).days / 365


RULES: Mapping[str, Rule] = {
    ENERGY_RULE: against_target(ENERGY_RULE, "energy_intensity_kwh_per_t"),
    "energy_drift": drift("energy_drift"),
    "saving_behind": saving_behind,
    "saving_refused": saving_refused,
    "idle_load": idle_load,
    **against_limits("demand_ratio", "power_factor", "tier_surcharge", "al_comp_ac"),
}
