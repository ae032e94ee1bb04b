"""Energy and water saving: specific consumption against the enterprise's target."""

from __future__ import annotations

from collections.abc import Iterator

from models.rules import RuleSettings
from models.verdicts import Outcome, Verdict
from rules.facts import Measured, measured
from rules.judge import Rule
from rules.snapshot import Snapshot

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
    doubt = seen.doubt(
        min_completeness_ratio=settings.min_completeness_ratio, max_age_days=settings.max_age_days
    )
    if doubt or seen.value is None:
        return seen.verdict(rule, Outcome.CANNOT_TELL, reason=doubt, target=target)
    return seen.against_limit(
        rule,
        seen.value / target - 1,
        tolerance=settings.intensity_tolerance_ratio,
        critical=settings.intensity_critical_ratio,
        clear=settings.clear_ratio,
        target=target,
    )


def against_target(rule: str, target_name: str) -> Rule:
    """The rule for every enterprise that has a target of this name in park.yaml."""

    def ask(snapshot: Snapshot) -> Iterator[Verdict]:
        about = snapshot.rule(rule, None)
        for subject, values in snapshot.subjects(about.indicator, about.kind):
            enterprise = snapshot.enterprise(subject)
            target = getattr(enterprise.targets, target_name) if enterprise else None
            if target is not None:
                seen = measured(snapshot, rule, subject, values[-1])
                said = specific_consumption(rule, seen, target, snapshot.park.rules)
                yield said.beside(indicator=about.indicator, kind=about.kind)

    return ask
