"""Green power: share against path, forecast, direct connection, ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from models.findings import Severity
from models.indicators import GREEN_SHARE_CLAIM, GREEN_SHARE_PHYSICAL
from models.park import GreenGoal
from models.rules import RuleSettings
from models.verdicts import Outcome, Verdict
from rules.facts import Measured, measured
from rules.judge import Rule, against_limits, findings, verdict
from rules.snapshot import Forecast, Snapshot, worst

RULE = "green_share_ytd"

# How year end is read (domain facts 1.3): December is judged month by month until it comes.
_READINGS = {"ytd": "ytd", "december": "month", "rolling_12m": "rolling_12m"}


def glide_path(goal: GreenGoal, end_ratio: float, stop: date) -> float:
    """Share [ratio] that the year so far has to show on the day before `stop`.

    A straight line from `goal.start_ratio` on 1 January to `end_ratio` at the end of the goal
    year. House rule: the report gives the end of the path only (domain facts 8, row 3).
    """
    begin, end = date(goal.year, 1, 1), date(goal.year + 1, 1, 1)
    elapsed = (min(max(stop, begin), end) - begin).days / (end - begin).days
    return goal.start_ratio + (end_ratio - goal.start_ratio) * elapsed


def green_share_ytd(
    seen: Measured, goal: GreenGoal, end_ratio: float, settings: RuleSettings
) -> Verdict:
    """Breach when the share is below the path by more than the tolerance.

    An open alert closes when the share is back within `clear_ratio` of the tolerance. Below
    `min_completeness_ratio` the answer is "cannot tell". Source: domain facts 8, row 3.
    """
    path = glide_path(goal, end_ratio, seen.period_stop)
    facts: dict[str, Any] = {"target": path, "year_end_target": end_ratio, "share": goal.share}
    doubt = seen.doubt(
        min_completeness_ratio=settings.min_completeness_ratio,
        max_age_days=settings.max_settlement_age_days,
    )
    if (seen.period_stop - timedelta(days=1)).year != goal.year:
        doubt = "other_year"
    if doubt or seen.value is None:
        return seen.verdict(RULE, Outcome.CANNOT_TELL, reason=doubt, **facts)
    return seen.against_limit(
        RULE,
        path - seen.value,
        tolerance=settings.green_tolerance_ratio,
        critical=settings.green_critical_ratio,
        clear=settings.clear_ratio,
        **facts,
    )


def _share(snapshot: Snapshot) -> str:
    """The indicator by which the promise is read."""
    return GREEN_SHARE_CLAIM if snapshot.park.goal.share == "S3" else GREEN_SHARE_PHYSICAL


def _on_path(snapshot: Snapshot) -> Iterator[Verdict]:
    """The newest final share of every subject; a month without its settlement looks too bad."""
    goal, indicator = snapshot.park.goal, _share(snapshot)
    kind = _READINGS[goal.reading]
    for subject, values in snapshot.subjects(indicator, kind):
        about = snapshot.enterprise(subject)
        own = about.targets.green_share_ratio if about else None
        seen = measured(snapshot, RULE, subject, values[-1])
        end_ratio = goal.year_end_ratio if own is None else own
        said = green_share_ytd(seen, goal, end_ratio, snapshot.park.rules)
        yield said.beside(indicator=indicator, kind=kind, path_start=goal.start_ratio)


def green_forecast(snapshot: Snapshot) -> Iterator[Verdict]:
    """The goal is reached in too few of the scenarios of the newest forecast. House rule."""
    for subject, forecast in snapshot.forecasts.items():
        rule = snapshot.rule("green_forecast", subject)
        physical = snapshot.park.goal.share == "S1"
        value = forecast.s1_probability_ratio if physical else forecast.s3_probability_ratio
        evidence = _facts(snapshot, forecast) | {
            "value": value,
            "target": rule.warn,
            "expected_share": forecast.s3_p50_ratio,
        }
        if doubt := _old(snapshot, forecast, rule.max_age_days):
            evidence["reason"] = doubt
            yield verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence)
            continue
        severity = worst(value, rule)
        outcome = Outcome.BREACH if severity else Outcome.CLEAR
        yield verdict(snapshot, rule, subject, outcome, evidence, severity or Severity.WARNING)


def green_required_rate(snapshot: Snapshot) -> Iterator[Verdict]:
    """The share needed over the rest of the year against the best month of the last twelve.

    Above 1 it takes certificates (`certificates_mwh`). Source: domain facts 8, row 4, and 11.8.
    """
    months = snapshot.values.get((_share(snapshot), "month"), {})
    for subject, forecast in snapshot.forecasts.items():
        rule = snapshot.rule("green_required_rate", subject)
        best = max((v.value for v in months.get(subject, ()) if v.value is not None), default=None)
        evidence = _facts(snapshot, forecast) | {
            "value": forecast.required_ratio,
            "target": rule.warn if rule.warn is not None else best,
            "certificates_mwh": forecast.certificates_p50_mwh,
        }
        doubt = _old(snapshot, forecast, rule.max_age_days)
        if doubt or forecast.required_ratio is None or evidence["target"] is None:
            evidence["reason"] = doubt or "no_value"
            yield verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence)
            continue
        tuned = rule.model_copy(update={"warn": evidence["target"]})
        severity = worst(forecast.required_ratio, tuned)
        outcome = Outcome.BREACH if severity else Outcome.CLEAR
        yield verdict(snapshot, rule, subject, outcome, evidence, severity or Severity.WARNING)


def _facts(snapshot: Snapshot, forecast: Forecast) -> dict[str, Any]:
    return {
        "unit": "ratio",
        "period_start": date(snapshot.park.goal.year, 1, 1).isoformat(),
        "period_stop": date(snapshot.park.goal.year + 1, 1, 1).isoformat(),
        "completeness_ratio": forecast.known_ratio,
        "year_end_target": forecast.target_ratio,
    }


def _old(snapshot: Snapshot, forecast: Forecast, max_age_days: float) -> str:
    return "old_data" if (snapshot.today - forecast.made_for).days > max_age_days else ""


RULES: Mapping[str, Rule] = {
    RULE: _on_path,
    "green_forecast": green_forecast,
    "green_required_rate": green_required_rate,
    "ledger_violation": findings("ledger_violation", "ledger.", "green.claims_above_grid_draw"),
    **against_limits(
        "direct_selfuse_of_gen", "direct_selfuse_of_load", "direct_export_ratio", "gec_cap"
    ),
}
