"""What flows at one enterprise in a year, and the names of the parts that a meter can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from simulators.enterprise_model import EnterpriseModel
from simulators.timegrid import Floats

Part = Literal[
    "load",
    "pot_lines",
    "truck_charging",
    "process_water",
    "cooling_water",
    "sanitary_water",
    "reclaimed_water",
    "gas",
    "steam",
    "waste",
]
PARTS: tuple[Part, ...] = get_args(Part)

QUANTITY: Mapping[Part, str] = {
    "load": "active_energy",
    "pot_lines": "active_energy",
    "truck_charging": "active_energy",
    "process_water": "water_volume",
    "cooling_water": "water_volume",
    "sanitary_water": "water_volume",
    "reclaimed_water": "water_volume",
    "gas": "gas_volume",
    "steam": "steam_mass",
    "waste": "mass",
}
"""What a channel that shows a part measures."""

BY_QUANTITY: Mapping[str, Part] = {"gas_volume": "gas", "steam_mass": "steam"}
"""What a channel without a role shows when the scenario does not say."""


@dataclass(frozen=True)
class Supply:
    """What an enterprise could get besides the grid.

    Attributes:
        own_kw: available power of generators behind the meter; without an export meter the
            surplus is curtailed.
        direct_kw: available power of direct lines; they never deliver more than is used.
        allowed_ratio: by meter, part of the available power that may be given (curtailment orders).
    """

    own_kw: Mapping[str, Floats]
    direct_kw: Mapping[str, Floats]
    may_export: bool
    allowed_ratio: Mapping[str, Floats] = field(default_factory=dict)

    def offered_kw(self, meter: str, available_kw: Floats) -> Floats:
        """What a generator may give of its available power."""
        ratio = self.allowed_ratio.get(meter)
        return available_kw if ratio is None else available_kw * ratio


@dataclass(frozen=True)
class Flows:
    """Mean power of every step [kW], water [m3/h], product [t/h] of one enterprise.

    Attributes:
        generation_kw: delivered power of each generator, by meter.
        available_kw: what each could have delivered; the rest is curtailed, by an order or because
            nobody took it.
        charge_level_ratio: state of charge at the start of each step.
        water_m3_per_h: fresh water that is taken in.
        parts: what sub-meters show, in kW, m3/h or t/h; the pot lines and truck chargers are in
            `load_kw`, process, cooling and sanitary water less reclaimed water in the intake.
    """

    load_kw: Floats
    generation_kw: Mapping[str, Floats]
    available_kw: Mapping[str, Floats]
    charge_kw: Floats
    discharge_kw: Floats
    charge_level_ratio: Floats
    import_kw: Floats
    export_kw: Floats
    reactive_kvar: Floats
    water_m3_per_h: Floats
    product_t_per_h: Floats
    parts: Mapping[Part, Floats] = field(default_factory=dict)


def parts_of(model: EnterpriseModel) -> set[Part]:
    """The parts that an enterprise has."""
    water = model.water
    present: dict[Part, object] = {
        "load": True,
        "pot_lines": model.pot_lines,
        "truck_charging": model.truck_charging,
        "process_water": water.m3_per_t,
        "cooling_water": water.cooling_m3_per_mwh,
        "sanitary_water": water.sanitary_m3_per_h,
        "reclaimed_water": water.reclaimed_ratio,
        "gas": model.gas.model_fields_set,
        "steam": model.steam.model_fields_set,
        "waste": model.waste_t_per_t,
    }
    return {part for part in PARTS if present[part]}
