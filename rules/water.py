"""Water saving: intake per tonne and its drift, reuse, losses, night flow."""

from __future__ import annotations

from collections.abc import Mapping

from rules.energy import drift
from rules.intensity import WATER_RULE, against_target
from rules.judge import Rule, against_limits, findings

RULES: Mapping[str, Rule] = {
    WATER_RULE: against_target(WATER_RULE, "water_intensity_m3_per_t"),
    "water_drift": drift("water_drift"),
    "water_leak": findings("water_leak", "water.leak"),
    **against_limits("water_reuse", "water_unaccounted"),
}
