"""Solid waste, recycled aluminium, waste heat, fitting of meters (rows 38 to 40, 46)."""

from __future__ import annotations

from analytics.indicators.base import Factors, Indicator, Result, X, about, ratio
from models.definitions import Threshold


def _solid(x: X, f: Factors) -> Result:
    """Used (with earlier stock) / (generated + earlier stock used); domain facts 6."""
    return x["waste_used_t"], x["waste_generated_t"] + x["old_stock_used_t"]


INDICATORS = (
    Indicator(
        about(
            "solid_waste_use",
            "一般工业固废综合利用率",
            "use of industrial solid waste",
            "ratio",
            38,
            formula="waste_used_t / (waste_generated_t + old_stock_used_t)",
            source="eco-park standard and statistics of the ministry; hazardous waste apart",
            confidence="high",
            needs=("waste_used_t", "waste_generated_t"),
            uses=("old_stock_used_t",),
            sense="min",
            threshold=Threshold(0.90, "min", "东河区政府工作报告（2026）; 910号: 0.80", "high"),
        ),
        _solid,
    ),
    Indicator(
        about(
            "hazardous_waste_use",
            "危险废物利用率",
            "use of hazardous waste",
            "ratio",
            38,
            formula="hazardous_used_t / hazardous_generated_t",
            source="shown apart; no limit is published",
            confidence="own",
            needs=("hazardous_used_t", "hazardous_generated_t"),
            sense="min",
        ),
        ratio("hazardous_used_t", "hazardous_generated_t"),
    ),
    Indicator(
        about(
            "recycled_al_share",
            "再生铝消纳比例",
            "recycled aluminium share",
            "ratio",
            39,
            formula="scrap_charged_t / metal_charged_t, mass before melt loss",
            source="东河区政府工作报告（2026）: up, without a figure; above 0.5 CBAM secondary",
            confidence="medium",
            needs=("scrap_charged_t", "metal_charged_t"),
            sense="min",
        ),
        ratio("scrap_charged_t", "metal_charged_t"),
    ),
    Indicator(
        about(
            "waste_heat_use",
            "余热综合利用率",
            "use of waste heat",
            "ratio",
            40,
            formula="waste_heat_used_gj / waste_heat_usable_gj",
            source="发改环资〔2025〕910号",
            confidence="high",
            needs=("waste_heat_used_gj", "waste_heat_usable_gj"),
            sense="min",
            threshold=Threshold(0.50, "min", "发改环资〔2025〕910号", "high"),
        ),
        ratio("waste_heat_used_gj", "waste_heat_usable_gj"),
    ),
    Indicator(
        about(
            "meter_fit_rate",
            "计量器具配备率",
            "fitting of meters",
            "ratio",
            46,
            formula="meters_fitted / meters_required",
            source="GB 17167-2025 is in force, its numbers unread; 2006: users 100 %",
            confidence="medium",
            needs=("meters_fitted", "meters_required"),
            sense="min",
            threshold=Threshold(1.0, "min", "GB 17167-2006, electricity of the user"),
        ),
        ratio("meters_fitted", "meters_required"),
        year="none",
    ),
)
