"""Which alerts the truth itself would raise: the very rules on true values."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pandas as pd

from models.park import Park
from models.verdicts import Outcome
from rules import green, intensity
from rules.facts import Measured

_WEEK = 7

JUDGED = (green.RULE, intensity.ENERGY_RULE, intensity.WATER_RULE)
"""Rules that can be asked about the truth of a simulation."""


def breaches(park: Park, truth: pd.DataFrame) -> dict[str, set[str]]:
    """Rules that are in breach on any day, by enterprise.

    Args:
        truth: index (enterprise, local day); import_kwh, export_kwh, generation_kwh, water_m3,
            product_t. Shares are physical: no claims are part of a scenario.
    """
    out: dict[str, set[str]] = defaultdict(set)
    for key in truth.index.unique("enterprise"):
        days = truth.loc[key]
        targets = park.enterprise(key).targets
        used = days["import_kwh"] + days["generation_kwh"] - days["export_kwh"]
        green_kwh = days["generation_kwh"] - days["export_kwh"]
        goal = (
            park.goal.year_end_ratio
            if targets.green_share_ratio is None
            else targets.green_share_ratio
        )
        for day, share in (green_kwh.cumsum() / used.cumsum()).items():
            seen = _measured(days.index[0], day, share, "ratio")
            if green.green_share_ytd(seen, park.goal, goal, park.rules).outcome == Outcome.BREACH:
                out[key].add(green.RULE)
        for rule, amount, target in (
            (intensity.ENERGY_RULE, used, targets.energy_intensity_kwh_per_t),
            (intensity.WATER_RULE, days["water_m3"], targets.water_intensity_m3_per_t),
        ):
            weeks = amount.rolling(_WEEK).sum() / days["product_t"].rolling(_WEEK).sum()
            for day, value in weeks.dropna().items():
                if target is None:
                    continue
                first = day - timedelta(days=_WEEK - 1)
                verdict = intensity.specific_consumption(
                    rule, _measured(first, day, value, ""), target, park.rules
                )
                if verdict.outcome == Outcome.BREACH:
                    out[key].add(rule)
    return out


def _measured(first: object, last: object, value: float, unit: str) -> Measured:
    stop = last + timedelta(days=1)  # type: ignore[operator]
    return Measured(0, 0, first, stop, float(value), unit, 1.0, 0.0, "final", False, 0)  # type: ignore[arg-type]
