"""ThingsBoard telemetry beyond the payload files: topics, faults that cost little, limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.formats import thingsboard
from collectors.formats.base import Decoded, Incoming, Options, to_us
from models.errors import PayloadError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TS = 1772323200000
GATEWAY = "park/p/acme/gw1/v1/gateway/telemetry"
DEVICE = "park/p/acme/meter7/v1/devices/me/telemetry"


def decode(topic: str, body: Any, *, fresh: bool = True, **options: Any) -> Decoded:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return thingsboard.decode(Incoming(topic, data, NOW, fresh), Options(**options))


def codes(out: Decoded) -> list[str]:
    return [problem.code for problem in out.problems]


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("v1/devices/me/telemetry", "me"),
        ("/v1/devices/me/telemetry", ""),
        (DEVICE, "meter7"),
        ("v1/x/v1/devices/me/telemetry", "x"),
        ("v1/devices/me/x/v1/devices/me/telemetry", "x"),
        ("plant/表7/v2/t", "表7"),
        ("plant/m7/v2/t/j", "m7"),
    ],
)
def test_the_device_is_the_level_before_the_api(topic: str, device: str) -> None:
    assert [value[0] for value in decode(topic, {"kwh": 1}).values] == [device]


@pytest.mark.parametrize(
    "topic",
    [
        "v1/gateway/connect",
        "v1/gateway/attributes/request",
        "v1/devices/me/attributes",
        "v1/devices/me/rpc/request/7",
        "x/v2/a",
        "x/v2/t/p",
    ],
)
def test_other_parts_of_the_api_hold_no_readings(topic: str) -> None:
    out = decode(topic, b"not even JSON")
    assert (out.values, out.problems) == ([], [])


@pytest.mark.parametrize("topic", ["", "v1", "v1/gateway", "v1/devices/me", "park/p/a/telemetry"])
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(topic, {"kwh": 1})
    assert caught.value.code == "topic"


def test_a_gateway_may_send_flat_and_single_items() -> None:
    out = decode(GATEWAY, {"a": [{"kwh": 1}], "b": {"kwh": 2}, "c": {"ts": TS, "values": {"x": 3}}})
    assert [(v[0], v[2], v[3]) for v in out.values] == [
        ("a", to_us(NOW), 1),
        ("b", to_us(NOW), 2),
        ("c", TS * 1000, 3),
    ]


def test_a_flat_item_of_a_message_that_waited_costs_only_itself() -> None:
    out = decode(GATEWAY, {"a": [{"kwh": 1}, {"ts": TS, "values": {"kwh": 2}}]}, fresh=False)
    assert [v[3] for v in out.values] == [2]
    assert codes(out) == ["stale_arrival"]


@pytest.mark.parametrize("ts", [None, "1772323200000", True, 1.5, [TS]])
def test_ts_of_another_type(ts: object) -> None:
    out = decode(GATEWAY, {"a": [{"ts": ts, "values": {"kwh": 1}}, {"ts": TS, "values": {"b": 2}}]})
    assert [v[3] for v in out.values] == [2]
    assert codes(out) == ["time_format"]


@pytest.mark.parametrize("ts", [-1, 0, 1772323200, 10**18, 10**30])
def test_ts_out_of_range(ts: int) -> None:
    assert codes(decode(DEVICE, {"ts": ts, "values": {"kwh": 1}})) == ["time_range"]


@pytest.mark.parametrize("item", [5, "x", None, [], {"ts": TS}, {"ts": TS, "values": 5}])
def test_items_that_are_none(item: object) -> None:
    out = decode(GATEWAY, {"a": [item, {"ts": TS, "values": {"kwh": 1}}]})
    assert [v[3] for v in out.values] == [1]
    assert codes(out) == ["schema"]


def test_whole_floats_are_milliseconds_too() -> None:
    assert decode(DEVICE, b'{"ts":1.7723232e12,"values":{"a":1}}').values[0][2] == TS * 1000


@pytest.mark.parametrize("body", [[], 5, "x", None])
def test_a_gateway_payload_is_an_object(body: object) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(GATEWAY, body)
    assert caught.value.code == "schema"


def test_limits() -> None:
    item = {"ts": TS, "values": {"kwh": 1}}
    assert len(decode(GATEWAY, {"a": [item] * 600, "b": [item] * 400}).values) == 1000
    with pytest.raises(PayloadError) as caught:
        decode(GATEWAY, {"a": [item] * 600, "b": [item] * 401})
    assert caught.value.code == "items"
    many = {f"c{n}": n if n % 2 else "--" for n in range(10_001)}
    with pytest.raises(PayloadError) as caught:
        decode(DEVICE, {"ts": TS, "values": many})
    assert caught.value.code == "items"


def test_encoding_of_the_source() -> None:
    data = f'{{"ts":{TS},"values":{{"电量":1}}}}'
    assert decode(DEVICE, data.encode("gbk"), encoding="gbk").values[0][1] == "电量"
    with pytest.raises(PayloadError) as caught:
        decode(DEVICE, data.encode("gbk"))
    assert caught.value.code == "json"
