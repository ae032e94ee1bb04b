"""Demand, power factor and its price adjustment (rows 41, 42)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from analytics.indicators.base import Factors, Floats, Indicator, about, ratio
from models.definitions import Threshold

_RULE = "功率因数调整电费办法 (1983), own knowledge"


def power_factor(active_kwh: Floats, reactive_kvarh: Floats) -> Floats:
    """Mean power factor kWh / sqrt(kWh^2 + kvarh^2), not rounded; NaN without any energy."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(active_kwh / np.hypot(active_kwh, reactive_kvarh), dtype=np.float64)


def rounded(cos_phi: float) -> float:
    """Half up to two decimals (domain facts 11.10)."""
    near = Decimal(str(round(cos_phi, 9)))
    return float(near.quantize(Decimal("0.01"), ROUND_HALF_UP))


def adjustment_ratio(cos_phi: float, standard: float) -> float:
    """Change of the bill by the monthly power factor, part of the bill; below zero: a reward.

    Below the standard each 0.01 adds 0.5 % for the first twenty, 1 % for the next five, 2 %
    beyond. Above 0.90 each 0.01 gives 0.15 % back, 0.75 % at most. What the other standards
    (0.85, 0.80) give back is not built in: NaN.

    Source: 功率因数调整电费办法 of 1983 (domain facts 7.3, own knowledge).
    """
    points = round(rounded(cos_phi) * 100) - round(standard * 100)
    if points == 0:
        return 0.0
    if points > 0:
        return -min(points * 15, 75) / 1e4 if standard == 0.90 else float("nan")
    lacking = -points
    percent = min(lacking, 20) * 0.5 + min(max(lacking - 20, 0), 5) + max(lacking - 25, 0) * 2
    return percent / 100


def _cos(kwh: Floats, kvarh: Floats, f: Factors) -> Floats:
    exact = power_factor(kwh, kvarh).tolist()
    return np.array([rounded(v) if np.isfinite(v) else np.nan for v in exact])


def _adjustment(kwh: Floats, kvarh: Floats, f: Factors) -> Floats:
    exact = power_factor(kwh, kvarh).tolist()
    standard = f.power_factor_standard
    return np.array([adjustment_ratio(v, standard) if np.isfinite(v) else np.nan for v in exact])


_NEEDS = ("grid_import_kwh", "reactive_kvarh")

INDICATORS = (
    Indicator(
        about(
            "demand_ratio",
            "需量占合同需量",
            "demand of contract",
            "ratio",
            41,
            formula="max_demand_kw (highest fixed quarter-hour) / contract_demand_kw",
            source="发改办价格〔2016〕1583号: above 105 % the excess pays double",
            confidence="medium",
            needs=("max_demand_kw", "contract_demand_kw"),
            sense="max",
            threshold=Threshold(1.05, "max", "发改办价格〔2016〕1583号"),
            levels=(("ok", 0.95), ("near", 1.05)),
            in_park=False,
        ),
        ratio("max_demand_kw", "contract_demand_kw"),
        year="none",
    ),
    Indicator(
        about(
            "max_demand",
            "最大需量",
            "highest demand",
            "kW",
            41,
            formula="highest sum of grid import of a fixed quarter-hour x 4",
            source="our convention; without one-minute power there is no sliding window",
            confidence="own",
            needs=("max_demand_kw",),
            in_park=False,
        ),
        lambda x, f: (x["max_demand_kw"], None),
        year="max",
    ),
    Indicator(
        about(
            "power_factor",
            "月平均功率因数",
            "power factor",
            "1",
            42,
            formula="kWh / sqrt(kWh^2 + kvarh^2) of a month, two decimals",
            source=_RULE,
            confidence="medium",
            kinds=("month",),
            needs=_NEEDS,
            sense="min",
            threshold=Threshold(0.90, "min", f"{_RULE}; industry above 160 kVA"),
            in_park=False,
        ),
        lambda x, f: (x["grid_import_kwh"], x["reactive_kvarh"]),
        finish=_cos,
        year="none",
    ),
    Indicator(
        about(
            "power_factor_adjustment",
            "力调系数",
            "adjustment of the bill by the power factor",
            "ratio",
            42,
            formula="table of the rule by the rounded power factor; below zero: a reward",
            source=_RULE,
            confidence="medium",
            kinds=("month",),
            needs=_NEEDS,
            sense="max",
            threshold=Threshold(0.0, "max", f"{_RULE}: above zero costs money"),
            in_park=False,
        ),
        lambda x, f: (x["grid_import_kwh"], x["reactive_kvarh"]),
        finish=_adjustment,
        year="none",
    ),
)
