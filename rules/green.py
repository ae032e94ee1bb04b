"""Green power: the share so far against the glide path to the year-end goal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

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
