"""What the channels of meters mean in the balances and indicators of their enterprise."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a channel means in the energy, water and material balance of its enterprise.

    `direct_generation` and `direct_export` are metered at a plant that feeds direct lines: what it
    makes and what of it goes to the public grid; `..._available` is what plants could have made.
    Roles from `reactive_import` on feed the items of `models.activity` that carry their name.
    `none` channels are stored and shown but take no part in any balance.
    """

    GRID_IMPORT = "grid_import"
    GRID_EXPORT = "grid_export"
    DIRECT_SUPPLY = "direct_supply"
    ONSITE_PV = "onsite_pv"
    ONSITE_WIND = "onsite_wind"
    STORAGE_CHARGE = "storage_charge"
    STORAGE_DISCHARGE = "storage_discharge"
    WATER_INTAKE = "water_intake"
    PRODUCTION = "production"
    DIRECT_GENERATION = "direct_generation"
    DIRECT_EXPORT = "direct_export"
    DIRECT_AVAILABLE = "direct_available"
    ONSITE_AVAILABLE = "onsite_available"
    SUBSTATION_IN = "substation_in"
    REACTIVE_IMPORT = "reactive_import"
    REACTIVE_EXPORT = "reactive_export"
    RECTIFIER = "rectifier"
    ELECTROLYSIS_AUXILIARY = "electrolysis_auxiliary"
    CASTING_POWER = "casting_power"
    LIQUID_ALUMINIUM = "liquid_aluminium"
    INGOT = "ingot"
    SCRAP_CHARGED = "scrap_charged"
    METAL_CHARGED = "metal_charged"
    ANODE_NET = "anode_net"
    RAW_COAL = "raw_coal"
    DIESEL = "diesel"
    PETROL = "petrol"
    LNG = "lng"
    LPG = "lpg"
    WASTE_GENERATED = "waste_generated"
    WASTE_USED = "waste_used"
    OLD_STOCK_USED = "old_stock_used"
    HAZARDOUS_GENERATED = "hazardous_generated"
    HAZARDOUS_USED = "hazardous_used"
    NATURAL_GAS = "natural_gas"
    HEAT_BOUGHT = "heat_bought"
    HEAT_SOLD = "heat_sold"
    WASTE_HEAT_USED = "waste_heat_used"
    WASTE_HEAT_USABLE = "waste_heat_usable"
    STEAM_BOUGHT = "steam_bought"
    WATER_RECYCLED = "water_recycled"
    WATER_RECLAIMED = "water_reclaimed"
    WATER_USE = "water_use"
    WATER_DISCHARGED = "water_discharged"
    OUTPUT_VALUE = "output_value"
    ADDED_VALUE = "added_value"
    NONE = "none"


BALANCE_ROLES = (
    Role.GRID_IMPORT,
    Role.GRID_EXPORT,
    Role.DIRECT_SUPPLY,
    Role.ONSITE_PV,
    Role.ONSITE_WIND,
    Role.STORAGE_CHARGE,
    Role.STORAGE_DISCHARGE,
)
ROLE_QUANTITY = {
    Role.GRID_IMPORT: "active_energy",
    Role.GRID_EXPORT: "active_energy",
    Role.DIRECT_SUPPLY: "active_energy",
    Role.ONSITE_PV: "active_energy",
    Role.ONSITE_WIND: "active_energy",
    Role.STORAGE_CHARGE: "active_energy",
    Role.STORAGE_DISCHARGE: "active_energy",
    Role.DIRECT_GENERATION: "active_energy",
    Role.DIRECT_EXPORT: "active_energy",
    Role.DIRECT_AVAILABLE: "active_energy",
    Role.ONSITE_AVAILABLE: "active_energy",
    Role.SUBSTATION_IN: "active_energy",
    Role.WATER_INTAKE: "water_volume",
    Role.PRODUCTION: "mass",
    Role.REACTIVE_IMPORT: "reactive_energy",
    Role.REACTIVE_EXPORT: "reactive_energy",
    Role.RECTIFIER: "active_energy",
    Role.ELECTROLYSIS_AUXILIARY: "active_energy",
    Role.CASTING_POWER: "active_energy",
    Role.LIQUID_ALUMINIUM: "mass",
    Role.INGOT: "mass",
    Role.SCRAP_CHARGED: "mass",
    Role.METAL_CHARGED: "mass",
    Role.ANODE_NET: "mass",
    Role.RAW_COAL: "mass",
    Role.DIESEL: "mass",
    Role.PETROL: "mass",
    Role.LNG: "mass",
    Role.LPG: "mass",
    Role.WASTE_GENERATED: "mass",
    Role.WASTE_USED: "mass",
    Role.OLD_STOCK_USED: "mass",
    Role.HAZARDOUS_GENERATED: "mass",
    Role.HAZARDOUS_USED: "mass",
    Role.NATURAL_GAS: "gas_volume",
    Role.HEAT_BOUGHT: "heat",
    Role.HEAT_SOLD: "heat",
    Role.WASTE_HEAT_USED: "heat",
    Role.WASTE_HEAT_USABLE: "heat",
    Role.STEAM_BOUGHT: "steam_mass",
    Role.WATER_RECYCLED: "water_volume",
    Role.WATER_RECLAIMED: "water_volume",
    Role.WATER_USE: "water_volume",
    Role.WATER_DISCHARGED: "water_volume",
    Role.OUTPUT_VALUE: "money",
    Role.ADDED_VALUE: "money",
}
