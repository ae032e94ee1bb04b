"""Lines of files to readings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.rows import Parsed, instant, parser
from gateway.sources import CsvSource, DltSource
from models.errors import PayloadError
from tests.unit.gateway.test_config import CSV, DLT
from tests.unit.gateway.test_dlt645 import ENERGY

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = 1772323200000  # 2026-03-01T00:00Z, 08:00 in Shanghai


def csv(line: str, titles: str = "time,m3", **more: Any) -> Parsed:
    source = CsvSource.model_validate({**CSV, "timezone": "Asia/Shanghai", **more})
    return parser(source, titles)(line)


def dlt(line: str, **more: Any) -> Parsed:
    return parser(DltSource.model_validate({**DLT, **more}), "")(line)


def test_row() -> None:
    got = csv("2026-03-01 08:00:00, 12.5")
    assert got.reading == ("a-water", EIGHT, {"intake_m3": 12.5})
    assert got.faults == ()


@pytest.mark.parametrize(
    ("line", "titles", "more"),
    [
        pytest.param("12,5;01.03.2026 08:00", "m3;time", {
            "delimiter": ";", "decimal": ",", "time_format": "%d.%m.%Y %H:%M"}, id="german"),
        pytest.param("2026-03-01T00:00:00Z,x,12.50", "time,other,m3", {
            "timezone": None}, id="zone"),
        pytest.param("1772323200,12.5", "", {
            "header": False, "time_column": "1", "channels": {"2": "intake_m3"},
            "time_format": "epoch_s"}, id="no-header"),
        pytest.param('"1772323200000","1.25e1"', "time,m3", {
            "time_format": "epoch_ms"}, id="quoted"),
        pytest.param("2026/03/01 08:00,12.5", "时间,用水量", {
            "time_column": "时间", "channels": {"用水量": "intake_m3"},
            "time_format": "%Y/%m/%d %H:%M"}, id="chinese"),
    ],
)  # fmt: skip
def test_other_forms(line: str, titles: str, more: dict[str, Any]) -> None:
    assert csv(line, titles, **more).reading == ("a-water", EIGHT, {"intake_m3": 12.5})


def test_several_meters_in_one_file() -> None:
    more = {"meter": None, "meter_column": "id", "meters": {"W1": "a-water", "W2": "b-water"}}
    got = csv("2026-03-01 08:00:00,W2,3", "time,id,m3", **more)
    assert got.reading == ("b-water", EIGHT, {"intake_m3": 3.0})
    assert csv("2026-03-01 08:00:00,W3,3", "time,id,m3", **more).faults[0].startswith("meter:")
    other = csv("2026-03-01 08:00:00,W3,3", "time,id,m3", **more, unlisted="skip")
    assert other == (None, ())


def test_an_empty_cell_is_absent_and_no_fault() -> None:
    channels = {"m3": "intake_m3", "bar": "pressure"}
    got = csv("2026-03-01 08:00:00,--,3", "time,m3,bar", channels=channels)
    assert got == (("a-water", EIGHT, {"pressure": 3.0}), ())
    assert csv("2026-03-01 08:00:00,,", "time,m3,bar", channels=channels) == (None, ())


def test_a_bad_value_costs_only_itself() -> None:
    channels = {"m3": "intake_m3", "bar": "pressure"}
    got = csv("2026-03-01 08:00:00,1O,3", "time,m3,bar", channels=channels)
    assert got.reading == ("a-water", EIGHT, {"pressure": 3.0})
    assert got.faults == ("not_a_number: m3: got '1O', expected a number with decimal '.'",)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("2026-03-01 08:00:00", "cells", id="short"),
        pytest.param("yesterday,1", "time_format", id="no-time"),
        pytest.param("1970-01-01 00:00:12,1", "time_range", id="reset-clock"),
        pytest.param("2026-03-01 08:00:00,nan", "not_a_number", id="nan"),
        pytest.param("2026-03-01 08:00:00,1e999", "not_finite", id="infinite"),
        pytest.param("2026-03-01 08:00:00,1_000", "not_a_number", id="underscore"),
        pytest.param("2026-03-01 08:00:00,١٢", "not_a_number", id="other-digits"),
        pytest.param("2026-03-01 08:00:00,1\0", "not_a_number", id="zero-byte"),
    ],
)
def test_bad_rows(line: str, code: str) -> None:
    got = csv(line)
    assert got.reading is None
    assert [f.partition(":")[0] for f in got.faults] == [code]


def test_a_time_needs_a_zone_and_must_exist_once() -> None:
    with pytest.raises(PayloadError, match="an offset, or timezone in"):
        instant("2026-03-01 08:00:00", "iso", None)
    berlin = ZoneInfo("Europe/Berlin")
    for wall in ("2026-10-25 02:30:00", "2026-03-29 02:30:00"):  # twice, never
        with pytest.raises(PayloadError) as caught:
            instant(wall, "iso", berlin)
        assert caught.value.code == "local_time"
    assert instant("2026-10-25 02:30:00+01:00", "iso", berlin) == datetime(
        2026, 10, 25, 1, 30, tzinfo=UTC
    )
    assert instant("2026-03-01 08:00:00", "iso", SHANGHAI) == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_header_without_the_columns_is_refused() -> None:
    with pytest.raises(PayloadError, match="m3 among them"):
        csv("", "time,volume")


@pytest.mark.parametrize("gap", [" ", "\t", ",", "; "])
def test_dlt_line(gap: str) -> None:
    got = dlt(f"2026-03-01T08:00:00+08:00{gap}{ENERGY}")
    assert got == (("a-grid", EIGHT, {"import_kwh": 123456.78}), ())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(ENERGY, "line", id="no-time"),
        pytest.param("2026-03-01T08:00:00 " + ENERGY, "no_zone", id="no-zone"),
        pytest.param("2026-03-01T08:00:00Z " + ENERGY[:-2] + "17", "frame", id="bad-end"),
        pytest.param("2026-13-01T08:00:00Z " + ENERGY, "time_format", id="month-13"),
    ],
)
def test_bad_dlt_lines(line: str, code: str) -> None:
    got = dlt(line)
    assert got.reading is None
    assert [f.partition(":")[0] for f in got.faults] == [code]


def test_dlt_of_an_unlisted_meter_and_of_an_unlisted_value() -> None:
    line = f"2026-03-01T08:00:00Z {ENERGY}"
    assert dlt(line, meters={"000000000001": "x"}).faults[0].startswith("meter: address")
    assert dlt(line, meters={"000000000001": "x"}, unlisted="skip") == (None, ())
    assert dlt(line, channels={"active_power": "power_kw"}) == (None, ())
