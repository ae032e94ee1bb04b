"""Green power: the share so far against the glide path to the year-end goal."""

from __future__ import annotations

from datetime import date

from models.findings import Severity
from models.park import GreenGoal, RuleSettings
from models.verdicts import Outcome, Verdict
from rules.facts import Measured

RULE = "green_share_ytd"


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
    facts = seen.evidence(target=path, year_end_target=end_ratio, share=goal.share)

    def verdict(
        outcome: Outcome, severity: Severity = Severity.WARNING, reason: str = ""
    ) -> Verdict:
        extra = {"reason": reason} if reason else {}
        return Verdict(
            RULE, seen.park_id, seen.enterprise_id, outcome, severity, {**facts, **extra}
        )

    if seen.value is None:
        return verdict(Outcome.CANNOT_TELL, reason="no_value")
    if seen.age_days > settings.max_settlement_age_days:
        return verdict(Outcome.CANNOT_TELL, reason="old_data")
    if seen.completeness_ratio < settings.min_completeness_ratio:
        return verdict(Outcome.CANNOT_TELL, reason="incomplete_data")
    if seen.period_start.year != goal.year:
        return verdict(Outcome.CANNOT_TELL, reason="other_year")
    short = path - seen.value
    if short > settings.green_tolerance_ratio:
        critical = short > settings.green_critical_ratio
        return verdict(Outcome.BREACH, Severity.CRITICAL if critical else Severity.WARNING)
    if seen.is_open and short > settings.green_tolerance_ratio * settings.clear_ratio:
        return verdict(Outcome.HOLD)
    return verdict(Outcome.CLEAR)
