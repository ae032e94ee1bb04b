"""Carbon: emissions per unit of energy and per tonne of aluminium."""

from __future__ import annotations

from collections.abc import Mapping

from rules.judge import Rule, against_limits

RULES: Mapping[str, Rule] = against_limits("co2_per_tce", "al_direct_co2")
