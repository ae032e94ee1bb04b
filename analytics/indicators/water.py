"""Water per product, reuse, unaccounted water, reclaimed water (rows 24 to 26, 28)."""

from __future__ import annotations

from analytics.indicators.base import Factors, Indicator, Result, X, about, ratio
from models.definitions import Threshold

_GB7119 = "GB/T 7119, GB/T 12452"


def _reuse(x: X, f: Factors) -> Result:
    """R = V_r / (V_i + V_r)."""
    return x["water_recycled_m3"], x["water_intake_m3"] + x["water_recycled_m3"]


def _leak(x: X, f: Factors) -> Result:
    """K_l = V_l / V_i, V_l = V_i - metered uses - permitted unmetered use."""
    lost = x["water_intake_m3"] - x["water_use_m3"] - x["water_unmetered_m3"]
    return lost, x["water_intake_m3"]


def _reclaimed(x: X, f: Factors) -> Result:
    """K_h = V_ih / (V_i + V_ih)."""
    return x["water_reclaimed_m3"], x["water_intake_m3"] + x["water_reclaimed_m3"]


INDICATORS = (
    Indicator(
        about(
            "water_unit_intake",
            "单位产品取水量",
            "water intake per tonne of product",
            "m3/t",
            24,
            formula="water_intake_m3 / production_t",
            source="GB/T 18916.16-2023; its quota is not known",
            confidence="medium",
            needs=("water_intake_m3", "production_t"),
            sense="max",
            in_park=False,
        ),
        ratio("water_intake_m3", "production_t"),
    ),
    Indicator(
        about(
            "water_reuse",
            "工业用水重复利用率",
            "reuse of industrial water",
            "ratio",
            25,
            formula="water_recycled_m3 / (water_intake_m3 + water_recycled_m3)",
            source=_GB7119,
            confidence="medium",
            needs=("water_recycled_m3", "water_intake_m3"),
            sense="min",
            threshold=Threshold(0.80, "min", "发改环资〔2025〕910号; green park 0.90", "high"),
        ),
        _reuse,
    ),
    Indicator(
        about(
            "water_leak_rate",
            "漏失（未计量）率",
            "unaccounted water",
            "ratio",
            26,
            formula="(water_intake_m3 - water_use_m3 - water_unmetered_m3) / water_intake_m3",
            source=f"{_GB7119}; 9 % of the regional plan is for public networks",
            confidence="medium",
            needs=("water_intake_m3", "water_use_m3"),
            uses=("water_unmetered_m3",),
            sense="max",
        ),
        _leak,
        told="includes every use without a meter",
    ),
    Indicator(
        about(
            "reclaimed_share",
            "非常规水源替代率",
            "reclaimed water share",
            "ratio",
            28,
            formula="water_reclaimed_m3 / (water_intake_m3 + water_reclaimed_m3)",
            source=f"{_GB7119}; 48 % of the regional plan is a district figure",
            confidence="medium",
            needs=("water_reclaimed_m3", "water_intake_m3"),
            sense="min",
        ),
        _reclaimed,
    ),
)
