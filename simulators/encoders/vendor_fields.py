"""Values in the messages of makers' devices: channel name of the template, key, unit."""

from __future__ import annotations

from collections.abc import Mapping

Fields = dict[str, tuple[str, str]]  # channel -> key in the message, unit


def _phases(names: Mapping[str, tuple[str, str]], phases: str) -> Fields:
    return {
        channel.format(p=p): (key.format(p=p), unit)
        for p in phases
        for channel, (key, unit) in names.items()
    }


SHELLY_POWER: Fields = {
    "active_power": ("total_act_power", "W"),
    "apparent_power": ("total_aprt_power", "VA"),
    "current": ("total_current", "A"),
    "current_n": ("n_current", "A"),
    "frequency": ("a_freq", "Hz"),
} | _phases(
    {
        "active_power_{p}": ("{p}_act_power", "W"),
        "voltage_{p}": ("{p}_voltage", "V"),
        "current_{p}": ("{p}_current", "A"),
        "power_factor_{p}": ("{p}_pf", "ratio"),
    },
    "abc",
)
SHELLY_ENERGY: Fields = {
    "import_energy": ("total_act", "Wh"),
    "export_energy": ("total_act_ret", "Wh"),
} | _phases(
    {
        "import_energy_{p}": ("{p}_total_act_energy", "Wh"),
        "export_energy_{p}": ("{p}_total_act_ret_energy", "Wh"),
    },
    "abc",
)
TASMOTA: Fields = {
    "import_energy": ("Total", "kWh"),
    "export_energy": ("ExportActive", "kWh"),
    "active_power": ("Power", "W"),
    "apparent_power": ("ApparentPower", "VA"),
    "reactive_power": ("ReactivePower", "var"),
    "power_factor": ("Factor", "ratio"),
    "voltage": ("Voltage", "V"),
    "current": ("Current", "A"),
    "frequency": ("Frequency", "Hz"),
}
HOMEWIZARD: Fields = {
    "import_energy": ("total_power_import_kwh", "kWh"),
    "export_energy": ("total_power_export_kwh", "kWh"),
    "active_power": ("active_power_w", "W"),
    "voltage": ("active_voltage_v", "V"),
    "current": ("active_current_a", "A"),
    "reactive_power": ("active_reactive_power_var", "var"),
    "apparent_power": ("active_apparent_power_va", "VA"),
    "power_factor": ("active_power_factor", "ratio"),
    "frequency": ("active_frequency_hz", "Hz"),
    "water": ("total_liter_m3", "m3"),
    "water_flow": ("active_liter_lpm", "L/min"),
} | _phases(
    {
        "active_power_{p}": ("active_power_l{p}_w", "W"),
        "voltage_{p}": ("active_voltage_l{p}_v", "V"),
        "current_{p}": ("active_current_l{p}_a", "A"),
    },
    "123",
)
ACREL: Fields = {
    **{f"voltage_{p}": (str(n), "V") for n, p in enumerate(("a", "b", "c", "ab", "bc", "ca"), 1)},
    **{f"current_{p}": (str(n), "A") for n, p in enumerate("abc", 7)},
    **{f"active_power{p}": (str(n), "kW") for n, p in enumerate(("_a", "_b", "_c", ""), 10)},
    **{f"reactive_power{p}": (str(n), "kvar") for n, p in enumerate(("_a", "_b", "_c", ""), 14)},
    **{f"apparent_power{p}": (str(n), "kVA") for n, p in enumerate(("_a", "_b", "_c", ""), 18)},
    **{f"power_factor{p}": (str(n), "ratio") for n, p in enumerate(("_a", "_b", "_c", ""), 22)},
    "frequency": ("26", "Hz"),
    "import_energy": ("28", "kWh"),
    "export_energy": ("29", "kWh"),
    "import_reactive_energy": ("30", "kvarh"),
    "export_reactive_energy": ("31", "kvarh"),
    "active_demand": ("32", "kW"),
    "residual_current": ("40", "A"),
}
ZIGBEE: Fields = {
    "import_energy": ("energy", "kWh"),
    "export_energy": ("produced_energy", "kWh"),
    "active_power": ("power", "W"),
    "reactive_power": ("power_reactive", "var"),
    "apparent_power": ("power_apparent", "VA"),
    "power_factor": ("power_factor", "ratio"),
    "voltage": ("voltage", "V"),
    "current": ("current", "A"),
    "frequency": ("ac_frequency", "Hz"),
    "temperature": ("temperature", "degC"),
    "humidity": ("humidity", "percent"),
}
