"""What the fuzzer once found, each with the smallest input; faster to read than a seed."""

from __future__ import annotations

import itertools

import pytest

from collectors.directory import Directory, OwnedSource
from collectors.files.numbers import NumberReader
from collectors.formats.base import Incoming
from gateway.rows import parser
from gateway.sources import CsvSource, DltSource
from models.errors import PayloadError
from tests.fuzz.corpus import NOW, park, seeds
from tests.fuzz.files import _NEM12_LINES, nem12_run, table_run
from tests.fuzz.shot import judged
from tests.fuzz.targets import cut_shot

DEEP = b"[" * 950 + b"]" * 950


def _of(codec: str, part: str) -> tuple[str, bytes]:
    found = next(s for s in seeds()[codec] if part.encode() in s.json)
    return found.topic, found.json


@pytest.mark.parametrize(
    ("codec", "old", "new"),
    [
        pytest.param("cet", b"1688354258", b"1" + b"0" * 400, id="huge epoch seconds"),
        pytest.param("cet", b'"unit":"A"', b'"unit":' + DEEP, id="deep unit"),
        pytest.param(
            "thingsboard", b'"values":{', b'"values":{"x":' + DEEP + b",", id="deep value"
        ),
    ],
)
def test_one_value_is_refused_and_nothing_breaks(codec: str, old: bytes, new: bytes) -> None:
    topic, text = _of(codec, old.decode())
    assert sum(judged([Incoming(topic, text.replace(old, new, 1), NOW)]).values()) > 0


def test_a_filter_is_no_topic() -> None:
    topic, text = _of("acrel-adw300", '"val"')
    with pytest.raises(PayloadError, match="topic"):
        Directory([], _owned()).route(f"+/{topic}")
    assert judged([Incoming(f"+/{topic}", text, NOW)]) == {"topic": 1}


def _owned() -> list[OwnedSource]:
    enterprises = park().enterprises
    return [OwnedSource("fuzz", e.key, park().zone, s) for e in enterprises for s in e.sources]


def test_a_property_length_beyond_the_packet() -> None:
    stream = b"\x30\x04\0\1a\x80" + b"\x30\x05\0\1b\0x"
    for cut in itertools.chain(range(1, len(stream)), [6]):
        cut_shot("packets", stream, [cut], v5=True).run()
    assert cut_shot("packets", stream[:6], [], v5=True).run()["protocol_error"] == 1


@pytest.mark.parametrize("blank", ["\u3000", "\x1c", "\u2028", "\x85"])
def test_blanks_within_a_frame(blank: str) -> None:
    source = DltSource(
        name="d",
        kind="dlt645",
        path="x",
        meters={"000000000001": "m"},
        channels={"voltage_a": "u"},
        timezone="Asia/Shanghai",
    )
    parsed = parser(source, "")(f"2026-03-01 08:10:00 68 01{blank}00 16")
    assert parsed.reading is None
    assert parsed.faults[0].startswith("frame")


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "9999-12-31T12:00:00"])
def test_the_end_of_the_calendar_in_a_gateway_file(time: str) -> None:
    source = CsvSource(
        name="c",
        kind="csv",
        path="x",
        meter="m",
        time_column="t",
        channels={"v": "v"},
        timezone="America/New_York",
    )
    assert parser(source, "t,v")(f"{time},1").faults[0].startswith("time_range")


ROWS = ["9999-12-31T23:59:59-23:59,1,1", "2026-02-28T10:15:00Z,1e999999999,1"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_a_table(row: str) -> None:
    assert sum(table_run(0, f"time,e,p\n{row}\n".encode()).values()) > 0


def test_the_last_midnight_of_the_calendar() -> None:
    text = b"d;t;m;c;v\n31.12.9999;00:00;a-grid;import_kwh;1\n"
    assert table_run(1, text)["time_format"] == 1


def test_a_number_that_no_decimal_holds() -> None:
    assert NumberReader(".", "", ()).json("1e999999999", 1000) == '"1e999999999"'


@pytest.mark.parametrize("old", [b",30,20260401", b"400,1,20"])
def test_a_count_of_nem12_with_thousands_of_digits(old: bytes) -> None:
    new = old.replace(b"30", b"9" * 5_000, 1).replace(b"1,20", b"1," + b"9" * 5_000)
    counts = nem12_run(b"\n".join(_NEM12_LINES).replace(old, new))
    assert counts["schema"] > 0
