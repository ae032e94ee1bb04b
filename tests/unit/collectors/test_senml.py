"""SenML beyond the payload files: names, units, base fields, times, faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.formats import senml
from collectors.formats.base import Decoded, Incoming, Options, to_us
from models.errors import PayloadError
from models.quantities import QUANTITIES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
T = 1772323200
BASE_UNIT = "bu"  # codespell:ignore
URN = "urn:dev:ow:10e2073a01080063"


def decode(pack: Any, *, fresh: bool = True, topic: str = "park/p/acme/s1") -> Decoded:
    data = pack if isinstance(pack, bytes) else json.dumps(pack).encode()
    return senml.decode(Incoming(topic, data, NOW, fresh), Options())


def codes(out: Decoded) -> list[str]:
    return [problem.code for problem in out.problems]


def one(**fields: Any) -> Any:
    out = decode([{"n": "m/x", "t": T, **fields}])
    assert out.problems == []
    return out.values[0] if out.values else None


@pytest.mark.parametrize(
    ("name", "device", "channel"),
    [
        (f"{URN}:voltage", URN, "voltage"),
        (f"{URN}_voltage", URN, "voltage"),  # RFC 9039
        (f"{URN}/3303/0/5700", URN, "3303/0/5700"),
        (f"{URN}:em1:power", URN, "em1:power"),
        (URN, URN, "value"),
        (f"{URN}:", URN, "value"),
        ("urn:dev:org:32473-foo", "urn:dev:org:32473-foo", "value"),
        ("2001:db8::2/temperature", "2001:db8::2", "temperature"),
        ("site/m1/power", "site/m1", "power"),
        ("m1:power", "m1", "power"),
        ("m1/", "m1", "value"),
        ("power", "s1", "power"),
        ("/power", "s1", "/power"),
        ("电表:电量", "电表", "电量"),
    ],
)
def test_names_split_into_device_and_channel(name: str, device: str, channel: str) -> None:
    assert senml.split_name(name, "park/p/acme/s1") == (device, channel)


@pytest.mark.parametrize("name", ["", "/", "::"])
def test_without_a_name_there_is_no_reading(name: str) -> None:
    assert codes(decode([{"n": name, "v": 1}, {"v": 1, "t": T}])) == ["schema"] * 2


@pytest.mark.parametrize(
    ("unit", "value", "spelled"),
    [
        ("W", 5, "W"),
        ("kW", 5, "kW"),
        ("VA", 5, "VA"),
        ("kVA", 5, "kVA"),
        ("var", 5, "var"),
        ("kvar", 5, "kvar"),
        ("Wh", 5, "Wh"),
        ("kWh", 5, "kWh"),
        ("varh", 5, "varh"),
        ("kvarh", 5, "kvarh"),
        ("V", 5, "V"),
        ("mV", 5, "mV"),
        ("A", 5, "A"),
        ("mA", 5, "mA"),
        ("Hz", 5, "Hz"),
        ("Cel", 5, "degC"),
        ("Pa", 5, "Pa"),
        ("hPa", 0.5, "kPa"),
        ("m3", 5, "m3"),
        ("l", 5, "L"),
        ("m3/s", 5, "m3/s"),
        ("m3/h", 5, "m3/h"),
        ("l/s", 5, "L/s"),
        ("kg", 5, "kg"),
        ("g", 0.005, "kg"),
        ("%RH", 5, "percent"),
        ("/100", 5, "percent"),
        ("/", 5, "ratio"),
        ("%", 5, "ratio"),  # not a percentage: RFC 8428, 12.1, note 2
    ],
)
def test_units_become_those_of_the_catalogue(unit: str, value: float, spelled: str) -> None:
    found = one(u=unit, v=5)
    assert (found.value, found.unit) == (value, spelled)
    assert any(spelled in quantity.accepted for quantity in QUANTITIES.values())


@pytest.mark.parametrize("unit", ["J", "C", "lon", "beat/min", "kelvin"])
def test_units_that_measure_nothing_of_ours_are_handed_on(unit: str) -> None:
    assert one(u=unit, v=5).unit == unit
    assert not any(unit in quantity.accepted for quantity in QUANTITIES.values())


def test_no_unit_leaves_that_of_the_channel() -> None:
    assert one(v=5).unit is None


@pytest.mark.parametrize(
    ("unit", "total", "spelled"),
    [
        ("W", 1, "Wh"),
        ("kW", 1, "kWh"),
        ("var", 1, "varh"),
        ("m3/h", 1, "m3"),
        ("m3/s", 3600, "m3"),
        ("l/s", 3600, "L"),
        ("A", 3600, "A.s"),
        (None, 3600, None),
    ],
)
def test_a_sum_is_the_value_times_seconds(unit: str | None, total: float, spelled: str) -> None:
    fields = {"u": unit} if unit else {}
    found = one(s=3600, **fields)
    assert (found.value, found.unit) == (total, spelled)
    assert one(s=3600, v=7, **fields).value == 7, "beside a value the sum is passed over"


def test_base_values_and_sums_add_up_and_stand_alone() -> None:
    base = {"bn": "m/", "bt": T, "bv": 100}
    records = [{**base, "n": "a", "v": 1}, {"n": "b"}, {"n": "c", "bv": 0}, {"bs": 5, "bn": "k/"}]
    records += [{"n": "d", "s": 2}, {"n": "e", "vs": "text"}]
    out = decode(records)
    assert [(v[0], v[1], v[3]) for v in out.values] == [
        ("m", "a", 101),
        ("m", "b", 100),
        ("m", "c", 0),
        ("k", "d", 7),
    ]
    assert out.problems == []


def test_base_fields_hold_until_they_change() -> None:
    out = decode(
        [
            {"bn": "a/", "bt": T, BASE_UNIT: "V", "n": "x", "v": 1},
            {"bn": "b/", "n": "x", "v": 2},
            {"bt": T + 10, BASE_UNIT: "A", "n": "x", "v": 3},
            {"n": "x", "u": "W", "v": 4, "t": 5},
        ]
    )
    assert [(v[0], v[2] // 10**6 - T, v[5]) for v in out.values] == [
        ("a", 0, "V"),
        ("b", 0, "V"),
        ("b", 10, "A"),
        ("b", 15, "W"),
    ]


@pytest.mark.parametrize(
    ("at", "after_us"),
    [
        ({}, 0),
        ({"t": 0}, 0),
        ({"t": -5}, -5_000_000),
        ({"t": -0.25}, -250_000),
        ({"t": 10}, 10_000_000),
        ({"bt": -60, "t": 5.5}, -54_500_000),
    ],
)
def test_small_times_are_relative_to_the_arrival(at: dict[str, float], after_us: int) -> None:
    record = {"n": "m/x", "v": 1, **at}
    assert decode([record]).values[0][2] == to_us(NOW) + after_us
    assert codes(decode([record], fresh=False)) == ["stale_arrival"]


def test_the_border_between_relative_and_absolute() -> None:
    out = decode([{"n": "m/x", "v": 1, "t": 2**28 - 1}])
    assert out.values[0][2] == to_us(NOW) + (2**28 - 1) * 10**6
    assert codes(decode([{"n": "m/x", "v": 1, "t": 2**28}])) == ["time_range"]  # 1978
    assert decode([{"n": "m/x", "v": 1, "t": T}], fresh=False).values[0][2] == T * 10**6


@pytest.mark.parametrize("t", [1e15, 1e308, -1e308, -1e12, -(2**30), 10**400])
def test_absurd_times(t: float) -> None:
    out = decode([{"n": "m/x", "v": 1, "t": t}, {"n": "m/y", "v": 1, "t": T}])
    assert [v[1] for v in out.values] == ["y"]
    assert codes(out)[0] in ("time_range", "not_finite")


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"v": "1"}, "not_a_number"),
        ({"v": True}, "not_a_number"),
        ({"v": None}, "not_a_number"),
        ({"v": 10**400}, "not_finite"),
        ({"v": 1, "t": "now"}, "not_a_number"),
        ({"v": 1, "n": 5}, "schema"),
        ({"v": 1, "u": 5}, "schema"),
    ],
)
def test_a_faulty_record_costs_only_itself(record: dict[str, Any], code: str) -> None:
    out = decode([{"n": "m/x", "t": T, **record}, {"n": "m/y", "t": T, "v": 2}])
    assert [v[1] for v in out.values] == ["y"]
    assert codes(out) == [code]


@pytest.mark.parametrize(
    "pack",
    [
        {"n": "m/x", "v": 1},
        5,
        [5],
        [{"n": "m/x", "v": 1}, {"bver": 11}],
        [{"n": "m/x", "v": 1, "what_": 0}],
        [{"bn": 5, "n": "m/x", "v": 1}],
        [{BASE_UNIT: 5, "n": "m/x", "v": 1}],
    ],
)
def test_packs_that_nobody_may_use(pack: object) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(pack)
    assert caught.value.code == "schema"


def test_unknown_labels_are_ignored() -> None:
    assert one(v=1, vendor="x", ut=60, l="[]").value == 1


@pytest.mark.parametrize("count", [0, 1001])
def test_limits(count: int) -> None:
    with pytest.raises(PayloadError) as caught:
        decode([{"n": "m/x", "v": 1}] * count)
    assert caught.value.code == "items"
    assert len(decode([{"n": "m/x", "v": 1}] * 1000).values) == 1000


def test_base_value_and_value_may_not_overflow() -> None:
    out = decode([{"n": "m/x", "bv": 1.7e308, "v": 1.7e308, "t": T}])
    assert (out.values, codes(out)) == ([], ["not_finite"])
