"""Electrolytic aluminium: AC consumption, levels, price steps, direct emissions (18-21, 34-35)."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import numpy as np

from analytics.indicators.base import Factors, Floats, Indicator, Result, X, about
from models.definitions import Threshold
from models.energy import ELECTRICITY_KGCE_PER_KWH, EnergySettings

_GB21346 = "GB 21346-2022"


def _levels(first: float, second: float, third: float) -> tuple[tuple[str, float], ...]:
    return (("level 1", first), ("level 2", second), ("level 3", third))


def _comprehensive(x: X, f: Factors) -> Result:
    """(rectifier AC + auxiliaries of the electrolysis shop) / liquid aluminium; clause 6."""
    return x["rectifier_kwh"] + x["electrolysis_auxiliary_kwh"], x["liquid_aluminium_t"]


def _ingot_ac(x: X, f: Factors) -> Result:
    kwh = x["rectifier_kwh"] + x["electrolysis_auxiliary_kwh"] + x["casting_power_kwh"]
    return kwh, x["ingot_t"]


def _ingot_kgce(x: X, f: Factors) -> Result:
    """Electricity at its equivalent value and all fuels of the works, per tonne of ingots."""
    kwh, ingot_t = _ingot_ac(x, f)
    return kwh * ELECTRICITY_KGCE_PER_KWH + x["fuel_tce"] * 1000, ingot_t


def surcharge_yuan_per_kwh(kwh_per_t: float, settings: EnergySettings) -> float:
    """Surcharge of the tiered price: every started step above the threshold adds its price.

    Computed in decimal, so that exactly 13,340 kWh/t are two steps. The relief for renewable
    use above 15 % is not applied. Source: 发改价格〔2021〕1239号 (domain facts 3.2, 11.10).
    """
    step = Decimal(str(settings.tier_step_kwh_per_t))
    # a register has less than six digits behind the point: what is below is not measured
    excess = round(Decimal(kwh_per_t), 6) - Decimal(str(settings.tier_threshold_kwh_per_t))
    steps = (max(excess, Decimal(0)) / step).to_integral_value(ROUND_CEILING)
    return float(steps * Decimal(str(settings.tier_yuan_per_kwh)))


def _surcharge(kwh: Floats, aluminium_t: Floats, f: Factors) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        each = (kwh / aluminium_t).tolist()
    return np.array(
        [surcharge_yuan_per_kwh(v, f.settings) if np.isfinite(v) else np.nan for v in each]
    )


def _direct(x: X, f: Factors) -> Result:
    """(anode + PFC + fuel) / t: priced by CBAM; green power does not lower it (domain 5.3)."""
    return x["anode_co2_t"] + x["pfc_co2e_t"] + x["fuel_co2_t"], x["liquid_aluminium_t"]


_AL = "liquid_aluminium_t"
_COMPREHENSIVE = ("rectifier_kwh", "electrolysis_auxiliary_kwh", _AL)

INDICATORS = (
    Indicator(
        about(
            "al_ac_kwh_t",
            "铝液交流电耗",
            "AC consumption of liquid aluminium",
            "kWh/t",
            18,
            formula="rectifier_kwh / liquid_aluminium_t",
            source=_GB21346,
            confidence="medium",
            needs=("rectifier_kwh", _AL),
            sense="max",
            threshold=Threshold(13_350, "max", f"{_GB21346} level 3 (existing)"),
            levels=_levels(12_950, 13_000, 13_350),
        ),
        lambda x, f: (x["rectifier_kwh"], x[_AL]),
    ),
    Indicator(
        about(
            "al_comp_ac_kwh_t",
            "铝液综合交流电耗",
            "comprehensive AC consumption of liquid aluminium",
            "kWh/t",
            19,
            formula="(rectifier_kwh + electrolysis_auxiliary_kwh) / liquid_aluminium_t",
            source=f"{_GB21346} clause 6",
            confidence="medium",
            needs=_COMPREHENSIVE,
            sense="max",
            threshold=Threshold(13_700, "max", f"{_GB21346} level 3 (existing)"),
            levels=_levels(13_250, 13_350, 13_700),
        ),
        _comprehensive,
    ),
    Indicator(
        about(
            "al_ingot_ac_kwh_t",
            "铝锭综合交流电耗",
            "comprehensive AC consumption of ingots",
            "kWh/t",
            19,
            formula="(rectifier_kwh + electrolysis_auxiliary_kwh + casting_power_kwh) / ingot_t",
            source=_GB21346,
            confidence="medium",
            needs=("rectifier_kwh", "electrolysis_auxiliary_kwh", "casting_power_kwh", "ingot_t"),
            sense="max",
            threshold=Threshold(13_750, "max", f"{_GB21346} level 3 (existing)"),
            levels=_levels(13_300, 13_400, 13_750),
        ),
        _ingot_ac,
    ),
    Indicator(
        about(
            "ingot_kgce_t",
            "铝锭综合单耗",
            "energy per tonne of ingots",
            "kgce/t",
            20,
            formula="(ingot AC electricity x 0.1229 + fuels in kgce) / ingot_t",
            source=_GB21346,
            confidence="medium",
            needs=("rectifier_kwh", "electrolysis_auxiliary_kwh", "casting_power_kwh", "ingot_t"),
            uses=("fuel_tce",),
            sense="max",
            threshold=Threshold(1_720, "max", f"{_GB21346} level 3 (existing)"),
            levels=_levels(1_670, 1_680, 1_720),
        ),
        _ingot_kgce,
    ),
    Indicator(
        about(
            "tier_surcharge",
            "阶梯电价加价",
            "surcharge of the tiered power price",
            "yuan/kWh",
            21,
            formula="ceil(max(0, al_comp_ac_kwh_t - 13300) / 20) x 0.01",
            source="发改价格〔2021〕1239号",
            confidence="medium",
            needs=_COMPREHENSIVE,
            sense="max",
            threshold=Threshold(0, "max", "发改价格〔2021〕1239号: any surcharge is a warning"),
            in_park=False,
        ),
        _comprehensive,
        finish=_surcharge,
        notes=("tier",),
    ),
    Indicator(
        about(
            "al_direct_co2",
            "电解铝直接排放（CBAM口径）",
            "direct emissions of aluminium (as CBAM counts)",
            "tCO2e/t",
            34,
            formula="(anode + PFC + fuel emissions) / liquid_aluminium_t; not the footprint",
            source="(EU) 2023/956 annex II; benchmark 1.423, default of China 3.0",
            confidence="medium",
            needs=("anode_co2_t", "pfc_co2e_t", _AL),
            uses=("fuel_co2_t",),
            sense="max",
            threshold=Threshold(1.423, "max", "CBAM benchmark of primary aluminium, leaked draft"),
        ),
        _direct,
        notes=("pfc",),
    ),
    Indicator(
        about(
            "ae_minutes",
            "阳极效应时间",
            "anode-effect minutes per cell-day",
            "min/(cell d)",
            35,
            formula="anode_effect_min, weighted by liquid_aluminium_t",
            source="IPCC tier 2 parameter; the trend is watched, no limit is published",
            confidence="own",
            needs=("anode_effect_t", _AL),
            sense="max",
        ),
        lambda x, f: (x["anode_effect_t"], x[_AL]),
    ),
)
