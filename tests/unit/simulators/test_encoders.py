"""What the encoders write: native bytes as ever, gateways, births, topics within filters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from models.errors import ConfigError
from models.park import Park, parse_park
from models.sparkplug import Payload
from simulators.encoders import Column, Encoders
from simulators.encoders.column import rfc3339
from simulators.encoders.foreign import place
from simulators.message import Message

AT_S = 1_772_323_200  # 2026-03-01T00:00:00Z
KWH = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}
KW = {"quantity": "active_power", "unit": "kW", "kind": "gauge"}


def a_park(sources: list[dict[str, Any]], meters: tuple[str, ...] = ("m1", "m2")) -> Park:
    names = {"zh": "x", "en": "x"}
    listed = [{"key": m, "name": names, "channels": {"kwh": KWH, "kw": KW}} for m in meters]
    acme = {"key": "acme", "name": names, "meters": listed, "sources": sources}
    return parse_park({"key": "p", "name": names, "enterprises": [acme]}, "test")


def block(values: list[list[float]], step_s: int = 900) -> tuple[Any, Any, list[Column]]:
    stamps = AT_S + step_s * np.arange(len(values[0]), dtype=np.int64)
    columns = [
        Column(key, np.array(column), digits)
        for key, column, digits in zip(("kwh", "kw"), values, (2, 1), strict=False)
    ]
    return stamps * 1000, stamps.astype(float), columns


def sent(made: Encoders, meter: str, values: list[list[float]], batch: int = 1) -> list[Message]:
    return list(made.encode(meter, *block(values), batch))


def test_native_is_one_object_per_meter_and_time() -> None:
    made = Encoders(a_park([]), {})
    messages = sent(made, "m1", [[1.0, 2.5], [7.25, 8.0]])
    assert [m.payload.decode() for m in messages] == [
        '{"ts":"2026-03-01T08:00:00+08:00","values":{"kwh":1.00,"kw":7.2}}',
        '{"ts":"2026-03-01T08:15:00+08:00","values":{"kwh":2.50,"kw":8.0}}',
    ]
    assert {m.topic for m in messages} == {"park/p/acme/m1"}
    assert [m.readings for m in messages] == [2, 2]
    assert messages[1].due_at == datetime(2026, 3, 1, 0, 15, tzinfo=UTC)


def test_what_is_nan_is_not_sent() -> None:
    nan = float("nan")
    messages = sent(Encoders(a_park([]), {}), "m1", [[1.0, nan, nan], [nan, nan, 3.0]], batch=10)
    assert len(messages) == 1
    items = json.loads(messages[0].payload)
    assert [i["values"] for i in items] == [{"kwh": 1.0}, {"kw": 3.0}]
    assert messages[0].readings == 2
    assert messages[0].due_at == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


def test_a_gateway_sends_its_meters_together() -> None:
    made = Encoders(a_park([]), {"acme": "list"})
    parts = [*sent(made, "m1", [[1.0, 2.0]]), *sent(made, "m2", [[3.0, 4.0]])]
    parts.sort(key=lambda m: m.due_at)
    messages = list(made.sessions().send(parts))
    assert [m.topic for m in messages] == ["park/p/acme"] * 2
    first = json.loads(messages[0].payload)
    assert [(i["m"], i["values"]["kwh"]) for i in first] == [("m1", 1.0), ("m2", 3.0)]
    assert [m.readings for m in messages] == [2, 2]


def test_a_gateway_list_stays_below_its_limit() -> None:
    made = Encoders(a_park([]), {"acme": "list"})
    parts = sent(made, "m1", [[float(n) for n in range(600)]], batch=300) * 2
    parts.sort(key=lambda m: m.due_at)
    messages = list(made.sessions().send(parts))
    assert all(len(json.loads(m.payload)) <= 500 for m in messages)
    assert sum(m.readings for m in messages) == 1200


SPARKPLUG = {
    "topic": "spBv1.0/acme/#",
    "format": "sparkplug",
    "devices": {"gw/e1": {"meter": "m1", "channels": {"energy": "kwh"}}, "gw": "m2"},
}


def test_sparkplug_is_born_first_and_counts_all_messages_of_the_node() -> None:
    made = Encoders(a_park([SPARKPLUG]), {})
    parts = [*sent(made, "m1", [[1.0, 2.0], [5.0, 6.0]]), *sent(made, "m2", [[3.0, 4.0]])]
    parts.sort(key=lambda m: m.due_at)
    messages = list(made.sessions().send(parts))
    kinds = [m.topic.split("/")[2] for m in messages]
    assert kinds == ["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDATA"]
    decoded = [Payload.FromString(m.payload) for m in messages]
    assert [p.seq for p in decoded] == [0, 1, 2, 3, 4]
    assert [x.name for x in decoded[0].metrics][2:] == ["kwh", "kw"]
    assert not any(x.name for p in decoded[2:] for x in p.metrics)
    aliases = [x.alias for p in decoded[:2] for x in p.metrics if x.HasField("alias")]
    assert sorted(aliases) == [0, 1, 2, 3]
    assert sum(m.readings for m in messages) == 6
    assert messages == list(made.sessions().send(parts))  # deterministic


@pytest.mark.parametrize(
    ("pattern", "end", "topic"),
    [
        ("park/p/acme/shelly/#", "d1/events/rpc", "park/p/acme/shelly/d1/events/rpc"),
        ("park/p/acme/+/SENSOR", "d1/SENSOR", "park/p/acme/d1/SENSOR"),
        ("tele/d1/#", "d1/SENSOR", "tele/d1/SENSOR"),
        ("+/acme/d1", "d1", "sim/acme/d1"),
        ("a/v1/gateway/telemetry", "v1/gateway/telemetry", "a/v1/gateway/telemetry"),
        ("a/b", "d1/SENSOR", None),
    ],
)
def test_topics_lie_within_the_filter(pattern: str, end: str, topic: str | None) -> None:
    assert place(pattern, end) == topic


def test_all_faults_of_sources_are_told() -> None:
    faulty = [
        {"topic": "park/p/acme/a/#", "format": "cet", "devices": {"d1": "m1"}},
        {"topic": "park/p/acme/b/#", "format": "tasmota-energy", "devices": {"d2": "m2"}},
    ]
    with pytest.raises(ConfigError) as caught:
        Encoders(a_park(faulty), {"other": "list"})
    text = str(caught.value)
    assert "'cet' is not simulated" in text
    assert "no value 'kw'" in text
    assert "'other' is no enterprise" in text


def test_times_at_the_change_to_summer_time() -> None:
    write = rfc3339(ZoneInfo("Europe/Brussels"))
    at_ms = np.array([1_774_745_999_000, 1_774_746_000_000, 1_774_746_000_250], dtype=np.int64)
    assert write(at_ms) == [
        "2026-03-29T01:59:59+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:00:00.250+02:00",
    ]
