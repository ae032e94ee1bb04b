"""Equipment and grid: substations, storages, green power that is curtailed in vain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from statistics import median

from models.findings import Severity
from models.park import Park
from models.periods import day_start
from models.roles import BALANCE_ROLES, Role
from models.verdicts import Outcome, Verdict
from rules.judge import Rule, against_limits, doubt_of, evidence_of, gone, graded, verdict
from rules.snapshot import Snapshot

_FEWEST = 20
_AVAILABLE = {Role.DIRECT_AVAILABLE, Role.ONSITE_AVAILABLE}


def storage_eta(snapshot: Snapshot) -> Iterator[Verdict]:
    """Efficiency of the last 30 days below the median of the values before by more than a limit.

    The limits are ratios of efficiency (0.05: five points). Source: house rule (domain 8, row 15).
    """
    about = snapshot.rule("storage_eta", None)
    for subject, values in snapshot.subjects(about.indicator, about.kind):
        rule = snapshot.rule("storage_eta", subject)
        seen, before = values[-1], [v.value for v in values[:-1] if v.value is not None]
        usual = median(before) if len(before) >= _FEWEST else None
        evidence = evidence_of(rule, seen) | {"target": usual, "limit_source": rule.source}
        doubt = doubt_of(snapshot, rule, seen) or ("" if usual else "too_little_before")
        if doubt or usual is None or seen.value is None:
            evidence["reason"] = doubt
            yield verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence)
            continue
        drop = usual - seen.value
        if rule.critical is not None and drop > rule.critical:
            yield verdict(snapshot, rule, subject, Outcome.BREACH, evidence, Severity.CRITICAL)
        elif rule.warn is not None and drop > rule.warn:
            yield verdict(snapshot, rule, subject, Outcome.BREACH, evidence)
        else:
            yield verdict(snapshot, rule, subject, Outcome.CLEAR, evidence)


def curtailment_while_importing(snapshot: Snapshot) -> Iterator[Verdict]:
    """Green power curtailed yesterday in hours in which the park drew from the grid, kWh.

    Of each hour the lesser of both: what could have replaced grid power. Import is that of the
    park, without what its enterprises export to each other. House rule (domain facts 8, row 12).
    """
    code = "curtailment_while_importing"
    rule = snapshot.rule(code, None)
    day, stop = snapshot.today - timedelta(days=1), snapshot.today
    plants, balanced = _watched(snapshot.park, day)
    if not plants:
        yield from gone(snapshot, code, set())
        return
    zone = snapshot.park.zone
    due = (day_start(stop, zone) - day_start(day, zone)) / timedelta(hours=1)
    hours: dict[datetime, float] = defaultdict(float)
    there: dict[datetime, tuple[float, int]] = {}
    for seen in snapshot.curtailed:
        hours[seen.hour_start] += seen.curtailed_kwh
        there[seen.hour_start] = (seen.import_kwh, seen.balances)
    wasted = {at: min(kwh, there[at][0]) for at, kwh in hours.items() if min(kwh, there[at][0]) > 0}
    told = len(snapshot.curtailed) / (plants * due)
    closed = sum(balances for _, balances in there.values()) / (balanced * due) if balanced else 0.0
    evidence = {
        "value": sum(wasted.values()),
        "target": rule.warn if rule.warn is not None else rule.critical,
        "unit": rule.unit,
        "period_start": day.isoformat(),
        "period_stop": stop.isoformat(),
        "completeness_ratio": min(told, closed, 1.0),
        "limit_source": rule.source,
        "found": {"hours": len(wasted), "curtailed_kwh": round(sum(hours.values()), 1)},
    }
    if rule.warn is None and rule.critical is None:
        return
    if min(told, closed) < rule.min_completeness_ratio:
        evidence["reason"] = "incomplete_data"
        yield verdict(snapshot, rule, None, Outcome.CANNOT_TELL, evidence)
    else:
        yield graded(snapshot, rule, None, sum(wasted.values()), evidence)


def _watched(park: Park, day: date) -> tuple[int, int]:
    """Plants whose available power is metered by then, and enterprises with a balance."""
    plants, balanced = 0, 0
    for enterprise in park.enterprises:
        roles = {
            channel.role
            for meter in enterprise.meters
            for channel in meter.channels.values()
            if channel.in_service_from is None or channel.in_service_from <= day
        }
        plants += len(roles & _AVAILABLE)
        balanced += bool(roles & set(BALANCE_ROLES))
    return plants, balanced


RULES: Mapping[str, Rule] = {
    "storage_eta": storage_eta,
    "curtailment_while_importing": curtailment_while_importing,
    **against_limits("transformer_load"),
}
