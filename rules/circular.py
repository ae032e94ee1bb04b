"""Circular economy: solid waste and recycled aluminium."""

from __future__ import annotations

from collections.abc import Mapping

from rules.judge import Rule, against_limits

RULES: Mapping[str, Rule] = against_limits("solid_waste_use", "recycled_al_share")
