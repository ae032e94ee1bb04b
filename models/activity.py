"""Activity data: the amounts of a month that indicators are made of, metered or reported.

The one table of items. An item with a role is metered by the channels of this role, over MQTT as
well (kind `batch` for what is told now and then); what no meter gives is reported by file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Literal, NamedTuple

from models.roles import Role

Combine = Literal["sum", "level", "mean"]


@dataclass(frozen=True)
class Item:
    """One kind of activity data.

    Attributes:
        key: name in templates and formulas, unit in its suffix where there is one.
        unit: of the values; templates accept no other.
        role: channels that meter it; None: it can only be reported.
        combine: sum: amounts of details (waste streams) and months add up; level: holds from its
            month on until another is told; mean: a state of the month, details are averaged.
        most: highest believable value of a month.
    """

    key: str
    unit: str
    zh: str
    en: str
    role: Role | None = None
    combine: Combine = "sum"
    most: float = 1e12


_ITEMS = (
    Item("production_t", "t", "产品产量", "products", Role.PRODUCTION, most=1e8),
    Item("output_value_yuan", "yuan", "总产值", "output value", Role.OUTPUT_VALUE),
    Item("added_value_yuan", "yuan", "工业增加值", "added value", Role.ADDED_VALUE),
    Item("natural_gas_m3", "m3", "天然气", "natural gas", Role.NATURAL_GAS, most=1e10),
    Item("raw_coal_t", "t", "原煤", "raw coal", Role.RAW_COAL, most=1e8),
    Item("diesel_t", "t", "柴油", "diesel", Role.DIESEL, most=1e7),
    Item("petrol_t", "t", "汽油", "petrol", Role.PETROL, most=1e7),
    Item("lng_t", "t", "液化天然气", "LNG", Role.LNG, most=1e7),
    Item("lpg_t", "t", "液化石油气", "LPG", Role.LPG, most=1e7),
    Item("heat_bought_gj", "GJ", "外购热力", "heat bought", Role.HEAT_BOUGHT, most=1e9),
    Item("heat_sold_gj", "GJ", "外供热力", "heat sold", Role.HEAT_SOLD, most=1e9),
    Item("steam_bought_t", "t", "外购蒸汽", "steam bought", Role.STEAM_BOUGHT, most=1e8),
    Item("rectifier_kwh", "kWh", "整流交流电量", "AC to rectifiers", Role.RECTIFIER),
    Item(
        "electrolysis_auxiliary_kwh",
        "kWh",
        "电解辅助用电",
        "auxiliaries of the electrolysis",
        Role.ELECTROLYSIS_AUXILIARY,
    ),
    Item("casting_power_kwh", "kWh", "铸造用电", "power of the cast house", Role.CASTING_POWER),
    Item(
        "liquid_aluminium_t", "t", "铝液产量", "liquid aluminium", Role.LIQUID_ALUMINIUM, most=1e7
    ),
    Item("ingot_t", "t", "铝锭产量", "aluminium ingots", Role.INGOT, most=1e7),
    Item("anode_net_t", "t", "阳极净耗", "net anode consumption", Role.ANODE_NET, most=1e7),
    Item("anode_sulphur_ratio", "ratio", "阳极硫分", "sulphur of anodes", combine="mean", most=0.2),
    Item("anode_ash_ratio", "ratio", "阳极灰分", "ash of anodes", combine="mean", most=0.2),
    Item(
        "anode_effect_min",
        "min/(cell d)",
        "阳极效应时间",
        "anode-effect minutes per cell-day",
        combine="mean",
        most=1440,
    ),
    Item("scrap_charged_t", "t", "再生铝投料", "recycled metal charged", Role.SCRAP_CHARGED),
    Item("metal_charged_t", "t", "铝料总投料", "all metal charged", Role.METAL_CHARGED),
    Item("water_intake_m3", "m3", "取水量", "water intake", Role.WATER_INTAKE, most=1e10),
    Item("water_recycled_m3", "m3", "重复利用水量", "recycled water", Role.WATER_RECYCLED),
    Item("water_reclaimed_m3", "m3", "再生水", "reclaimed water", Role.WATER_RECLAIMED),
    Item("water_use_m3", "m3", "分项用水", "metered water uses", Role.WATER_USE),
    Item("water_unmetered_m3", "m3", "许可未计量用水", "permitted unmetered water"),
    Item("water_discharged_m3", "m3", "外排水量", "discharged water", Role.WATER_DISCHARGED),
    Item("waste_generated_t", "t", "一般固废产生量", "waste generated", Role.WASTE_GENERATED),
    Item("waste_used_t", "t", "一般固废利用量", "waste used", Role.WASTE_USED),
    Item("old_stock_used_t", "t", "利用往年贮存量", "earlier stock used", Role.OLD_STOCK_USED),
    Item(
        "hazardous_generated_t",
        "t",
        "危险废物产生量",
        "hazardous waste generated",
        Role.HAZARDOUS_GENERATED,
    ),
    Item("hazardous_used_t", "t", "危险废物利用量", "hazardous waste used", Role.HAZARDOUS_USED),
    Item("waste_heat_used_gj", "GJ", "余热利用量", "waste heat used", Role.WASTE_HEAT_USED),
    Item("waste_heat_usable_gj", "GJ", "可利用余热量", "usable waste heat", Role.WASTE_HEAT_USABLE),
    Item("upstream_co2e_t", "tCO2e", "原料上游排放", "emissions of purchased materials"),
    Item("contract_demand_kw", "kW", "合同需量", "contract demand", combine="level"),
    Item("meters_required", "1", "应配计量器具", "meters required", combine="level", most=1e6),
    Item("meters_fitted", "1", "已配计量器具", "meters fitted", combine="level", most=1e6),
    Item("grid_import_kwh", "kWh", "下网电量", "grid import", Role.GRID_IMPORT),
    Item("reactive_import_kvarh", "kvarh", "无功（正）", "reactive, lagging", Role.REACTIVE_IMPORT),
    Item("reactive_export_kvarh", "kvarh", "无功（反）", "reactive, leading", Role.REACTIVE_EXPORT),
)

ITEMS: Mapping[str, Item] = MappingProxyType({item.key: item for item in _ITEMS})
ITEM_OF_ROLE: Mapping[Role, Item] = MappingProxyType(
    {item.role: item for item in _ITEMS if item.role is not None}
)


class Reported(NamedTuple):
    """One reported value.

    Attributes:
        line: of the file, for messages.
        month: first day of the month.
        detail: e.g. the waste stream; empty: none.
        value: in the unit of the item.
    """

    line: int
    enterprise: str
    item: str
    month: date
    detail: str
    value: float
    note: str = ""
