"""NEM12 records to messages; times, flags and units worked out by hand from the file."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collectors.files.mapping import Nem12Mapping
from collectors.files.nem12 import ESTIMATED, FINAL, Nem12Reader
from collectors.files.readers import open_nem12
from models.channels import ChannelRef
from models.errors import ConfigError
from tests.conftest import REPO

FILE = REPO / "tests" / "data" / "import" / "two_days.nem12.csv"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
STREAMS = {"4100000001/E1": "a-grid/import_kwh", "4100000001/B1": "a-grid/export_kwh"}
Message = tuple[str, Any, int]


def ref(number: int, key: str, **more: Any) -> ChannelRef:
    told: dict[str, Any] = {"quantity": "active_energy", "unit": "kWh", "kind": "interval"} | more
    return ChannelRef(
        channel_id=number,
        key=key,
        meter_key="a-grid",
        enterprise_id=1,
        enterprise_key="alpha",
        park_id=1,
        park_key="p",
        role="none",
        factor=1.0,
        modulus=None,
        rated_per_h=None,
        in_service_from=None,
        **{"period_s": 1800} | told,
    )


CHANNELS = [ref(1, "import_kwh"), ref(2, "export_kwh")]


def read(
    lines: list[str], accepted: frozenset[str] = FINAL, skip: int = 0, **mapping: Any
) -> tuple[list[Message], Counter[str]]:
    said = Nem12Mapping(**{"park": "p", "streams": STREAMS} | mapping)
    reader = Nem12Reader(said, CHANNELS, "f.csv", accepted)
    found = reader.messages(lines, NOW, skip)
    return [(m.topic, json.loads(m.payload), m.mid) for m in found], reader.tally


def day(*flags: str, minutes: int = 30, date: str = "20260301") -> str:
    values = ",".join(["0.5"] * (1440 // minutes))
    return f"300,{date},{values},{flags[0]},,,20260302031500,\n"


HEAD = "100,NEM12,202603030905,MDP1,RETAILER1\n"
E1 = "200,4100000001,E1,E1,E1,N1,METER001,KWH,30,\n"


def test_a_whole_file() -> None:
    got, tally = read(FILE.read_text().splitlines(keepends=True))
    assert [(topic, len(items), mid) for topic, items, mid in got] == [
        ("park/p/alpha/a-grid", 48, 3),
        ("park/p/alpha/a-grid", 44, 9),  # four of the second day are null
        ("park/p/alpha/a-grid", 48, 12),
    ]
    assert dict(tally) == {"rows": 3, "values missing": 4}
    first, second, export = (items for _, items, _ in got)
    # midnight of Eastern Standard Time (UTC+10, no summer time) is 14:00 UTC of the day before
    assert first[0] == {
        "ts": "2026-03-01T00:00:00+10:00",
        "values": {"import_kwh": 1.5},
        "row": "f.csv:3",
        "stream": "4100000001/E1",
    }
    assert (first[1]["ts"], first[1]["values"]) == (
        "2026-03-01T00:30:00+10:00",
        {"import_kwh": 2.5},
    )
    assert first[47]["ts"] == "2026-03-01T23:30:00+10:00"
    # 1-2 actual, 3-4 substituted, 5-8 null, 9-47 actual, 48 final substituted
    assert [i.get("quality") for i in second] == [None] * 2 + ["S14"] * 2 + [None] * 40
    assert [i.get("q") for i in second[:4]] == [None, None, 1, 1]
    assert second[4]["ts"] == "2026-03-02T04:00:00+10:00"  # interval 9 begins at 04:00
    assert second[43]["values"] == {"import_kwh": 7.25}
    assert export[0]["values"] == {"export_kwh": 1.5}  # MWh in the file
    assert {i["q"] for i in export} == {1}  # E52: an estimate


def test_estimates_become_readings_only_when_told() -> None:
    got, _ = read(FILE.read_text().splitlines(keepends=True), FINAL | ESTIMATED)
    assert not any("q" in item for _, items, _ in got for item in items)
    assert sum(len(items) for _, items, _ in got) == 48 + 44 + 48  # null stays null
    first, second, export = (items for _, items, _ in got)
    assert not any("mark" in item for item in first)
    # 3-4 substituted; 48 is final substituted, and that is settled with
    assert [i.get("mark") for i in second] == [None] * 2 + ["estimated"] * 2 + [None] * 40
    assert {i["mark"] for i in export} == {"estimated"}


def test_refused_estimates_carry_no_mark() -> None:
    got, _ = read(FILE.read_text().splitlines(keepends=True))
    assert not any("mark" in item for _, items, _ in got for item in items)


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_every_interval_length(minutes: int) -> None:
    channels = [ref(1, "import_kwh", period_s=minutes * 60), CHANNELS[1]]
    reader = Nem12Reader(Nem12Mapping(park="p", streams=STREAMS), channels, "f.csv")
    lines = [HEAD, E1.replace(",30,", f",{minutes},"), day("A", minutes=minutes), "900\n"]
    (message,) = reader.messages(lines, NOW)
    stamps = [datetime.fromisoformat(i["ts"]) for i in json.loads(message.payload)]
    assert len(stamps) == 1440 // minutes
    step = timedelta(minutes=minutes)
    start = datetime(2026, 2, 28, 14, tzinfo=UTC)
    assert stamps == [start + n * step for n in range(len(stamps))]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([E1, day("Q")], "quality 'Q' after 48 values"),
        ([E1, day("A")[:100] + "\n"], "quality '' after 48 values"),
        ([E1, day("A", date="20260230")], "date ['20260230'], expected YYYYMMDD"),
        ([E1.replace(",30,", ",60,"), day("A")], "interval length 60 min, expected 5, 15 or 30"),
        ([E1.replace(",30,", ",5,"), day("A", minutes=5)], "intervals of 5 min, channel alpha"),
        ([E1.replace("KWH", "KVARH"), day("A")], "unit 'KVARH' does not measure active_energy"),
        ([E1.replace(",E1,N1", ",K1,N1"), day("A")], "stream 4100000001/K1 is not in the mapping"),
        ([E1, day("V"), "400,1,49,A,,\n"], "400 record of the intervals 1 to 49"),
        ([E1, day("V"), "400,0,4,A,,\n"], "400 record of the intervals 0 to 4"),
    ],
)
def test_days_that_cannot_be_used_go_to_the_door_as_a_whole(lines: list[str], fault: str) -> None:
    got, _ = read([HEAD, *lines, "900\n"])
    ((topic, content, _),) = got
    assert topic == "park/p/unknown"
    assert content["row"] == "f.csv:3"
    assert any(fault in f for f in content["faults"]), content["faults"]
    assert "ts" not in content


def test_what_no_400_record_names_is_not_accepted() -> None:
    got, _ = read([HEAD, E1, day("V"), "400,1,46,A,,\n", "900\n"])
    ((_, items, _),) = got
    assert [i.get("quality") for i in items] == [None] * 46 + ["V"] * 2


def test_other_streams_can_be_passed_over() -> None:
    lines = [HEAD, E1.replace(",E1,N1", ",K1,N1"), day("A"), E1, day("A")]
    got, tally = read(lines, others="ignore")
    assert [mid for _, _, mid in got] == [5]
    assert tally["days of other streams"] == 1


def test_corrections_are_declared() -> None:
    got, _ = read([HEAD, E1, day("A")], correction=True)
    assert {i["correction"] for i in got[0][1]} == {True}


def test_what_is_stored_already_still_gives_the_context() -> None:
    lines = FILE.read_text().splitlines(keepends=True)
    whole, _ = read(lines)
    for skip in range(len(lines) + 1):
        assert read(lines, skip=skip)[0] == [m for m in whole if m[2] > skip]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], None),
        (["date,kwh\n"], r"begins with 'date,kwh', expected 100,NEM12"),
        (["100,NEM13,2026\n"], "begins with '100,NEM13', expected 100,NEM12"),
        ([HEAD, day("A")], "line 2: a 300 record before any 200 record"),
        ([HEAD, "250,41\n"], "line 2: record '250' is not of NEM12"),
    ],
)
def test_files_that_are_not_nem12(lines: list[str], message: str | None) -> None:
    if message is None:
        assert read(lines) == ([], Counter())
        return
    with pytest.raises(ConfigError, match=message):
        read(lines)


def test_faults_of_the_mapping_are_told_at_once() -> None:
    said = Nem12Mapping(
        park="p", streams={"1/E1": "x/y", "1/B1": "a-grid/z", "1/Q1": "a-grid/total_kwh"}
    )
    register = ref(3, "total_kwh", kind="register")
    with pytest.raises(ConfigError) as caught:
        Nem12Reader(said, [*CHANNELS, register], "f.csv")
    assert [f.split(":")[0] for f in caught.value.faults] == [
        "streams.1/E1",
        "streams.1/B1",
        "streams.1/Q1",
    ]
    assert "NEM12 holds amounts per period, make it kind: interval" in caught.value.faults[2]


@given(
    st.lists(st.sampled_from(["200", "300", "400", "500", "900", "", "x"]), max_size=8), st.data()
)
def test_no_line_breaks_the_reader(kinds: list[str], data: st.DataObject) -> None:
    cells = st.lists(
        st.sampled_from(["", "1", "48", "A", "V", "20260301", "kWh", "-5"]), max_size=60
    )
    lines = [HEAD] + [",".join([kind, *data.draw(cells)]) + "\n" for kind in kinds]
    try:
        got, _ = read(lines, others="refuse")
    except ConfigError:
        return
    assert all(topic.startswith("park/p/") for topic, _, _ in got)


def test_a_packed_file_that_was_cut_off(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(yaml.safe_dump({"park": "p", "streams": STREAMS}))
    file = tmp_path / "f.csv.gz"
    file.write_bytes(gzip.compress(FILE.read_bytes()))

    def park(key: str) -> tuple[list[ChannelRef], ZoneInfo]:
        return CHANNELS, ZoneInfo("Asia/Shanghai")

    found = open_nem12(file, mapping, park)
    assert len(list(found.messages(NOW, 0))) == 3
    found.close()
    file.write_bytes(file.read_bytes()[:-30])
    found = open_nem12(file, mapping, park)
    with pytest.raises(ConfigError, match="is cut off or damaged"):
        list(found.messages(NOW, 0))
    found.close()
