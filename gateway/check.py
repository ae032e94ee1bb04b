"""A dry look: what the devices give now, in which unit, and whether the park expects that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.config import GatewayConfig
from gateway.dlt645 import NAMES
from gateway.follow import last_reading
from gateway.modbus import Line, read_meter
from gateway.reading import Clock, Reading, from_ms
from gateway.sources import Device, DltSource, ModbusDevice
from models.park import Park

OK = "ok"


class Expected(NamedTuple):
    """One value that a device should give."""

    meter: str
    channel: str
    name: str
    unit: str | None


def check(config: GatewayConfig, clock: Clock, park: Park | None) -> Iterator[dict[str, Any]]:
    """Read every device once, publish and remember nothing.

    Yields:
        A row for each value: device, meter, channel, its name there, at, value, unit, verdict.
    """
    for device in config.devices:
        reading, faults = _read(device, clock)
        for value in expected(device):
            got = _value(reading, value)
            problems = _park_faults(config, park, value) if park else []
            if got is None and (faults or reading is None or reading.meter == value.meter):
                problems = [*faults, *problems] or ["no value"]
            yield {
                "device": device.name,
                "meter": value.meter,
                "channel": value.channel,
                "register": value.name,
                "at": from_ms(reading.ts_ms) if reading else None,
                "value": got,
                "unit": value.unit,
                "verdict": "; ".join(problems) or OK,
            }


def _read(device: Device, clock: Clock) -> tuple[Reading | None, list[str]]:
    if not isinstance(device, ModbusDevice):
        return last_reading(device)
    line = Line(device.host, device.port, device.timeout_s)
    try:
        return read_meter(line, device, clock)
    finally:
        line.close()


def _value(reading: Reading | None, value: Expected) -> float | None:
    same = reading is not None and reading.meter == value.meter
    return reading.values.get(value.channel) if reading and same else None


def expected(device: Device) -> Iterator[Expected]:
    """The values that a device is to give."""
    if isinstance(device, ModbusDevice):
        registers = device.device_type.registers
        units: Mapping[str, str | None] = {n: r.unit for n, r in registers.items()}
        meters = [device.meter]
    elif isinstance(device, DltSource):
        units = {n: item.unit for n, item in NAMES.items()}
        meters = list(device.meters.values())
    else:
        units = {}
        meters = [device.meter] if device.meter else list(device.meters.values())
    for meter in meters:
        for name, channel in device.channels.items():
            yield Expected(meter, channel, name, units.get(name))


def _park_faults(config: GatewayConfig, park: Park, value: Expected) -> list[str]:
    if park.key != config.park:
        return [f"park.yaml is of park {park.key}, gateway.yaml of {config.park}"]
    owners = {m.key: (e.key, m) for e in park.enterprises for m in e.meters}
    if value.meter not in owners:
        return [f"park.yaml has no meter {value.meter}"]
    owner, meter = owners[value.meter]
    if owner != config.enterprise:
        return [f"meter {value.meter} belongs to {owner}, not to {config.enterprise}"]
    channel = meter.channels.get(value.channel)
    if channel is None:
        return [f"meter {value.meter} has no channel {value.channel} in park.yaml"]
    if value.unit and channel.unit != value.unit:
        return [f"the device gives {value.unit}, park.yaml says {channel.unit}: correct park.yaml"]
    return []
