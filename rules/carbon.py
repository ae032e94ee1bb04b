"""Carbon: emissions against budgets, per unit of energy and per tonne of aluminium."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from models.energy import CarbonBudget
from models.findings import Severity
from models.verdicts import Outcome, Verdict
from rules.judge import Rule, against_limits, gone, graded, verdict
from rules.snapshot import Snapshot, Subject

CO2_BUDGET = "co2_budget_year"


def co2_budget_year(snapshot: Snapshot) -> Iterator[Verdict]:
    """CO2 of the finished months of the year against the budget of the same months.

    Limits are parts of that budget; what exceeds the budget of the whole year is critical. Months
    that are not told are left out on both sides and lower the completeness. In January the year
    before is judged. Source: domain facts 8, row 30.
    """
    this_month = snapshot.today.replace(day=1)
    year = (this_month - timedelta(days=1)).year
    standing: set[tuple[Subject, str]] = set()
    for subject in (None, *snapshot.enterprises):
        if budget := _budget(snapshot, subject, year):
            standing.add((subject, ""))
            yield _year_so_far(snapshot, subject, budget, this_month)
    yield from gone(snapshot, CO2_BUDGET, standing)


def _budget(snapshot: Snapshot, subject: Subject, year: int) -> CarbonBudget | None:
    about = snapshot.enterprise(subject)
    if subject is None:
        budgets = snapshot.park.co2_budget
    else:
        budgets = about.targets.co2_budget if about else ()
    return next((b for b in budgets if b.year == year), None)


def _year_so_far(
    snapshot: Snapshot, subject: Subject, budget: CarbonBudget, this_month: date
) -> Verdict:
    rule = snapshot.rule(CO2_BUDGET, subject)
    months = {
        seen.period_start.month: (seen, seen.value)
        for seen in snapshot.values.get((rule.indicator, rule.kind), {}).get(subject, ())
        if seen.value is not None
        and seen.status == "final"
        and seen.period_start.year == budget.year
        and seen.period_stop <= this_month
    }
    due = (this_month - timedelta(days=1)).month
    emitted = sum(value for _, value in months.values())
    allowed = sum(budget.month_tco2(month) for month in months)
    known = sum(seen.completeness_ratio for seen, _ in months.values()) / due
    newest = max((seen.period_stop for seen, _ in months.values()), default=None)
    evidence = {
        "value": emitted if months else None,
        "target": allowed if months else None,
        "unit": rule.unit,
        "period_start": date(budget.year, 1, 1).isoformat(),
        "period_stop": (newest or this_month).isoformat(),
        "completeness_ratio": known,
        "indicator": rule.indicator,
        "kind": rule.kind,
        "limit_source": budget.source,
        "found": {"budget_year_tco2": budget.year_tco2, "months": f"{len(months)}/{due}"},
    }
    doubt = ""
    if newest is None:
        doubt = "no_value"
    elif (snapshot.today - newest).days > rule.max_age_days:
        doubt = "old_data"
    elif not known >= rule.min_completeness_ratio:
        doubt = "incomplete_data"
    if doubt:
        evidence["reason"] = doubt
        return verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence)
    if emitted > budget.year_tco2:
        return verdict(snapshot, rule, subject, Outcome.BREACH, evidence, Severity.CRITICAL)
    return graded(snapshot, rule, subject, emitted / allowed, evidence)


RULES: Mapping[str, Rule] = {
    CO2_BUDGET: co2_budget_year,
    **against_limits("co2_per_tce", "al_direct_co2"),
}
