"""Numbers and times as files write them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.files.mapping import Time
from collectors.files.numbers import NumberReader
from collectors.files.times import TimeReader, Unreadable
from collectors.formats.base import from_us

PLAIN = NumberReader(".", "", (-99, "故障"))
GERMAN = NumberReader(",", ".", ())
FRENCH = NumberReader(",", " ", ())
ENGLISH = NumberReader(".", ",", ())


@pytest.mark.parametrize(
    ("reader", "cell", "expected"),
    [
        (PLAIN, "3.17", "3.17"),
        (PLAIN, " 4 ", "4"),
        (PLAIN, "+4.5", "4.5"),
        (PLAIN, "007", "7"),
        (PLAIN, ".5", "0.5"),
        (PLAIN, "1e3", "1e3"),
        (PLAIN, 3.0, "3.0"),
        (PLAIN, 12, "12"),
        (PLAIN, 0.1, "0.1"),
        (GERMAN, "1.234,5", "1234.5"),
        (GERMAN, "12,5", "12.5"),
        (GERMAN, "1.234.567", "1234567"),
        (FRENCH, "1\u202f234,5", "1234.5"),
        (FRENCH, "1 234", "1234"),
        (ENGLISH, "1,234,567.25", "1234567.25"),
    ],
)
def test_numbers(reader: NumberReader, cell: Any, expected: str) -> None:
    assert not reader.is_missing(cell)
    assert reader.json(cell) == expected


@pytest.mark.parametrize(
    ("reader", "cell"),
    [
        (PLAIN, "1,5"),  # a decimal comma is not guessed
        (PLAIN, "1,234"),
        (PLAIN, "12 kWh"),
        (PLAIN, "Infinity"),
        (PLAIN, "1_000"),
        (PLAIN, True),
        (PLAIN, float("inf")),
        (GERMAN, "1.5"),  # thousands come in groups of three
        (GERMAN, "1.2345,0"),
        (ENGLISH, "1,23"),
        (ENGLISH, "1.234,5"),
    ],
)
def test_what_is_no_number_is_left_to_the_door(reader: NumberReader, cell: Any) -> None:
    assert not reader.is_missing(cell)
    assert not isinstance(json.loads(reader.json(cell)), int | float) or cell is True
    assert json.loads(reader.json(cell)) == (cell if isinstance(cell, str | bool) else str(cell))


def test_missing_is_not_zero() -> None:
    for cell in ("", "  ", "--", "NaN", "null", "N/A", "-99", "-99.0", -99, -99.0, "故障"):
        assert PLAIN.is_missing(cell), cell
    for cell in (None, float("nan")):
        assert PLAIN.is_missing(cell)
    for cell in ("0", 0, 0.0, "-0", "-98", "99", "x"):
        assert not PLAIN.is_missing(cell), cell


def test_units_are_converted_in_decimals() -> None:
    assert PLAIN.json("0.1", Decimal(1000)) == "100.0"
    assert json.loads(PLAIN.json(0.1234, Decimal(1000))) == 123.4
    assert PLAIN.json("x", Decimal(1000)) == '"x"'


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9)))
def test_german_and_plain_numbers_mean_the_same(number: Decimal) -> None:
    text = f"{number:,.3f}".replace(",", "~").replace(".", ",").replace("~", ".")
    assert json.loads(GERMAN.json(text)) == json.loads(PLAIN.json(f"{number:.3f}"))


def read(cells: Any, zone: str = "Asia/Shanghai", **spec: Any) -> datetime:
    reader = TimeReader(Time(column="t", **spec), ZoneInfo(zone))
    return from_us(reader.read(cells if isinstance(cells, list) else [cells]))


def test_a_logger_that_stamps_the_end_of_an_hour_with_its_start() -> None:
    """The second 02:00 of the long night is read at 03:00 winter time, 02:00Z."""
    at = read("2021-10-31 02:00", ROME, fold="second", shift_s=3600)
    assert at == datetime(2021, 10, 31, 2, tzinfo=UTC)
    # 01:00 of the short night: its end is 03:00 summer time, and no local time is skipped
    at = read("2021-03-28 01:00", ROME, shift_s=3600)
    assert at == datetime(2021, 3, 28, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "cells", "expected"),
    [
        ({}, "2026-03-01 08:15", "2026-03-01T00:15"),
        ({}, "2026-03-01T08:15:00+09:00", "2026-02-28T23:15"),
        ({}, "2026-03-01", "2026-02-28T16:00"),
        ({"timezone": "UTC"}, "2026-03-01 08:15", "2026-03-01T08:15"),
        ({"format": "%d.%m.%Y %H:%M"}, "1.3.2026  8:15", "2026-03-01T00:15"),
        ({"format": "%Y/%m/%d %H:%M"}, "2026/3/1 24:00", "2026-03-01T16:00"),
        ({}, "2026-03-01 24:00:00", "2026-03-01T16:00"),
        ({}, "2026-03-01 08:24:00", "2026-03-01T00:24"),
        ({"format": "%Y年%m月%d日 %H时%M分"}, "2026年3月1日 8时15分", "2026-03-01T00:15"),
        ({"format": "%m/%d/%Y %I:%M %p"}, "03/01/2026 08:15 PM", "2026-03-01T12:15"),
        ({"format": "%Y%m%d%H%M"}, "202603010815", "2026-03-01T00:15"),
        ({"format": "%Y%m%d%H%M"}, 202603010815.0, "2026-03-01T00:15"),  # a number in Excel
        ({"format": "%Y-%m-%d %H:%M"}, ["2026-03-01", "08:15"], "2026-03-01T00:15"),
        ({"format": "epoch_s"}, "1772324100", "2026-03-01T00:15"),
        ({"format": "epoch_ms"}, 1772324100000, "2026-03-01T00:15"),
        ({}, datetime(2026, 3, 1, 8, 15), "2026-03-01T00:15"),  # noqa: DTZ001
        ({}, datetime(2026, 3, 1, 8, 15, tzinfo=UTC), "2026-03-01T08:15"),
        ({}, date(2026, 3, 1), "2026-02-28T16:00"),
        ({}, [date(2026, 3, 1), time(8, 15)], "2026-03-01T00:15"),
    ],
)
def test_times(spec: dict[str, Any], cells: Any, expected: str) -> None:
    assert read(cells, **spec) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "cell", "why"),
    [
        ({}, "yesterday", "not iso: yesterday"),
        ({"format": "%d/%m/%Y %H:%M"}, "31/02/2026 00:15", "not %d/%m/%Y %H:%M: 31/02/2026 00:15"),
        ({"format": "%d/%m/%Y %H:%M"}, "2026-03-01T00:15:00Z", "not %d/%m/%Y"),
        ({"format": "epoch_s"}, "1e300", "not epoch_s"),
        ({}, None, "not iso: None"),
    ],
)
def test_times_that_cannot_be_read(spec: dict[str, Any], cell: Any, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(cell, **spec)


def test_own_date_of_midnight() -> None:
    # Source: the steel data set of the tests: the last quarter-hour of 1 January is 01/01 00:00
    spec = {"stamp": "end", "midnight": "own_date", "format": "%d/%m/%Y %H:%M"}
    assert read("01/01/2018 00:00", "UTC", **spec) == datetime(2018, 1, 2, tzinfo=UTC)
    assert read("01/01/2018 00:15", "UTC", **spec) == datetime(2018, 1, 1, 0, 15, tzinfo=UTC)


ROME = "Europe/Rome"


def hours(texts: list[str], **spec: Any) -> list[str]:
    """UTC hours of local times of the night in which summer time ended, 2021-10-31 01:00 UTC."""
    reader, out = TimeReader(Time(column="t", **spec), ZoneInfo(ROME)), []
    for text in texts:
        try:
            out.append(f"{from_us(reader.read([f'2021-10-31 {text}'], 's')):%H:%M}")
        except Unreadable as exc:
            out.append(str(exc).split(":")[0])
    return out


def test_an_hour_that_is_there_twice() -> None:
    night = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    true = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]
    refused = "twice in Europe/Rome"
    assert hours(night, fold="order") == true
    assert hours(night[::-1], fold="order") == true[::-1]
    assert hours(night) == ["23:30", refused, refused, refused, refused, "02:00"]
    assert hours(["02:00", "02:30"], fold="first") == ["00:00", "00:30"]
    assert hours(["02:00", "02:30"], fold="second") == ["01:00", "01:30"]
    assert hours(["01:00", "02:00", "02:00", "02:00", "03:00"], fold="order") == [
        "23:00",
        "00:00",
        "01:00",
        "more than twice in Europe/Rome",
        "02:00",
    ]
    assert hours(["02:00"], fold="order") == ["twice in Europe/Rome, and no row before"]


def test_an_hour_that_is_never_there() -> None:
    for fold in ("refuse", "order", "first", "second"):
        with pytest.raises(Unreadable, match="never in Europe/Rome: 2021-03-28 02:30"):
            read("2021-03-28 02:30", ROME, fold=fold)


def test_series_have_their_own_order() -> None:
    reader = TimeReader(Time(column="t", fold="order"), ZoneInfo(ROME))
    texts = [(at, series) for at in ("01:30", "02:00", "02:00") for series in "ab"]
    got = [f"{from_us(reader.read([f'2021-10-31 {t}'], s)):%H:%M}" for t, s in texts]
    assert got == ["23:30", "23:30", "00:00", "00:00", "01:00", "01:00"]


@given(
    st.integers(2000, 2040),
    st.sampled_from([3, 10]),
    st.integers(-190, 50),
    st.sampled_from([1, 5, 15, 30, 60]),
    st.booleans(),
)
def test_order_brings_back_any_unbroken_series(
    year: int, month: int, offset: int, minutes: int, newest_first: bool
) -> None:
    """Local times around a change of the clocks, without gaps: the instants come back."""
    zone, step = ZoneInfo("Europe/Berlin"), timedelta(minutes=minutes)
    end = datetime(year, month, 31, 1, tzinfo=UTC)
    change = end - timedelta(days=(end.weekday() + 1) % 7)  # the last Sunday, 01:00 UTC
    instants = [change + (offset + n) * step for n in range(200)]
    if not _unique(instants[0], zone) or not _unique(instants[-1], zone):
        return  # nothing before them tells
    ordered = instants[::-1] if newest_first else instants
    reader = TimeReader(Time(column="t", fold="order"), zone)
    got = [from_us(reader.read([f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"])) for at in ordered]
    assert got == ordered


def _unique(at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    return local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset()


def test_a_fixed_offset_is_as_good_as_a_zone() -> None:
    at = datetime(2026, 3, 1, 8, 15, tzinfo=timezone(timedelta(hours=8)))
    assert read(at) == datetime(2026, 3, 1, 0, 15, tzinfo=UTC)
