"""Energy and water saving: specific consumption against the enterprise's target."""

from __future__ import annotations

from models.findings import Severity
from models.park import RuleSettings
from models.verdicts import Outcome, Verdict
from rules.facts import Measured

ENERGY_RULE = "energy_saving"
WATER_RULE = "water_saving"


def specific_consumption(
    rule: str, seen: Measured, target: float, settings: RuleSettings
) -> Verdict:
    """Breach when the last seven days used more per tonne than the target plus tolerance.

    Args:
        rule: `energy_saving` or `water_saving`.
        target: same unit as the value, from park.yaml (the enterprise's own plan).

    An open alert closes when the excess is within `clear_ratio` of the tolerance. Incomplete data
    or a week without product give "cannot tell". Source: domain facts 8, rows 17 and 24.
    """
    facts = seen.evidence(target=target)

    def verdict(
        outcome: Outcome, severity: Severity = Severity.WARNING, reason: str = ""
    ) -> Verdict:
        extra = {"reason": reason} if reason else {}
        return Verdict(
            rule, seen.park_id, seen.enterprise_id, outcome, severity, {**facts, **extra}
        )

    if seen.age_days > settings.max_age_days:
        return verdict(Outcome.CANNOT_TELL, reason="old_data")
    if seen.completeness_ratio < settings.min_completeness_ratio:
        return verdict(Outcome.CANNOT_TELL, reason="incomplete_data")
    if seen.value is None:
        return verdict(Outcome.CANNOT_TELL, reason="no_value")
    excess = seen.value / target - 1
    if excess > settings.intensity_tolerance_ratio:
        critical = excess > settings.intensity_critical_ratio
        return verdict(Outcome.BREACH, Severity.CRITICAL if critical else Severity.WARNING)
    if seen.is_open and excess > settings.intensity_tolerance_ratio * settings.clear_ratio:
        return verdict(Outcome.HOLD)
    return verdict(Outcome.CLEAR)
