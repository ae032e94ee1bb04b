"""The one table of physical quantities: units, plausible range, Grafana unit.

Column suffixes, payload checks, unit conversion and dashboard axes all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.errors import ConfigError


@dataclass(frozen=True)
class Quantity:
    """One physical quantity.

    Attributes:
        key: name used in park.yaml.
        unit: canonical unit of intervals and indicators.
        suffix: suffix of names that carry it, e.g. `_kwh`.
        accepted: source unit -> factor to the canonical unit.
        is_flow: True when readings accumulate (energy, volume, mass), False for a state (power).
        plausible: lowest and highest believable reading in the canonical unit, multiplier included.
        grafana_unit: unit id of Grafana's catalogue.
        rate: key of the state that says how fast this flow flows; its canonical unit is that of
            the flow per hour, so that a rate times hours is an amount.
    """

    key: str
    name_zh: str
    name_en: str
    unit: str
    suffix: str
    accepted: Mapping[str, float]
    is_flow: bool
    plausible: tuple[float, float]
    grafana_unit: str
    rate: str | None = None

    def factor(self, unit: str) -> float:
        """Factor from `unit` to the canonical unit.

        Raises:
            ConfigError: the unit does not belong to this quantity.
        """
        try:
            return self.accepted[unit]
        except KeyError:
            known = ", ".join(self.accepted)
            fault = f"unit {unit!r} does not measure {self.key}; use one of: {known}"
            raise ConfigError(f"quantity {self.key}", [fault]) from None


_ENERGY = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6}
_VOLUME = {"L": 1e-3, "m3": 1.0}
_MASS = {"kg": 1e-3, "t": 1.0, "kt": 1e3}
_REACTIVE = {"varh": 1e-3, "kvarh": 1.0, "Mvarh": 1e3}

_TABLE = (
    Quantity(
        "active_energy",
        "有功电量",
        "active energy",
        "kWh",
        "_kwh",
        _ENERGY,
        True,
        (0.0, 1e12),
        "kwatth",
        "active_power",
    ),
    Quantity(
        "reactive_energy",
        "无功电量",
        "reactive energy",
        "kvarh",
        "_kvarh",
        _REACTIVE,
        True,
        (0.0, 1e12),
        "suffix: kvarh",
        "reactive_power",
    ),
    Quantity(
        "active_power",
        "有功功率",
        "active power",
        "kW",
        "_kw",
        {"W": 1e-3, "kW": 1.0, "MW": 1e3},
        False,
        (-5e6, 5e6),
        "kwatt",
    ),
    Quantity(
        "water_volume",
        "水量",
        "water volume",
        "m3",
        "_m3",
        _VOLUME,
        True,
        (0.0, 1e10),
        "m3",
        "volume_flow",
    ),
    Quantity(
        "gas_volume",
        "天然气量",
        "natural gas volume",
        "m3",
        "_m3",
        _VOLUME,
        True,
        (0.0, 1e10),
        "m3",
        "volume_flow",
    ),
    Quantity(
        "mass",
        "产量",
        "mass",
        "t",
        "_t",
        _MASS,
        True,
        (0.0, 1e9),
        "suffix: t",
        "mass_flow",
    ),
    Quantity(
        "heat",
        "热量",
        "heat",
        "GJ",
        "_gj",
        {"MJ": 1e-3, "GJ": 1.0, "kWh": 3.6e-3, "MWh": 3.6},
        True,
        (0.0, 1e9),
        "suffix: GJ",
        "thermal_power",
    ),
    Quantity(
        "state_of_charge",
        "荷电状态",
        "state of charge",
        "ratio",
        "_ratio",
        {"ratio": 1.0, "percent": 1e-2},
        False,
        (0.0, 1.0),
        "percentunit",
    ),
    Quantity(
        "temperature",
        "温度",
        "temperature",
        "degC",
        "_degc",
        {"degC": 1.0},
        False,
        (-60.0, 1500.0),
        "celsius",
    ),
    Quantity(
        "reactive_power",
        "无功功率",
        "reactive power",
        "kvar",
        "_kvar",
        {"var": 1e-3, "kvar": 1.0, "Mvar": 1e3},
        False,
        (-5e6, 5e6),
        "suffix: kvar",
    ),
    Quantity(
        "apparent_power",
        "视在功率",
        "apparent power",
        "kVA",
        "_kva",
        {"VA": 1e-3, "kVA": 1.0, "MVA": 1e3},
        False,
        (0.0, 5e6),
        "suffix: kVA",
    ),
    Quantity(
        "voltage",
        "电压",
        "voltage",
        "V",
        "_v",
        {"mV": 1e-3, "V": 1.0, "kV": 1e3},
        False,
        (-1e6, 1e6),
        "volt",
    ),
    Quantity(
        "current",
        "电流",
        "current",
        "A",
        "_a",
        {"mA": 1e-3, "A": 1.0, "kA": 1e3},
        False,
        (-1e6, 1e6),
        "amp",
    ),
    Quantity(
        "frequency", "频率", "frequency", "Hz", "_hz", {"Hz": 1.0}, False, (0.0, 1000.0), "hertz"
    ),
    Quantity(
        "power_factor",
        "功率因数",
        "power factor",
        "ratio",
        "_ratio",
        {"ratio": 1.0, "percent": 1e-2},
        False,
        (-1.0, 1.0),
        "none",
    ),
    Quantity(
        "volume_flow",
        "流量",
        "volume flow",
        "m3/h",
        "_m3_per_h",
        {"L/s": 3.6, "L/min": 0.06, "L/h": 1e-3, "m3/h": 1.0, "m3/s": 3600.0},
        False,
        (-1e6, 1e6),
        "suffix: m³/h",
    ),
    Quantity(
        "pressure",
        "压力",
        "pressure",
        "bar",
        "_bar",
        {"Pa": 1e-5, "kPa": 1e-2, "MPa": 10.0, "bar": 1.0},
        False,
        (-1.0, 1000.0),
        "pressurebar",
    ),
    Quantity(
        "humidity",
        "相对湿度",
        "relative humidity",
        "ratio",
        "_ratio",
        {"ratio": 1.0, "percent": 1e-2},
        False,
        (0.0, 1.0),
        "percentunit",
    ),
    Quantity(
        "mass_flow",
        "质量流量",
        "mass flow",
        "t/h",
        "_t_per_h",
        {"kg/h": 1e-3, "kg/s": 3.6, "t/h": 1.0},
        False,
        (-1e6, 1e6),
        "suffix: t/h",
    ),
    Quantity(
        "thermal_power",
        "热功率",
        "thermal power",
        "GJ/h",
        "_gj_per_h",
        {"kW": 3.6e-3, "MW": 3.6, "MJ/h": 1e-3, "GJ/h": 1.0},
        False,
        (-1e6, 1e6),
        "suffix: GJ/h",
    ),
    Quantity(
        "normal_volume_flow",
        "标况流量",
        "volume flow at normal conditions",
        "Nm3/h",
        "_nm3_per_h",
        {"Nm3/min": 60.0, "Nm3/h": 1.0},
        False,
        (-1e6, 1e6),
        "suffix: Nm³/h",
    ),
    Quantity(
        "steam_mass",
        "蒸汽量",
        "steam",
        "t",
        "_t",
        _MASS,
        True,
        (0.0, 1e9),
        "suffix: t",
        "mass_flow",
    ),
    Quantity(
        "money",
        "金额",
        "money",
        "yuan",
        "_yuan",
        {"yuan": 1.0, "10k_yuan": 1e4, "100M_yuan": 1e8},
        True,
        (0.0, 1e13),
        "currencyCNY",
    ),
    Quantity(
        "compressed_air_volume",
        "压缩空气量",
        "compressed air at normal conditions",
        "Nm3",
        "_nm3",
        {"Nm3": 1.0},
        True,
        (0.0, 1e10),
        "suffix: Nm³",
        "normal_volume_flow",
    ),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({q.key: q for q in _TABLE})


def read_quantity(key: str, kind: str) -> Quantity:
    """The quantity that a channel sends: of kind `rate` the rate of its flow, else its own.

    Raises:
        KeyError: no such quantity, or it is a state and has no rate.
    """
    quantity = QUANTITIES[key]
    return QUANTITIES[quantity.rate or ""] if kind == "rate" else quantity
