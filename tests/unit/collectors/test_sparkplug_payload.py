"""Sparkplug B payloads: numbers of every data type, times, and what is refused and why."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.formats.base import Incoming, Options
from collectors.formats.sparkplug import MAX_METRICS, parse
from collectors.formats.sparkplug_host import SparkplugHost
from models.errors import PayloadError
from models.sparkplug import DataType, Payload
from tests.sparkplug_messages import (
    ARRIVED,
    BITS,
    SENT_MS,
    Talk,
    as_float32,
    codes,
    metric,
    payload,
    read,
)

VECTORS = Path(__file__).parents[2] / "data" / "payloads" / "sparkplug" / "vectors.jsonl"


def birth(*metrics: Any, **more: Any) -> Any:
    return Talk().say("NBIRTH", payload(0, *metrics, **more))


# Worked out by hand from the bytes. Times: cb97fd949c2f is, in groups of seven bits from the
# lowest, 4b 17 7d 14 1c 2f = 75 + 23*2^7 + 125*2^14 + 20*2^21 + 28*2^28 + 47*2^35.
# d8ff03 = 88 + 127*2^7 + 3*2^14 = 65496, as 16 bits with sign 65496 - 65536 = -40; d7 one less.
# 40c81cd6c8b43958: exponent 0x40c - 1023 = 13, (1 + 0x81cd6c8b43958 / 2^52) * 2^13 = 12345.678.
# c1480000: -(1 + 0x480000 / 2^23) * 2^3 = -12.5. 8180808080808010 = 1 + 2^53, as a double 2^53.
BIRTH_US, DATA_US, OLD_US = 1_622_467_890_123_000, 1_622_467_950_123_000, 1_622_464_290_123_000
EXPECTED = {
    "NBIRTH": [],
    "DBIRTH": [
        ("gw01/em1", "energy/import_kwh", BIRTH_US, 12345.678),
        ("gw01/em1", "power/active_kw", BIRTH_US, -12.5),
        ("gw01/em1", "energy/raw_register", BIRTH_US, 9007199254740992.0),
        ("gw01/em1", "temp/raw", BIRTH_US, -40.0),
    ],
    "DDATA alias only": [
        ("gw01/em1", "energy/import_kwh", DATA_US, 12345.9),
        ("gw01/em1", "temp/raw", DATA_US, -41.0),
    ],
    "DDATA historical": [("gw01/em1", "energy/import_kwh", OLD_US, 12340.0)],
}


def test_vectors_of_an_independent_encoder() -> None:
    host, got = SparkplugHost(), {}
    for line in VECTORS.read_text(encoding="utf-8").splitlines():
        vector = json.loads(line)
        message = Incoming(vector["topic"], bytes.fromhex(vector["hex"]), ARRIVED)
        decoded = host.decode(message, Options())
        assert decoded.problems == decoded.replies == []
        got[vector["name"]] = [(v.device, v.channel, v.ts_us, v.value) for v in decoded.values]
    assert got == EXPECTED
    assert host.losses == []


@given(st.sampled_from(sorted(BITS)), st.data())
def test_integers_come_back(datatype: int, data: st.DataObject) -> None:
    bits = BITS[datatype]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if datatype <= 4 else (0, (1 << bits) - 1)
    value = data.draw(st.integers(low, high))
    [got] = birth(metric("x", value, datatype)).values
    assert got.value == float(value)
    assert got.ts_us == SENT_MS * 1000


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_come_back(value: float) -> None:
    [got] = birth(metric("x", value, DataType.DOUBLE)).values
    assert math.copysign(1, got.value) == math.copysign(1, value)
    assert got.value == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_floats_come_back(value: float) -> None:
    [got] = birth(metric("x", value, DataType.FLOAT)).values
    assert got.value == value == as_float32(value)


@pytest.mark.parametrize(
    ("datatype", "field", "raw", "value"),
    [
        pytest.param(1, "int_value", 0xFB, -5, id="int8-own-bits"),
        pytest.param(1, "int_value", 0xFFFFFFFB, -5, id="int8-extended"),
        pytest.param(1, "long_value", 0xFFFFFFFFFFFFFFFB, -5, id="int8-in-long"),
        pytest.param(3, "long_value", 0xFFFFFFFB, -5, id="int32-in-long"),
        pytest.param(4, "int_value", 7, 7, id="int64-in-int"),
        pytest.param(7, "long_value", 4_000_000_000, 4_000_000_000, id="uint32-in-long"),
        pytest.param(10, "float_value", 0.5, 0.5, id="double-in-float"),
        pytest.param(5, "int_value", 256, None, id="uint8-too-big"),
        pytest.param(1, "int_value", 0xFFFFFF7F, None, id="int8-too-small"),
        pytest.param(5, "int_value", 0xFFFFFFFB, None, id="uint8-negative"),
        pytest.param(3, "double_value", 1.0, None, id="int32-in-double"),
        pytest.param(10, "int_value", 1, None, id="double-in-int"),
        pytest.param(10, "string_value", "1", None, id="double-in-text"),
    ],
)
def test_fields_of_the_value(datatype: int, field: str, raw: Any, value: float | None) -> None:
    decoded = birth(metric("x", datatype=datatype, **{field: raw}), metric("ok", 1.0))
    expected = [] if value is None else [("gw", "x", float(value))]
    assert read(decoded) == [*expected, ("gw", "ok", 1.0)]
    assert codes(decoded) == ([] if expected else ["datatype"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("datatype", [DataType.FLOAT, DataType.DOUBLE])
def test_not_finite(value: float, datatype: int) -> None:
    decoded = birth(metric("x", value, datatype), metric("ok", 1.0))
    assert (codes(decoded), len(decoded.values)) == (["not_finite"], 1)


def test_what_is_no_reading_is_left_without_a_word() -> None:
    decoded = birth(
        metric("on", True, DataType.BOOLEAN),
        metric("state", "running", DataType.STRING),
        metric("since", datatype=DataType.DATETIME, long_value=SENT_MS),
        metric("set", datatype=16, dataset_value=b"\xff" * 9),
        metric("kind", datatype=19, template_value=b"\xff" * 9),
        metric("list", datatype=22, bytes_value=b"123"),
        metric("gone", is_null=True),
        metric("passing", 1.0, is_transient=True),
        metric("Node Control/Scan Rate", 1000, DataType.INT64),
        metric("Device Control/Setpoint", 5.0),
        metric("bdSeq", 3, DataType.INT64),
    )
    assert decoded.values == decoded.problems == decoded.replies == []


def test_time_of_the_metric_else_of_the_payload() -> None:
    decoded = birth(metric("own", 1.0, timestamp=SENT_MS - 5000), metric("shared", 2.0))
    assert [v.ts_us for v in decoded.values] == [(SENT_MS - 5000) * 1000, SENT_MS * 1000]
    assert codes(birth(metric("x", 1.0), timestamp=None)) == ["no_time"]


@pytest.mark.parametrize("ms", [0, 946_684_799_999, 253_402_300_800_000, 2**64 - 1])
def test_times_out_of_range(ms: int) -> None:
    decoded = birth(metric("x", 1.0, timestamp=ms), metric("ok", 1.0))
    assert (codes(decoded), len(decoded.values)) == (["time_range"], 1)
    assert codes(birth(metric("x", 1.0, timestamp=946_684_800_000))) == []


def test_old_values_are_welcome() -> None:
    talk = Talk()
    talk.born()
    old = metric(value=90.0, alias=1, timestamp=SENT_MS - 86_400_000, is_historical=True)
    [got] = talk.say("DDATA", payload(2, old), "em1").values
    assert (got.value, got.ts_us) == (90.0, (SENT_MS - 86_400_000) * 1000)


def test_birth_faults_cost_their_metric_only() -> None:
    decoded = birth(
        metric("a", 1.0, alias=1),
        metric("b", 2.0, alias=1),  # their names are good, their alias is none
        metric("a", 3.0),
        metric(value=4.0, alias=9),
        metric("no\0", 5.0),
        metric("x" * 1001, 6.0),
        metric("code", datatype=0, alias=3, double_value=7.0),
        metric("code2", datatype=35, double_value=1.0),
        metric("empty"),
    )
    assert read(decoded) == [("gw", "a", 1.0), ("gw", "b", 2.0)]
    assert sorted(codes(decoded)) == sorted(["metric"] * 6 + ["datatype"] * 2 + ["not_a_number"])


def test_name_that_is_not_utf8() -> None:
    raw = payload(0, metric("xy", 1.0)).replace(b"xy", b"\xff\xfe")
    assert codes(Talk().say("NBIRTH", raw)) == ["metric"]
    talk = Talk()
    talk.born()
    raw = payload(2, metric("xy", 1.0)).replace(b"xy", b"\xff\xfe")
    assert codes(talk.say("DDATA", raw, "em1")) == ["no_birth"]


def test_ambiguous_alias_decodes_nothing() -> None:
    talk = Talk()
    talk.node_birth()
    talk.device_birth(1, metric("a", 1.0, alias=1), metric("b", 2.0, alias=1))
    assert codes(talk.energy(2)) == ["no_birth"]
    assert read(talk.say("DDATA", payload(3, metric("b", 2.5)), "em1")) == [("gw/em1", "b", 2.5)]


def with_property(made: Any, key: str, **value: Any) -> Any:
    made.properties.keys.append(key)
    made.properties.values.add(**value)
    return made


@pytest.mark.parametrize(
    ("key", "text", "unit"),
    [
        ("engUnit", "kWh", "kWh"),
        ("Engineering Unit", "MW", "MW"),
        ("Engineering Units", "m3/h", "m3/h"),
        ("engUnit", "°C", None),
        ("engUnit", "kilowatt", None),
        ("note", "kWh", None),
    ],
)
def test_unit_of_the_birth_if_the_catalogue_knows_it(key: str, text: str, unit: str | None) -> None:
    talk = Talk()
    talk.node_birth()
    made = with_property(metric("energy", 1.0, alias=1), key, string_value=text)
    assert [v.unit for v in talk.device_birth(1, made).values] == [unit]
    assert [v.unit for v in talk.energy(2).values] == [unit]


@pytest.mark.parametrize(("quality", "code"), [(192, []), (0, ["quality"]), (500, ["quality"])])
def test_bad_and_stale_values_are_refused(quality: int, code: list[str]) -> None:
    made = with_property(metric("x", 1.0), "Quality", type=3, int_value=quality)
    assert codes(birth(made)) == code


def test_other_data_type_than_in_the_birth() -> None:
    talk = Talk()
    talk.born()
    told = metric(value=3, datatype=DataType.INT32, alias=1)
    assert codes(talk.say("DDATA", payload(2, told), "em1")) == ["datatype"]
    told = metric("energy", 3.0, DataType.FLOAT)
    assert codes(talk.say("DDATA", payload(3, told), "em1")) == ["datatype"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"\xff" * 12, "protobuf", id="noise"),
        pytest.param(payload(0, metric("x", 1.0))[:-3], "protobuf", id="cut"),
        pytest.param(b'{"ts": 1}', "protobuf", id="json"),
        pytest.param(
            bytes(Payload(uuid="SPBV1.0_COMPRESSED", body=b"x").SerializeToString()),
            "protobuf",
            id="compressed",
        ),
        pytest.param(b"\x12\x00" * (MAX_METRICS + 1), "items", id="too-many"),
    ],
)
def test_payloads_that_are_none(raw: bytes, code: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(raw)
    assert caught.value.code == code


def test_deep_nesting_is_not_even_read() -> None:
    inner = b""
    for _ in range(3000):  # template in metric in template
        for tag in (b"\x12", b"\x92\x01"):
            inner = tag + varint(len(inner)) + inner
    raw = b"\x0a\x01x\x20\x13\x92\x01" + varint(len(inner)) + inner
    decoded = Talk().say("NBIRTH", b"\x12" + varint(len(raw)) + raw)
    assert decoded.values == decoded.problems == []


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0",
        "spBv1.0/g",
        "spBv1.0/g/NDATA",
        "spBv1.0/g/NDATA/gw/em1",
        "spBv1.0/g/DDATA/gw",
        "spBv1.0/g/DDATA/gw/em1/x",
        "spBv1.0/g/NOISE/gw",
        "spBv1.0//NDATA/gw",
        "spBv1.0/g/NDATA/",
        "spAv1.0/g/NDATA/gw",
        "spBv1.0/g/NDATA/g\0w",
        "spBv1.0/g/NDATA/\ud800",
        "spBv1.0/g/NDATA/" + "x" * 201,
    ],
)
def test_topics_that_are_none(topic: str) -> None:
    with pytest.raises(PayloadError) as caught:
        SparkplugHost().decode(Incoming(topic, payload(0), ARRIVED), Options())
    assert caught.value.code == "topic"
