"""CO2 totals and intensities by both methods, footprint, clean energy (30-33, 36, 37)."""

from __future__ import annotations

from analytics.indicators.base import Factors, Floats, Indicator, Result, X, about
from analytics.indicators.energy import total_tce
from models.definitions import Threshold
from models.energy import ELECTRICITY_KGCE_PER_KWH

_EF = "生态环境部/国家统计局 公告2025年第47号"
_LOC, _MKT = "location_kg_per_kwh", "market_kg_per_kwh"
_SCOPE1 = ("fuel_co2_t", "anode_co2_t")
_D, _T = "grid_draw_kwh", "claimed_kwh"
_P910 = Threshold(
    0.2, "max", "发改环资〔2025〕910号, 0.2 to 1 Mtce a year; 0.3 above; region 0.4 to 0.6", "high"
)


def location_t(x: X, f: Factors) -> Floats:
    """Scope 1 CO2 + D EF_province [tCO2]; heat bought is in the fuels (domain facts 5.2)."""
    return x["fuel_co2_t"] + x["anode_co2_t"] + x[_D] * (f.location_kg_per_kwh or 0.0) / 1000


def market_t(x: X, f: Factors) -> Floats:
    """Scope 1 CO2 + (D - T - C) EF_residual [tCO2] (GHG Protocol; domain facts 5.2, 11.13)."""
    rest = (x[_D] - x[_T]) * (f.market_kg_per_kwh or 0.0) / 1000
    return x["fuel_co2_t"] + x["anode_co2_t"] + rest


def _footprint(x: X, f: Factors) -> Result:
    """Cradle to gate: scope 1 with PFC, electricity by its life cycle, purchased materials."""
    power_t = (x[_D] - x[_T]) * (f.footprint_kg_per_kwh or 0.0) / 1000
    own = x["fuel_co2_t"] + x["anode_co2_t"] + x["pfc_co2e_t"]
    return own + power_t + x["upstream_co2e_t"], x["production_t"]


def _clean(x: X, f: Factors) -> Result:
    """Own, direct, traded and certified electricity, and the clean part of the grid mix if set."""
    claimed = x["physical_green_kwh"] + x[_T]
    rest = (x[_D] - x[_T]) * (f.clean_grid_ratio or 0.0)
    return (claimed + rest) * ELECTRICITY_KGCE_PER_KWH / 1000, total_tce(x, f)


INDICATORS = (
    Indicator(
        about(
            "co2_total_loc",
            "二氧化碳排放总量（位置法）",
            "CO2 total, location-based",
            "tCO2",
            30,
            formula="fuels + heat + anodes + D x factor of the province",
            source=_EF,
            confidence="high",
            needs=(_D,),
            uses=_SCOPE1,
            sense="max",
        ),
        lambda x, f: (location_t(x, f), None),
        factor=_LOC,
    ),
    Indicator(
        about(
            "co2_total_mkt",
            "二氧化碳排放总量（市场法）",
            "CO2 total, market-based",
            "tCO2",
            31,
            formula="fuels + heat + anodes + (D - T - C) x residual factor",
            source=f"GHG Protocol scope 2; {_EF}",
            confidence="high",
            needs=(_D,),
            uses=(*_SCOPE1, _T),
            sense="max",
        ),
        lambda x, f: (market_t(x, f), None),
        factor=_MKT,
        uses_claims=True,
    ),
    Indicator(
        about(
            "co2_per_tce_loc",
            "单位能耗碳排放（位置法）",
            "CO2 per tce, location-based",
            "tCO2/tce",
            32,
            formula="co2_total_loc / energy_total (equivalent value)",
            source="发改环资〔2025〕910号; whether equivalent or equal value is not known",
            confidence="high",
            needs=(_D, "consumption_kwh"),
            uses=(*_SCOPE1, "fuel_tce"),
            sense="max",
            threshold=_P910,
        ),
        lambda x, f: (location_t(x, f), total_tce(x, f)),
        factor=_LOC,
    ),
    Indicator(
        about(
            "co2_per_tce_mkt",
            "单位能耗碳排放（市场法）",
            "CO2 per tce, market-based",
            "tCO2/tce",
            32,
            formula="co2_total_mkt / energy_total (equivalent value)",
            source="发改环资〔2025〕910号; whether equivalent or equal value is not known",
            confidence="high",
            needs=(_D, "consumption_kwh"),
            uses=(*_SCOPE1, "fuel_tce", _T),
            sense="max",
            threshold=_P910,
        ),
        lambda x, f: (market_t(x, f), total_tce(x, f)),
        factor=_MKT,
        uses_claims=True,
    ),
    Indicator(
        about(
            "co2_intensity",
            "万元增加值碳排放（位置法）",
            "CO2 per added value, location-based",
            "tCO2/10k yuan",
            33,
            formula="co2_total_loc / (added_value_yuan / 10000)",
            source="国办发〔2024〕39号; the share of the district is not known",
            confidence="high",
            needs=(_D, "added_value_yuan"),
            uses=_SCOPE1,
            sense="max",
        ),
        lambda x, f: (location_t(x, f), x["added_value_yuan"] / 1e4),
        factor=_LOC,
    ),
    Indicator(
        about(
            "co2_intensity_mkt",
            "万元增加值碳排放（市场法）",
            "CO2 per added value, market-based",
            "tCO2/10k yuan",
            33,
            formula="co2_total_mkt / (added_value_yuan / 10000)",
            source="国办发〔2024〕39号; GHG Protocol scope 2",
            confidence="high",
            needs=(_D, "added_value_yuan"),
            uses=(*_SCOPE1, _T),
            sense="max",
        ),
        lambda x, f: (market_t(x, f), x["added_value_yuan"] / 1e4),
        factor=_MKT,
        uses_claims=True,
    ),
    Indicator(
        about(
            "anode_co2",
            "阳极过程排放",
            "process emissions of anodes",
            "tCO2",
            30,
            formula="anode_net_t x (1 - sulphur - ash) x 44/12",
            source="GB/T 32151.4",
            confidence="high",
            needs=("anode_co2_t",),
        ),
        lambda x, f: (x["anode_co2_t"], None),
    ),
    Indicator(
        about(
            "pfc_co2e",
            "全氟化碳排放",
            "emissions of PFC",
            "tCO2e",
            30,
            formula="slope x anode_effect_min x liquid_aluminium_t (CF4), x ratio (C2F6), x GWP",
            source="IPCC 2006 tier 2; kept apart from CO2 totals",
            confidence="medium",
            needs=("pfc_co2e_t",),
        ),
        lambda x, f: (x["pfc_co2e_t"], None),
        notes=("pfc",),
    ),
    Indicator(
        about(
            "pcf",
            "产品碳足迹",
            "product carbon footprint, cradle to gate",
            "tCO2e/t",
            36,
            formula="(scope 1 + PFC + (D - T - C) x life-cycle factor + upstream) / production_t",
            source="ISO 14067, GB/T 24067; no co-product allocation",
            confidence="high",
            needs=(_D, "upstream_co2e_t", "production_t"),
            uses=(*_SCOPE1, "pfc_co2e_t", _T),
            sense="max",
            in_park=False,
        ),
        _footprint,
        factor="footprint_kg_per_kwh",
        uses_claims=True,
    ),
    Indicator(
        about(
            "clean_energy_share",
            "清洁能源消费占比",
            "clean energy share",
            "ratio",
            37,
            formula="(P + T + C + clean part of the grid rest) x 0.1229 / energy_total",
            source="发改环资〔2025〕910号; natural gas is not counted as clean",
            confidence="medium",
            needs=("physical_green_kwh", _D, "consumption_kwh"),
            uses=("fuel_tce", _T),
            sense="min",
            threshold=Threshold(0.90, "min", "发改环资〔2025〕910号", "high"),
        ),
        _clean,
        uses_claims=True,
        notes=("clean_grid_ratio",),
    ),
)
