"""Devices of makers that the collectors know by a template: their JSON, one stamp per message.

Source: the documentation that `collectors/templates/<name>.yaml` names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from models.errors import ConfigError
from simulators.encoders.column import Block
from simulators.encoders.foreign import Device
from simulators.message import Message

Fields = dict[str, tuple[str, str]]  # channel -> key in the message, unit
Held = dict[str, str]  # key in the message -> number


def _phases(names: Mapping[str, tuple[str, str]], phases: str) -> Fields:
    return {
        channel.format(p=p): (key.format(p=p), unit)
        for p in phases
        for channel, (key, unit) in names.items()
    }


_SHELLY_POWER: Fields = {
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
_SHELLY_ENERGY: Fields = {
    "import_energy": ("total_act", "Wh"),
    "export_energy": ("total_act_ret", "Wh"),
} | _phases(
    {
        "import_energy_{p}": ("{p}_total_act_energy", "Wh"),
        "export_energy_{p}": ("{p}_total_act_ret_energy", "Wh"),
    },
    "abc",
)
_STATES: Fields = {
    "active_power": ("Power", "W"),
    "apparent_power": ("ApparentPower", "VA"),
    "reactive_power": ("ReactivePower", "var"),
    "power_factor": ("Factor", "ratio"),
    "voltage": ("Voltage", "V"),
    "current": ("Current", "A"),
    "frequency": ("Frequency", "Hz"),
}
_HOMEWIZARD: Fields = {
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
_ACREL: Fields = {
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
_ZIGBEE: Fields = {
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


def _json(held: Held) -> str:
    return "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in held.items()) + "}"


def _seconds(at_ms: int) -> str:
    return f"{at_ms // 1000}" + (f".{at_ms % 1000:03d}" if at_ms % 1000 else "")


def _shelly(device: Device, at_ms: int, held: Held) -> list[str]:
    keys = {key for key, _ in _SHELLY_ENERGY.values()}
    parts = {
        "em:0": {k: v for k, v in held.items() if k not in keys},
        "emdata:0": {k: v for k, v in held.items() if k in keys},
    }
    shown = {"ts": _seconds(at_ms)} | {
        name: _json({"id": "0"} | part) for name, part in parts.items() if part
    }
    message = {
        "src": json.dumps(device.name),
        "dst": json.dumps(f"{device.name}/events"),
        "method": '"NotifyStatus"',
        "params": _json(shown),
    }
    return [_json(message)]


def _tasmota(device: Device, at_ms: int, held: Held) -> list[str]:
    energy = _json(held)
    if device.zone is None:
        return [f'{{"Epoch":{_seconds(at_ms)},"ENERGY":{energy}}}']
    at = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(device.zone)).replace(tzinfo=None)
    part = f".{at_ms % 1000:03d}" if at_ms % 1000 else ""
    return [f'{{"Time":"{at.isoformat()}{part}","ENERGY":{energy}}}']


def _homewizard(_device: Device, _at_ms: int, held: Held) -> list[str]:
    return [_json({"wifi_strength": "86"} | held)]


def _acrel(_device: Device, at_ms: int, held: Held) -> list[str]:
    return [f'{{"tp":{at_ms},"ID":{item},"val":{value}}}' for item, value in held.items()]


def _zigbee(_device: Device, at_ms: int, held: Held) -> list[str]:
    at = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    seen = f'"{at}.{at_ms % 1000:03d}Z"'
    return [_json(held | {"linkquality": "120", "last_seen": seen})]


Writer = Callable[[Device, int, Held], list[str]]
_ENERGY: Fields = {"import_energy": ("Total", "kWh"), "export_energy": ("ExportActive", "kWh")}
VENDORS: Mapping[str, tuple[tuple[str, ...], Fields, Writer]] = {
    "shelly-pro-3em": (("{device}/events/rpc",), _SHELLY_POWER | _SHELLY_ENERGY, _shelly),
    "tasmota-energy": (("{device}/SENSOR", "{device}/tele/SENSOR"), _ENERGY | _STATES, _tasmota),
    "homewizard": (("{device}/data", "{device}/measurement"), _HOMEWIZARD, _homewizard),
    "acrel-adw300": (("json-v2/analog/{device}",), _ACREL, _acrel),
    "zigbee2mqtt": (("{device}",), _ZIGBEE, _zigbee),
}
"""Template -> ends of its topics, its values, what writes a message."""


class Vendor:
    """Messages of one device of a known maker; it cannot send several stamps at once.

    HomeWizard names no time: its readings count from their arrival, so they are good live only.

    Raises:
        ConfigError: it has no value of a name that park.yaml gives it.
    """

    def __init__(self, device: Device, template: str) -> None:
        ends, fields, self._write = VENDORS[template]
        self._device = device
        self._topic = device.topic(*(end.replace("{device}", device.name) for end in ends))
        names = {key: device.called(key) for key in device.channels}
        if unknown := sorted(set(names.values()) - set(fields)):
            raise ConfigError(
                f"device {device.name}",
                [f"{template} has no value {name!r} that is simulated" for name in unknown],
            )
        self._fields = {key: fields[name] for key, name in names.items()}

    def encode(self, block: Block) -> Iterator[Message]:
        """One message per stamp; an Acrel meter sends one per value."""
        for at_ms, due, row in block.rows():
            held = {}
            for key, text in row:
                field, unit = self._fields[key]
                held[field] = self._device.scaled(key, text, unit)
            texts = self._write(self._device, at_ms, held)
            each = len(held) // len(texts)
            for text in texts:
                yield Message(due, self._topic, text.encode(), each)
