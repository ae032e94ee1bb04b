"""Circular economy: solid waste, recycled aluminium, waste heat."""

from __future__ import annotations

from collections.abc import Mapping

from rules.judge import Rule, against_limits

RULES: Mapping[str, Rule] = against_limits("solid_waste_use", "recycled_al_share", "waste_heat_use")
