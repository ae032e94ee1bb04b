"""Energy totals in standard coal and intensities (rows 16, 17)."""

from __future__ import annotations

from analytics.indicators.base import Factors, Floats, Indicator, Result, X, about
from models.energy import ELECTRICITY_KGCE_PER_KWH

_GB2589 = "GB/T 2589-2020"
_FUEL = ("fuel_tce",)
_CLAIMS = ("claimed_kwh",)
_E = "consumption_kwh"


def total_tce(x: X, f: Factors) -> Floats:
    """E = sum e_i k_i with electricity at its equivalent value [tce].

    All electricity used, own generation included; heat sold is deducted, energy media are not
    counted. Source: GB/T 2589-2020 clause 5.
    """
    return x[_E] * ELECTRICITY_KGCE_PER_KWH / 1000 + x["fuel_tce"]


def fossil_tce(x: X, f: Factors) -> Floats:
    """The total without non-fossil electricity: own, direct, traded, certified [tce].

    Source: 发改环资〔2024〕113号, non-fossil energy is left out of energy control.
    """
    kwh = x[_E] - x["physical_green_kwh"] - x["claimed_kwh"]
    return kwh * ELECTRICITY_KGCE_PER_KWH / 1000 + x["fuel_tce"]


def _equal(x: X, f: Factors) -> Result:
    return x[_E] * (f.equal_kgce_per_kwh or 0.0) / 1000 + x["fuel_tce"], None


def _equal_fossil(x: X, f: Factors) -> Result:
    kwh = x[_E] - x["physical_green_kwh"] - x["claimed_kwh"]
    return kwh * (f.equal_kgce_per_kwh or 0.0) / 1000 + x["fuel_tce"], None


INDICATORS = (
    Indicator(
        about(
            "energy_total",
            "综合能源消费量（当量值）",
            "energy total, equivalent value",
            "tce",
            16,
            formula="consumption_kwh x 0.1229 / 1000 + fuels and heat in tce",
            source=_GB2589,
            confidence="high",
            needs=(_E,),
            uses=_FUEL,
        ),
        lambda x, f: (total_tce(x, f), None),
    ),
    Indicator(
        about(
            "energy_total_fossil",
            "综合能源消费量（当量值，扣除非化石）",
            "energy total without non-fossil, equivalent value",
            "tce",
            16,
            formula="(consumption_kwh - P - T - C) x 0.1229 / 1000 + fuels and heat in tce",
            source=f"{_GB2589}; 发改环资〔2024〕113号",
            confidence="high",
            needs=(_E, "physical_green_kwh"),
            uses=(*_FUEL, *_CLAIMS),
        ),
        lambda x, f: (fossil_tce(x, f), None),
        uses_claims=True,
    ),
    Indicator(
        about(
            "energy_total_equal",
            "综合能源消费量（等价值）",
            "energy total, equal value",
            "tce",
            16,
            formula="consumption_kwh x equal value / 1000 + fuels and heat in tce",
            source=_GB2589,
            confidence="high",
            needs=(_E,),
            uses=_FUEL,
        ),
        _equal,
        factor="equal_kgce_per_kwh",
    ),
    Indicator(
        about(
            "energy_total_equal_fossil",
            "综合能源消费量（等价值，扣除非化石）",
            "energy total without non-fossil, equal value",
            "tce",
            16,
            formula="(consumption_kwh - P - T - C) x equal value / 1000 + fuels and heat in tce",
            source=f"{_GB2589}; 发改环资〔2024〕113号",
            confidence="high",
            needs=(_E, "physical_green_kwh"),
            uses=(*_FUEL, *_CLAIMS),
        ),
        _equal_fossil,
        factor="equal_kgce_per_kwh",
        uses_claims=True,
    ),
    Indicator(
        about(
            "energy_per_product",
            "单位产品综合能耗",
            "energy per tonne of product",
            "kgce/t",
            17,
            formula="energy_total x 1000 / production_t",
            source=f"{_GB2589} e_j = E_j / P_j",
            confidence="high",
            needs=(_E, "production_t"),
            uses=_FUEL,
            sense="max",
            in_park=False,
        ),
        lambda x, f: (total_tce(x, f) * 1000, x["production_t"]),
    ),
    Indicator(
        about(
            "energy_per_output",
            "万元产值能耗",
            "energy per output value",
            "tce/10k yuan",
            17,
            formula="energy_total / (output_value_yuan / 10000)",
            source=f"{_GB2589} E / G",
            confidence="high",
            needs=(_E, "output_value_yuan"),
            uses=_FUEL,
            sense="max",
        ),
        lambda x, f: (total_tce(x, f), x["output_value_yuan"] / 1e4),
    ),
    Indicator(
        about(
            "energy_per_added_value",
            "万元增加值能耗",
            "energy per added value",
            "tce/10k yuan",
            17,
            formula="energy_total / (added_value_yuan / 10000)",
            source=f"{_GB2589} E / VA",
            confidence="high",
            needs=(_E, "added_value_yuan"),
            uses=_FUEL,
            sense="max",
        ),
        lambda x, f: (total_tce(x, f), x["added_value_yuan"] / 1e4),
    ),
    Indicator(
        about(
            "energy_per_added_value_fossil",
            "万元增加值能耗（扣除非化石）",
            "energy per added value without non-fossil",
            "tce/10k yuan",
            17,
            formula="energy_total_fossil / (added_value_yuan / 10000)",
            source=f"{_GB2589}; 发改环资〔2024〕113号; 国发〔2026〕22号: -10 % by 2030 on 2025",
            confidence="high",
            needs=(_E, "physical_green_kwh", "added_value_yuan"),
            uses=(*_FUEL, *_CLAIMS),
            sense="max",
        ),
        lambda x, f: (fossil_tce(x, f), x["added_value_yuan"] / 1e4),
        uses_claims=True,
    ),
)
