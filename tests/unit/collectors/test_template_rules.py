"""What a device template may say, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from collectors.formats import template
from collectors.formats.base import Incoming, Options
from collectors.formats.template_model import read_templates
from models.errors import ConfigError, PayloadError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = {
    "name": "test-meter",
    "title": {"zh": "表", "en": "meter"},
    "source": "made for this test",
    "time": [{"form": "arrival"}],
    "rules": [
        {
            "topics": ["{device}"],
            "values": [
                {
                    "path": "kwh",
                    "channel": "energy",
                    "quantity": "active_energy",
                    "unit": "kWh",
                    "kind": "register",
                }
            ],
        }
    ],
}


def made(**changes: Any) -> template.Template:
    text = yaml.safe_dump(PLAIN | changes, allow_unicode=True)
    return read_templates({"test-meter.yaml": text})["test-meter"]


def rule(**changes: Any) -> list[dict[str, Any]]:
    return [PLAIN["rules"][0] | changes]  # type: ignore[index]


def decode(found: template.Template, body: Any, topic: str = "m1", **options: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return template.decode(found, Incoming(topic, data, NOW), Options(**options))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"name": "Other"}, "name: String should match", id="name"),
        pytest.param({"name": "other"}, "is not the name of the file", id="file"),
        pytest.param({"surplus": 1}, "surplus: Extra inputs", id="unknown-key"),
        pytest.param({"encoding": "gbkk"}, "unknown text encoding 'gbkk'", id="encoding"),
        pytest.param({"encoding": "hex"}, "unknown text encoding 'hex'", id="no-text-encoding"),
        pytest.param({"time": []}, "rules.0: neither the rule nor the template", id="no-time"),
        pytest.param({"time": [{"form": "epoch_s"}]}, "time.0: ", id="time-without-path"),
        pytest.param(
            {"time": [{"form": "local", "path": "t", "format": "%Y%m%d%Q"}]},
            "%Q in '%Y%m%d%Q'",
            id="directive",
        ),
        pytest.param(
            {"time": [{"form": "local", "path": "t", "format": "%H:%M"}]}, "no year", id="no-date"
        ),
        pytest.param(
            {"time": [{"form": "local", "path": "t", "format": "%Y%m%d%Y"}]}, "%Y", id="year-twice"
        ),
        pytest.param(
            {"time": [{"form": "local", "path": "t", "format": "%Y%m%d", "timezone": "CST8"}]},
            "unknown time zone 'CST8'",
            id="zone",
        ),
        pytest.param({"rules": rule(topics=["a/#"])}, "no end of a topic", id="wildcard"),
        pytest.param({"rules": rule(topics=[])}, "rules.0.topics", id="no-topic"),
        pytest.param({"rules": rule(topics=["{a}/{a}"])}, "a name twice", id="name-twice"),
        pytest.param({"rules": rule(rows="x/{Y}")}, "enclose a name", id="bad-name"),
        pytest.param({"rules": rule(rows=5)}, "a path is text", id="path-number"),
        pytest.param({"rules": rule(device="{meter}")}, "nothing gives meter", id="no-such-name"),
        pytest.param({"rules": rule(key="{device}")}, "key and value go with keys", id="key-alone"),
        pytest.param({"rules": rule(values=[])}, "either values, or key", id="nothing"),
        pytest.param({"rules": rule(units={"x": "kWH"})}, "['kWH'] are not", id="units"),
    ],
)
def test_a_wrong_template_is_refused_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match="device templates") as caught:
        made(**changes)
    assert said in str(caught.value)
    assert caught.value.faults[0].startswith("test-meter.yaml: ")


@pytest.mark.parametrize(
    ("quantity", "unit", "kind", "said"),
    [
        ("active_power", "kWh", "gauge", "'kWh' does not measure active_power"),
        ("power", "kW", "gauge", "unknown quantity 'power'"),
        ("active_power", "kW", "register", "kind of active_power is 'register'"),
        ("active_power", "kW", None, "kind of active_power is None"),
        (None, "kW", "gauge", "unknown quantity None"),
    ],
)
def test_a_value_is_checked_against_the_catalogue(
    quantity: str | None, unit: str, kind: str | None, said: str
) -> None:
    value = {"path": "p", "channel": "c", "quantity": quantity, "unit": unit, "kind": kind}
    with pytest.raises(ConfigError) as caught:
        made(rules=rule(values=[value]))
    assert said in str(caught.value)
    assert "rules.0.values.0" in str(caught.value)


def test_all_faults_of_all_files_are_told_at_once() -> None:
    broken = yaml.safe_dump(PLAIN | {"surplus": 1, "encoding": "x"})
    with pytest.raises(ConfigError) as caught:
        read_templates({"a.yaml": broken, "b.yaml": "a: [", "c.yaml": "5"})
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["a.yaml"] * 2 + [
        "b.yaml",
        "c.yaml",
    ]


def test_templates_are_read_once() -> None:
    assert template.load_templates() is template.load_templates()


def test_a_list_of_payloads_is_as_good_as_one() -> None:
    out = decode(made(), [{"kwh": 1}, {"kwh": "x"}, {"kwh": 2}])
    assert [v.value for v in out.values] == [1, 2]
    assert [p.code for p in out.problems] == ["not_a_number"]


def test_factor_scales_and_may_not_overflow() -> None:
    value = PLAIN["rules"][0]["values"][0] | {"factor": 100.0}  # type: ignore[index]
    found = made(rules=rule(values=[value]))
    assert decode(found, {"kwh": 2.5}).values[0].value == 250
    assert [p.code for p in decode(found, {"kwh": 1e308}).problems] == ["not_finite"]


@pytest.mark.parametrize("bad", [True, None, "1", "", "--", "NaN"])
def test_what_is_no_number_costs_only_its_value(bad: object) -> None:
    values = [dict(PLAIN["rules"][0]["values"][0], path=p) for p in ("kwh", "more")]  # type: ignore[index]
    out = decode(made(rules=rule(values=values)), {"kwh": bad, "more": 7})
    assert [v.value for v in out.values] == [7]
    assert [p.code for p in out.problems] == ["not_a_number"]


@pytest.mark.parametrize(
    ("text", "value"), [("12.3", 12.3), (" 12 ", 12), ("-1.5e3", -1500), (".5", 0.5), ("7.", 7)]
)
def test_numbers_as_text_only_where_the_template_says_so(text: str, value: float) -> None:
    assert decode(made(numbers_as_text=True), {"kwh": text}).values[0].value == value
    assert decode(made(), {"kwh": text}).values == []


@pytest.mark.parametrize("text", ["--", "", "NaN", "inf", "1,5", "0x10", "1_0", "１２", "12 kWh"])
def test_other_texts_are_no_numbers(text: str) -> None:
    out = decode(made(numbers_as_text=True), {"kwh": text})
    assert [p.code for p in out.problems] == ["not_a_number"]


def test_integers_beyond_doubles() -> None:
    assert decode(made(), b'{"kwh": 9007199254740993}').values[0].value == 9007199254740992.0
    assert [p.code for p in decode(made(), b'{"kwh": 1%s}' % (b"0" * 400)).problems] == [
        "not_finite"
    ]


def test_passed_over_only_what_the_template_calls_no_value() -> None:
    found = made(no_value=[None, "--"])
    for none in (None, "--"):
        out = decode(found, {"kwh": none})
        assert (out.values, out.problems) == ([], [])
    assert [p.code for p in decode(found, {"kwh": ""}).problems] == ["not_a_number"]


def test_the_zone_of_the_source_goes_before_that_of_the_template() -> None:
    time = {"form": "local", "path": "t", "format": "%Y%m%d%H%M%S", "timezone": "Asia/Shanghai"}
    found = made(time=[time])
    body = {"t": "20260301080000", "kwh": 1}
    at_us = decode(found, body).values[0].ts_us
    assert at_us == 1772323200_000_000
    assert decode(found, body, timezone=ZoneInfo("UTC")).values[0].ts_us == at_us + 8 * 3600 * 10**6


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026030108000", "time_format"),  # a digit short; strptime would read 08:00:00
        ("20260230080000", "time_format"),
        ("19700101080000", "time_range"),
        ("２0260301080000", "time_format"),
        (True, "time_format"),
        (None, "time_format"),
        (1.5, "time_format"),
    ],
)
def test_local_times_that_are_none(value: object, code: str) -> None:
    time = {"form": "local", "path": "t", "format": "%Y%m%d%H%M%S", "timezone": "Asia/Shanghai"}
    assert [p.code for p in decode(made(time=[time]), {"t": value, "kwh": 1}).problems] == [code]


@pytest.mark.parametrize(
    ("form", "value", "code"),
    [
        ("epoch_s", 1772323200000, "time_range"),  # milliseconds
        ("epoch_ms", 1772323200, "time_range"),  # seconds
        ("epoch_s", 0, "time_range"),
        ("epoch_s", -5, "time_range"),
        ("epoch_ms", 1.5, "time_format"),
        ("epoch_ms", "now", "time_format"),
        ("epoch_s", True, "time_format"),
        ("epoch_s", 10**300, "time_range"),
        ("rfc3339", "2026-03-01T08:00:00", "no_zone"),
        ("rfc3339", 1772323200, "time_format"),
    ],
)
def test_stamps_that_are_none(form: str, value: object, code: str) -> None:
    found = made(time=[{"form": form, "path": "t"}, {"form": "arrival"}])
    out = decode(found, {"t": value, "kwh": 1})
    assert (out.values, [p.code for p in out.problems]) == ([], [code])


def test_a_stamp_of_null_is_no_stamp() -> None:
    found = made(time=[{"form": "epoch_s", "path": "t"}, {"form": "arrival"}])
    assert decode(found, {"t": None, "kwh": 1}).values[0].ts_us == 1772323200_000_000


def test_an_hour_that_comes_twice_is_refused() -> None:
    time = {"form": "local", "path": "t", "format": "%Y%m%d%H%M", "timezone": "Europe/Rome"}
    found = made(time=[time])
    assert [p.code for p in decode(found, {"t": "202310290230", "kwh": 1}).problems] == [
        "local_time"
    ]
    assert decode(found, {"t": "202310290330", "kwh": 1}).values[0].ts_us == 1698546600_000_000


def test_keys_with_slash_colon_blank_and_chinese() -> None:
    values = [
        dict(PLAIN["rules"][0]["values"][0], path=path, channel=str(n))  # type: ignore[index]
        for n, path in enumerate(["a~1b/c", "em1:0", "电 量.总", "~0t", "list/1"])
    ]
    body = {"a/b": {"c": 1}, "em1:0": 2, "电 量.总": 3, "~t": 4, "list": [9, 5]}
    assert [v.value for v in decode(made(rules=rule(values=values)), body).values] == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_names_within_keys_and_levels() -> None:
    value = dict(PLAIN["rules"][0]["values"][0], path="{x}/a.{y}", channel="{x}-{y}")  # type: ignore[index]
    out = decode(made(rules=rule(values=[value])), {"p": {"a.1": 1, "aX2": 2}, "q": {"a.3": 3}})
    assert [(v.channel, v.value) for v in out.values] == [("p-1", 1), ("q-3", 3)]


def test_names_of_the_row_go_before_those_of_the_topic() -> None:
    found = made(rules=rule(names={"device": "sn"}))
    assert decode(found, {"sn": 7, "kwh": 1}).values[0].device == "7"
    found = made(rules=rule(rows="{device}"))
    assert decode(found, {"inner": {"kwh": 1}}).values[0].device == "inner"


def test_words_of_a_condition_have_their_type() -> None:
    found = made(rules=rule(good={"ok": [True]}))
    assert [p.code for p in decode(found, {"ok": 1, "kwh": 1}).problems] == ["quality"]
    assert decode(found, {"ok": True, "kwh": 1}).values[0].value == 1


def test_a_pattern_begins_where_a_level_begins() -> None:
    found = made(ignore=["state"])
    assert decode(found, {"kwh": 1}, "mystate").values[0].device == "mystate"
    assert decode(found, {"kwh": 1}, "site/state").values == []


def test_the_most_precise_topic_decides() -> None:
    found = made(ignore=["{device}/state"])
    assert decode(found, {"kwh": 1}, "site/m1").values[0].device == "m1"
    out = decode(found, b"not JSON", "site/m1/state")
    assert (out.values, out.problems) == ([], [])


@pytest.mark.parametrize("topic", ["", "/", "a/"])
def test_a_topic_without_a_last_level_is_refused(topic: str) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(made(), {"kwh": 1}, topic)
    assert caught.value.code == "template"


def test_a_payload_of_another_device_type_is_refused() -> None:
    for body in ({"other": 1}, {}, [], 5, {"kwh": {"a": 1}}):
        with pytest.raises(PayloadError) as caught:
            decode(made(), body)
        assert caught.value.code == "template"


def test_as_many_items_as_allowed_and_no_more() -> None:
    assert len(decode(made(), [{"kwh": 1}] * 1000).values) == 1000
    for body in ([{"kwh": 1}] * 1001, [{"kwh": "x"}] * 1001):
        with pytest.raises(PayloadError) as caught:
            decode(made(), body)
        assert caught.value.code == "items"


def test_as_many_values_as_allowed_and_no_more() -> None:
    value = dict(PLAIN["rules"][0]["values"][0], path="{n}", channel="c{n}")  # type: ignore[index]
    found = made(rules=rule(values=[value]))
    assert len(decode(found, {str(n): n for n in range(10_000)}).values) == 10_000
    with pytest.raises(PayloadError) as caught:
        decode(found, {str(n): n for n in range(10_001)})
    assert caught.value.code == "items"


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (b"\xef\xbb\xbf" + b'{"kwh": 1}', None),
        ('{"kwh": 1, "名": "表"}'.encode("gbk"), "gbk"),
        ('{"kwh": 1}'.encode("utf-16"), "utf-16"),
        (b'{"kwh": 1}', "UTF-8"),
    ],
)
def test_encodings(payload: bytes, encoding: str | None) -> None:
    assert decode(made(), payload, encoding=encoding).values[0].value == 1


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        ('{"kwh": 1, "名": "表"}'.encode("gbk"), None),
        (b'{"kwh": 1}', "no-such-encoding"),
        (b"\xff\xfe{", "gbk"),
        (b"[" * 100_000, None),
        (b'{"kwh": NaN}', None),
        (b"", None),
    ],
)
def test_what_is_no_json_in_this_encoding(payload: bytes, encoding: str | None) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(made(), payload, encoding=encoding)
    assert caught.value.code == "json"
