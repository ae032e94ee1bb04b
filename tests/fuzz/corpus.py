"""What the fuzzer starts from: a park with every format, its door, and good messages of each.

The devices and channels of the foreign formats are those of the fixtures in `tests/data/payloads`:
a new device template with a fixture is fuzzed without a line here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from collectors.directory import Directory, OwnedSource
from collectors.door import Door
from collectors.formats import senml, template, thingsboard
from collectors.formats.base import Decoded, Incoming, Options
from collectors.formats.sparkplug_host import SparkplugHost
from models.channels import ChannelRef
from models.park import Park, parse_park
from models.quantities import QUANTITIES
from tests.sparkplug_messages import bd_seq, metric, payload

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
NOW_MS = 1_772_325_000_000
TOLERANCE = timedelta(minutes=5)
MOST_BYTES = 262_144
PAYLOADS = Path(__file__).parent.parent / "data" / "payloads"
OWNERS = ("alpha", "beta")  # sources go to them in turn


@dataclass(frozen=True)
class Seed:
    """A good message; `text_encoding` is that of the bytes a device sends, `json` is UTF-8."""

    codec: str
    topic: str
    json: bytes
    text_encoding: str | None = None
    fresh: bool = True


class Origin(NamedTuple):
    """A source as the fixtures need it."""

    format: str
    encoding: str | None
    timezone: str | None


@cache
def fixtures() -> dict[Origin, list[Seed]]:
    """Seeds of the foreign formats in JSON, by source; each source has a first level of its own."""
    made: dict[Origin, list[Seed]] = {}
    for path in sorted(PAYLOADS.glob("*/*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        codec = path.parent.name
        if codec not in ("thingsboard", "senml", *template.load_templates()):
            continue
        origin = Origin(codec, told.get("encoding"), told.get("timezone"))
        if "payload" in told:
            text = json.dumps(told["payload"], ensure_ascii=False, separators=(",", ":"))
        else:
            text = told.get("payload_text", "")
        seeds = made.setdefault(origin, [])
        seeds.append(Seed(codec, told["topic"], text.encode(), told.get("encode")))
    return {
        origin: [
            Seed(s.codec, f"{_root(n, origin)}/{s.topic}", s.json, s.text_encoding) for s in seeds
        ]
        for n, (origin, seeds) in enumerate(made.items())
    }


def _root(number: int, origin: Origin) -> str:
    return f"{origin.format}-{number}"


def sparkplug_births() -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Births of an edge node and of its device."""
    node = payload(0, bd_seq(7), metric("Node Control/Rebirth", False, 11))
    device = payload(
        1,
        metric("energy", 100.0, alias=1),
        metric("power", 5, 3, alias=2),
        metric("temp", -4, 4, alias=3),
        metric("raw", 70_000, 8, alias=4),
        metric("state", "on", 12, alias=5),
    )
    return ("spBv1.0/g/NBIRTH/gw", node), ("spBv1.0/g/DBIRTH/gw/em1", device)


def sparkplug_seeds() -> Iterator[Seed]:
    """Messages of a session after its births (sequence number 2 comes next)."""
    data = payload(2, metric(value=101.5, alias=1), metric(value=6, datatype=3, alias=2))
    for topic, raw in (
        *sparkplug_births(),
        ("spBv1.0/g/DDATA/gw/em1", data),
        ("spBv1.0/g/DDATA/gw/em1", payload(2, metric("raw", 4711, 8), metric("temp", -9, 4))),
        ("spBv1.0/g/NDATA/gw", payload(2, metric("Node Control/Rebirth", True, 11))),
        ("spBv1.0/g/DDEATH/gw/em1", payload(2)),
        ("spBv1.0/g/NDEATH/gw", payload(None, bd_seq(7))),
    ):
        yield Seed("sparkplug", topic, raw)
    for line in (PAYLOADS / "sparkplug" / "vectors.jsonl").read_text().splitlines():
        told = json.loads(line)
        yield Seed("sparkplug", told["topic"], bytes.fromhex(told["hex"]))


def native_seeds() -> Iterator[Seed]:
    """Messages of the public contract."""
    grid = {"ts": NOW_MS - 60_000, "values": {"import_kwh": 123456.78, "power_kw": 512.25}}
    iso = {"ts": "2026-03-01T08:15:00+08:00", "values": {"import_kwh": 7}, "seq": 4, "q": 0}
    water = {"m": "a-water", "ts": NOW_MS - 1, "values": {"intake_m3": 8812.4}}
    series = [{**grid, "ts": NOW_MS - n * 900_000} for n in range(20)]
    for topic, body in (
        ("alpha/a-grid", grid),
        ("alpha/a-grid", iso),
        ("alpha/a-grid", {**grid, "correction": True}),
        ("alpha/a-grid", series),
        ("alpha/a-env", {"ts": NOW_MS, "values": {"soc": 0.5, "temp": -3.5}}),
        ("alpha", [water, {**grid, "m": "a-grid"}]),
        ("alpha", water),
        ("beta/b-grid", {"ts": NOW_MS, "values": {"import_mwh": 12.5, "pf": -0.93}}),
        ("beta", [{"m": "b-grid", "ts": "2025-12-31T23:59:59.5Z", "values": {"pf": 1}}]),
    ):
        text = json.dumps(body, separators=(",", ":"))
        yield Seed("native", f"park/fuzz/{topic}", text.encode())


@cache
def seeds() -> dict[str, tuple[Seed, ...]]:
    """Good messages by codec."""
    made: dict[str, list[Seed]] = {"native": list(native_seeds())}
    for found in fixtures().values():
        made.setdefault(found[0].codec, []).extend(found)
    made["sparkplug"] = list(sparkplug_seeds())
    return {codec: tuple(found) for codec, found in made.items()}


def encoded(seed: Seed) -> bytes:
    """The bytes that a device sends."""
    if seed.text_encoding is None:
        return seed.json
    return seed.json.decode(errors="replace").encode(seed.text_encoding, "replace")


@cache
def park() -> Park:
    """A park with native meters and a source of every format, owned by two enterprises in turn."""
    meters: dict[str, list[dict[str, Any]]] = {owner: [] for owner in OWNERS}
    sources: dict[str, list[dict[str, Any]]] = {owner: [] for owner in OWNERS}
    for number, (origin, found) in enumerate(fixtures().items()):
        owner = OWNERS[number % 2]
        root = _root(number, origin)
        source = {"format": origin.format, "topic": f"{root}/#", "devices": {}}
        source |= {k: v for k, v in origin._asdict().items() if v and k != "format"}
        _add(meters[owner], source, root, _values(origin, found))
        if source["devices"]:
            sources[owner].append(source)
    source = {"format": "sparkplug", "topic": "spBv1.0/#", "devices": {}}
    _add(meters["alpha"], source, "sparkplug", _sparkplug_values())
    sources["alpha"].append(source)
    for owner, key, channels in _NATIVE:
        meters[owner].append({"key": key, "name": _NAME, "channels": channels})
    enterprises = [
        {"key": o, "name": _NAME, "meters": meters[o], "sources": sources[o]} for o in OWNERS
    ]
    document = {"key": "fuzz", "name": _NAME, "simulated": True, "enterprises": enterprises}
    return parse_park(document, "park of the fuzzer")


_NAME = {"zh": "测试", "en": "Test"}
_HALF_HOUR = {"quantity": "active_energy", "unit": "kWh", "kind": "interval", "period_s": 1800}
_NATIVE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "alpha",
        "a-grid",
        {
            "import_kwh": {
                "quantity": "active_energy",
                "unit": "kWh",
                "kind": "register",
                "multiplier": 100,
                "modulus": 1_000_000,
            },
            "power_kw": {"quantity": "active_power", "unit": "kW", "kind": "gauge"},
        },
    ),
    (
        "alpha",
        "a-water",
        {"intake_m3": {"quantity": "water_volume", "unit": "m3", "kind": "register"}},
    ),
    (
        "alpha",
        "a-env",
        {
            "soc": {"quantity": "state_of_charge", "unit": "ratio", "kind": "gauge"},
            "temp": {"quantity": "temperature", "unit": "degC", "kind": "gauge"},
        },
    ),
    ("alpha", "a-half", {"in": _HALF_HOUR, "out": _HALF_HOUR}),
    (
        "beta",
        "b-grid",
        {
            "import_mwh": {"quantity": "active_energy", "unit": "MWh", "kind": "register"},
            "pf": {"quantity": "power_factor", "unit": "ratio", "kind": "gauge"},
        },
    ),
)

Found = set[tuple[str, str, str | None]]  # device, channel, unit


def _values(origin: Origin, found: list[Seed]) -> Found:
    zone = ZoneInfo(origin.timezone) if origin.timezone else None
    options, values = Options(zone, origin.encoding), set()
    for seed in found:
        message = Incoming(seed.topic, encoded(seed), NOW)
        for device, channel, _, _, _, unit in _decoded(origin.format, message, options).values:
            values.add((device, channel, unit))
    return values


def _decoded(name: str, message: Incoming, options: Options) -> Decoded:
    try:
        if name == "thingsboard":
            return thingsboard.decode(message, options)
        if name == "senml":
            return senml.decode(message, options)
        return template.decode(template.load_templates()[name], message, options)
    except Exception:  # a fixture of a refusal has no channels; what is wrong is found later
        return Decoded()


def _sparkplug_values() -> Found:
    host, values = SparkplugHost(), set()
    for seed in seeds()["sparkplug"]:
        decoded = host.decode(Incoming(seed.topic, seed.json, NOW), Options())
        values |= {(v[0], v[1], v[5]) for v in decoded.values}
    return values


def _add(meters: list[dict[str, Any]], source: dict[str, Any], root: str, values: Found) -> None:
    """A meter for each device of a source; the channel has the catalogue's unit, not the sent."""
    for number, device in enumerate(sorted({device for device, _, _ in values})):
        key = f"{root}-{number}"[-48:]
        channels, names = {}, {}
        for at, (_, name, unit) in enumerate(sorted(v for v in values if v[0] == device)):
            fitting = (q for q in QUANTITIES.values() if unit in q.accepted)
            quantity = next(fitting, QUANTITIES["active_power"] if unit is None else None)
            if quantity is None or name in names:
                continue
            names[name] = f"c{at}"
            kind = "register" if quantity.is_flow else "gauge"
            channels[f"c{at}"] = {"quantity": quantity.key, "unit": quantity.unit, "kind": kind}
        if channels:
            meters.append({"key": key, "name": _NAME, "channels": channels})
            source["devices"][device] = {"meter": key, "channels": names}


def channel_refs() -> Iterator[ChannelRef]:
    """The channels as the database would number them."""
    number = 0
    for at, enterprise in enumerate(park().enterprises, 1):
        for meter in enterprise.meters:
            for key, c in meter.channels.items():
                number += 1
                yield ChannelRef(
                    number,
                    key,
                    meter.key,
                    at,
                    enterprise.key,
                    1,
                    park().key,
                    c.quantity,
                    c.unit,
                    c.kind,
                    c.role,
                    c.factor,
                    c.modulus,
                    c.period_s,
                    c.rated_per_h,
                    c.in_service_from,
                )


def make_door() -> Door:
    """A door to the park without a database."""
    owned = [
        OwnedSource(park().key, e.key, park().zone, s)
        for e in park().enterprises
        for s in e.sources
    ]
    return Door(Directory(channel_refs(), owned), MOST_BYTES, TOLERANCE)
