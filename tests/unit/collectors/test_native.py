"""Native JSON of the public contract: what is accepted, what is refused and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.directory import Directory
from collectors.formats import native
from collectors.formats.base import Decoded, RawValue, epoch_ms_us, rfc3339_us
from collectors.formats.native import MAX_ITEMS
from models.errors import PayloadError
from models.periods import from_us

METER = "m"
GATEWAY = None
TS = "2026-03-01T08:15:00+08:00"
AT = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)


def decode(meter: str | None, payload: bytes) -> Decoded:
    out = Decoded()
    native.decode(meter, payload, out.values, out.problems)
    out.values[:] = [RawValue(*v) for v in out.values]
    return out


def item(**more: Any) -> dict[str, Any]:
    return {"ts": TS, "values": {"import_kwh": 5}, **more}


def read(payload: Any, meter: str | None = METER) -> list[tuple[Any, ...]]:
    """(meter, channel, time, value, correction) of a payload without problems."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    decoded = decode(meter, raw)
    assert decoded.problems == []
    return [(v.device, v.channel, from_us(v.ts_us), v.value, v.correction) for v in decoded.values]


def test_one_object() -> None:
    got = read({"ts": TS, "values": {"import_kwh": 123456.78, "power_kw": 512}})
    assert got == [("m", "import_kwh", AT, 123456.78, False), ("m", "power_kw", AT, 512.0, False)]
    assert all(type(v[3]) is float for v in got)


def test_list_of_objects_and_a_byte_order_mark() -> None:
    payload = b"\xef\xbb\xbf" + json.dumps([item(), item(correction=True, seq=7, q=0)]).encode()
    assert [(v[2], v[4]) for v in read(payload)] == [(AT, False), (AT, True)]
    assert len(read([item()] * MAX_ITEMS)) == MAX_ITEMS


def test_gateway_batch_names_its_meters() -> None:
    got = read([item(m="a-grid"), item(m="b-grid")], GATEWAY)
    assert [v[0] for v in got] == ["a-grid", "b-grid"]
    assert read(item(m="m"))[0][0] == "m"  # may be repeated on the meter's own topic


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T08:15:00+08:00",
        "2026-03-01 08:15:00+08:00",
        "2026-03-01t00:15:00z",
        "2026-03-01T00:15:00.000Z",
        "2026-02-28T18:15:00-06:00",
    ],
)
def test_times(text: str) -> None:
    assert from_us(rfc3339_us(text)) == AT


def test_epoch_milliseconds() -> None:
    assert from_us(epoch_ms_us(1_772_324_100_000)) == AT
    assert from_us(epoch_ms_us(1_772_324_100_250)).microsecond == 250_000


def test_unknown_keys_of_an_item_are_no_fault() -> None:
    assert len(read(item(firmware="1.2", rssi=-70))) == 1


REFUSED_WHOLE = [
    (b"", "json"),
    (b"{", "json"),
    (b"\xff\xfe", "json"),
    (b'{"ts": 1, "values": {}} x', "json"),
    (b'{"ts": "' + b"\xc3\x28" + b'", "values": {"a": 1}}', "json"),
    (b'{"ts": 1, "values": {"a": ' + b"[" * 100_000, "json"),
    (b'{"ts": 1772324100000, "values": {"a": NaN}}', "json"),
    (b'{"ts": 1772324100000, "values": {"a\\ud800": 1}}', "json"),  # a lone surrogate
    (b"[" * 100_000, "schema"),
    (b"5", "schema"),
    (b"null", "schema"),
    (b'"text"', "schema"),
    (b"{}", "schema"),
    (b'{"ts": 1.5, "values": {"a": 1}}', "schema"),
    (b'{"ts": true, "values": {}}', "schema"),
    (json.dumps(item(values=[1])).encode(), "schema"),
    (json.dumps(item(correction="yes")).encode(), "schema"),
    (json.dumps(item(q="good")).encode(), "schema"),
    (json.dumps(item(m=5)).encode(), "schema"),
    (b"[]", "items"),
    (json.dumps([item()] * (MAX_ITEMS + 1)).encode(), "items"),
]


@pytest.mark.parametrize(("payload", "code"), REFUSED_WHOLE)
def test_refused_as_a_whole(payload: bytes, code: str) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(METER, payload)
    assert caught.value.code == code
    assert len(caught.value.got) <= 200


REFUSED_IN_PART = [
    (item(ts="2026-03-01T08:15:00"), "no_zone"),
    (item(ts="2026-03-01"), "no_zone"),
    (item(ts="2026-03-01T08:15:00.000"), "no_zone"),
    (item(ts="01/03/2026 08:15"), "time_format"),
    (item(ts=""), "time_format"),
    (item(ts=1_772_324_100), "time_range"),
    (item(ts=-1), "time_range"),  # seconds
    (item(ts=10**30), "time_range"),
    (item(ts="1970-01-01T00:00:00Z"), "time_range"),
    (item(ts="0001-01-01T00:00:00+08:00"), "time_range"),
    (item(values={"import_kwh": "5"}), "not_a_number"),
    (item(values={"import_kwh": None}), "not_a_number"),
    (item(values={"import_kwh": True}), "not_a_number"),
    (item(values={"import_kwh": {"v": 5}}), "not_a_number"),
    (item(values={"import_kwh": 10**400}), "not_finite"),
    (item(values={}), "empty"),
    (item(q=1), "quality"),
    (item(m="other"), "meter_mismatch"),
]


@pytest.mark.parametrize(("bad", "code"), REFUSED_IN_PART)
def test_a_bad_item_costs_that_item_only(bad: dict[str, Any], code: str) -> None:
    decoded = decode(METER, json.dumps([item(), bad, item()]).encode())
    assert [p.code for p in decoded.problems] == [code]
    assert len(decoded.values) == 2


def test_a_bad_value_costs_that_value_only() -> None:
    decoded = decode(METER, json.dumps(item(values={"a": 1, "b": "x", "c": 3})).encode())
    assert [(p.code, p.field) for p in decoded.problems] == [("not_a_number", "b")]
    assert [v.channel for v in decoded.values] == ["a", "c"]


def test_gateway_item_without_meter() -> None:
    decoded = decode(GATEWAY, json.dumps([item(), item(m="a")]).encode())
    assert [p.code for p in decoded.problems] == ["no_meter"]
    assert len(decoded.values) == 1


@pytest.mark.parametrize(("topic", "meter"), [("park/p/e/m", METER), ("park/p/e", GATEWAY)])
def test_topic(topic: str, meter: str | None) -> None:
    route = Directory([]).route(topic)
    assert (route.park, route.enterprise, route.meter) == ("p", "e", meter)


@pytest.mark.parametrize(
    "topic",
    ["", "park", "park/p", "park//e/m", "park/p/e/", "park/p/e/m/x", "Park/p/e/m", "/park/p/e/m"],
)
def test_topic_of_another_form(topic: str) -> None:
    with pytest.raises(PayloadError) as caught:
        Directory([]).route(topic)
    assert caught.value.code == "topic"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([TS, "2026-03-01T08:15:00", 1_772_324_100_000]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ts", "values", "m", "q", "seq", "correction"]) | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
ALMOST = st.fixed_dictionaries(
    {
        "ts": st.text(max_size=30) | st.integers() | st.datetimes().map(str),
        "values": st.dictionaries(st.text(max_size=5), JSON, max_size=4),
    },
    optional={"m": st.text(max_size=5), "q": st.integers(-1, 1), "correction": st.booleans()},
)


def survives(meter: str | None, payload: bytes) -> None:
    """Nothing but PayloadError comes out, and every value is finite and aware."""
    try:
        decoded = decode(meter, payload)
    except PayloadError:
        return
    for value in decoded.values:
        assert from_us(value.ts_us).year >= 2000
        assert abs(value.value) < float("inf")


@given(st.sampled_from([METER, GATEWAY]), st.binary(max_size=200))
def test_any_bytes(meter: str | None, payload: bytes) -> None:
    survives(meter, payload)


@given(st.sampled_from([METER, GATEWAY]), JSON | ALMOST | st.lists(ALMOST, max_size=5))
def test_any_json(meter: str | None, value: Any) -> None:
    survives(meter, json.dumps(value).encode())
    survives(meter, json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
