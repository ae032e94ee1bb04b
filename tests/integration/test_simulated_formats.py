"""What the simulator writes is what the collector reads, in every format it can write."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from collectors.formats import native
from collectors.formats.base import Incoming, Options, to_us
from collectors.formats.sparkplug_host import SparkplugHost
from models.errors import PayloadError
from models.meters import Channel
from models.park import Park, parse_park
from models.quantities import read_quantity
from models.sources import Source
from models.topics import matches
from simulators.encoders import Column, Encoders
from simulators.encoders.foreign import Device
from simulators.encoders.vendor import VENDORS
from simulators.message import Message
from tests.payload_cases import decoder

AT_S = 1_772_323_200
_STAMPS = 100  # of three devices: Sparkplug's sequence numbers begin anew
NAMES = {"zh": "x", "en": "x"}
CHANNELS = {
    "import_energy": {"quantity": "active_energy", "unit": "kWh", "kind": "register"},
    "power": {"quantity": "active_power", "unit": "kW", "kind": "gauge"},
    "voltage": {"quantity": "voltage", "unit": "V", "kind": "gauge"},
}
RENAMED = {"active_power": "power"}
SHELLY = {"active_power": "power", "voltage_a": "voltage"}
Reading = tuple[str, str, int, float]

SOURCES: dict[str, dict[str, Any]] = {
    "senml": {"topic": "park/p/acme/senml/#", "devices": {"urn:dev:ow:10e2073a01080063": RENAMED}},
    "senml-plain": {"topic": "park/p/acme/senml/+", "devices": {"hall/1": {}}},
    "thingsboard": {"topic": "park/p/acme/tb/#", "devices": {"Meter 一": RENAMED}},
    "thingsboard-device": {
        "topic": "park/p/acme/+/v1/devices/me/telemetry",
        "devices": {"dev7": RENAMED},
    },
    "sparkplug": {"topic": "spBv1.0/acme/#", "devices": {"gw/e1": RENAMED, "gw/e2": {}, "gw": {}}},
    "shelly-pro-3em": {"topic": "park/p/acme/shelly/#", "devices": {"shellypro3em-1": SHELLY}},
    "tasmota-energy": {
        "topic": "park/p/acme/tasmota/#",
        "timezone": "Asia/Shanghai",
        "devices": {"press": RENAMED},
    },
    "tasmota-energy-epoch": {"topic": "park/p/acme/tele/+/SENSOR", "devices": {"a": RENAMED}},
    "homewizard": {"topic": "park/p/acme/hw/#", "devices": {"kwh-1": RENAMED}},
    "acrel-adw300": {
        "topic": "platform/acrel/meter/json-v2/analog/+",
        "devices": {"0017": {"active_power": "power", "voltage_b": "voltage"}},
    },
    "zigbee2mqtt": {"topic": "park/p/acme/zigbee2mqtt/#", "devices": {"plug": RENAMED}},
}


def format_of(case: str) -> str:
    for end in ("-plain", "-device", "-epoch"):
        case = case.removesuffix(end)
    return case


def a_park(case: str | None) -> Park:
    meters = [{"key": f"m{n}", "name": NAMES, "channels": CHANNELS} for n in range(3)]
    sources = []
    if case is not None:
        devices = {
            name: {"meter": f"m{n}", "channels": renamed}
            for n, (name, renamed) in enumerate(SOURCES[case]["devices"].items())
        }
        sources = [SOURCES[case] | {"format": format_of(case), "devices": devices}]
        meters = meters[: len(devices)]
    acme = {"key": "acme", "name": NAMES, "meters": meters, "sources": sources}
    return parse_park({"key": "p", "name": NAMES, "enterprises": [acme]}, "test")


def simulate(
    made: Encoders, park: Park, batch: int, jitter_ms: int
) -> tuple[list[Message], set[Reading]]:
    rng = np.random.default_rng(1)
    messages: list[Message] = []
    truth: set[Reading] = set()
    for meter in park.enterprises[0].meters:
        stamps = AT_S + 900 * np.arange(_STAMPS, dtype=np.int64)
        shown_ms = stamps * 1000 + (rng.integers(0, jitter_ms, _STAMPS) if jitter_ms else 0)
        columns = []
        for key, digits in (("import_energy", 4), ("power", 1), ("voltage", 1)):
            values = np.round(rng.uniform(0, 20_000, _STAMPS), digits)
            values[rng.random(_STAMPS) < 0.1] = np.nan
            columns.append(Column(key, values, digits))
            truth |= {
                (meter.key, key, at * 1000, value)
                for at, value in zip(shown_ms.tolist(), values.tolist(), strict=True)
                if value == value
            }
        messages += made.encode(meter.key, shown_ms, shown_ms / 1000, columns, batch)
    messages.sort(key=lambda m: m.due_at)
    return list(made.sessions().send(messages)), truth


def canonical(meter: str, channel: str, at_us: int, value: float, unit: str | None) -> Reading:
    """As the door does it: into the unit of the channel."""
    own = Channel.model_validate(CHANNELS[channel])
    accepted = read_quantity(own.quantity, own.kind).accepted
    if unit not in (None, own.unit):
        value = round(value * accepted[str(unit)] / accepted[own.unit], 9)
    return meter, channel, at_us, value


def received(source: Source, messages: Iterable[Message]) -> list[Reading]:
    host = SparkplugHost()
    decode = host.decode if source.format == "sparkplug" else decoder(source.format)
    options = Options(ZoneInfo(source.timezone) if source.timezone else None)
    found = []
    for message in messages:
        assert matches(source.topic, message.topic)
        out = decode(Incoming(message.topic, message.payload, message.due_at), options)
        assert not out.problems
        assert not out.replies
        assert len(out.values) == message.readings
        for device, name, at_us, value, _, unit in out.values:
            known = source.devices[device]
            channel = known.channels.get(name, name)
            found.append(canonical(known.meter, channel, at_us, value, unit))
    assert not host.losses
    return found


@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize("jitter_ms", [0, 5000])
@pytest.mark.parametrize("case", SOURCES)
def test_the_collector_reads_what_the_simulator_writes(
    case: str, jitter_ms: int, batch: int
) -> None:
    park = a_park(case)
    messages, truth = simulate(Encoders(park, {}), park, batch, jitter_ms)
    found = received(park.enterprises[0].sources[0], messages)
    assert len(found) == len(truth)
    assert set(found) == truth


@pytest.mark.parametrize("formats", [{}, {"acme": "list"}])
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_native_json_is_read(formats: Any, batch: int) -> None:
    park = a_park(None)
    messages, truth = simulate(Encoders(park, formats), park, batch, 5000)
    values: list[Any] = []
    problems: list[PayloadError] = []
    for message in messages:
        before = len(values)
        levels = message.topic.split("/")
        native.decode(levels[3] if len(levels) == 4 else None, message.payload, values, problems)
        assert len(values) - before == message.readings
    assert not problems
    assert len(values) == len(truth)
    assert {tuple(v[:4]) for v in values} == truth
    assert all(to_us(m.due_at) % 1000 == 0 for m in messages)


@pytest.mark.parametrize("template", VENDORS)
def test_every_value_of_a_vendor_is_the_one_of_its_template(template: str) -> None:
    ends, fields, write = VENDORS[template]
    device = Device("m1", "dev1", {}, {}, "#")
    topic = f"site/{ends[0].replace('{device}', 'dev1')}"
    for channel, (key, unit) in fields.items():
        for text in write(device, AT_S * 1000, {key: "12.5"}):
            message = Message(datetime.fromtimestamp(AT_S, UTC), topic, text.encode(), 1)
            incoming = Incoming(message.topic, message.payload, message.due_at)
            out = decoder(template)(incoming, Options())
            assert [tuple(v) for v in out.values] == [
                ("dev1", channel, AT_S * 1_000_000, 12.5, False, unit)
            ]
