"""Tables of every kind to messages: what the mapping says, and every fault at once."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from collectors.files.mapping import (
    Long,
    Named,
    Nem12Mapping,
    TableMapping,
    Target,
    Time,
    Where,
    load_mapping,
)
from collectors.files.readers import Opened, open_readings
from models.channels import ChannelRef
from models.errors import ConfigError
from tests.conftest import REPO

IMPORT = REPO / "tests" / "data" / "import"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TIME = {"column": "t", "format": "%Y-%m-%d %H:%M", "stamp": "start"}


def ref(number: int, meter: str, key: str, kind: str, quantity: str, unit: str) -> ChannelRef:
    owner = "beta" if meter.startswith("b") else "alpha"
    fixed: tuple[Any, ...] = ("none", 1.0, None, 900, None, None)
    return ChannelRef(number, key, meter, 1, owner, 1, "p", quantity, unit, kind, *fixed)


CHANNELS = [
    ref(1, "a-grid", "import_kwh", "interval", "active_energy", "kWh"),
    ref(2, "a-grid", "total_kwh", "register", "active_energy", "kWh"),
    ref(3, "a-grid", "power_kw", "gauge", "active_power", "kW"),
    ref(4, "a-pv", "gen_kwh", "interval", "active_energy", "kWh"),
    ref(5, "b-water", "intake_m3", "register", "water_volume", "m3"),
]


def park(key: str) -> tuple[Sequence[ChannelRef], ZoneInfo]:
    assert key == "p"
    return CHANNELS, ZoneInfo("Asia/Shanghai")


def opened(tmp_path: Path, content: Any, mapping: dict[str, Any], name: str = "f.csv") -> Opened:
    file, said = tmp_path / name, tmp_path / "mapping.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    said.write_text(yaml.safe_dump({"park": "p", "time": TIME} | mapping), encoding="utf-8")
    return open_readings(file, said, park)


def messages(found: Opened, skip: int = 0) -> list[tuple[str, dict[str, Any], int]]:
    try:
        return [
            (m.topic.removeprefix("park/p/"), json.loads(m.payload), m.mid)
            for m in found.messages(NOW, skip)
        ]
    finally:
        found.close()


def faults(tmp_path: Path, content: str, mapping: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        opened(tmp_path, content, mapping)
    return caught.value.faults


def test_wide_rows(tmp_path: Path) -> None:
    found = opened(
        tmp_path,
        "t,E,P,PV,W\n2026-03-01 00:15,1.5,6,--,2000\n\n2026-03-01 00:30,n/a,,,\n",
        {
            "columns": {
                "E": "a-grid/import_kwh",
                "P": {"meter": "a-grid", "channel": "power_kw", "unit": "MW"},
                "PV": "a-pv/gen_kwh",
                "W": {
                    "enterprise": "beta",
                    "meter": "b-water",
                    "channel": "intake_m3",
                    "unit": "L",
                },
            }
        },
    )
    ts = "2026-03-01T00:15:00+08:00"
    assert messages(found) == [
        # the row is done only with its last message
        (
            "alpha/a-grid",
            {"ts": ts, "values": {"import_kwh": 1.5, "power_kw": 6000}, "row": "f.csv:2"},
            0,
        ),
        ("beta/b-water", {"ts": ts, "values": {"intake_m3": 2.0}, "row": "f.csv:2"}, 1),
    ]
    assert dict(found.tally) == {"rows": 3, "rows empty": 1, "values missing": 5}


def test_stamps_of_the_end_are_shifted_unless_it_is_a_register(tmp_path: Path) -> None:
    found = opened(
        tmp_path,
        "t,E,R,P\n2026-03-01 00:15,1,100,5\n",
        {
            "time": TIME | {"stamp": "end"},
            "columns": {
                "E": "a-grid/import_kwh",
                "R": "a-grid/total_kwh",
                "P": "a-grid/power_kw",
            },
        },
    )
    said = [(m["ts"], m["values"]) for _, m, _ in messages(found)]
    assert said == [
        ("2026-03-01T00:00:00+08:00", {"import_kwh": 1, "power_kw": 5}),
        ("2026-03-01T00:15:00+08:00", {"total_kwh": 100}),
    ]


LONG = {
    "meter": {"column": "表号", "names": {"0001": "a-grid", "0002": "b-water"}},
    "channel": {"column": "项目", "names": {"电量": "import_kwh", "水量": "intake_m3"}},
    "value": "值",
    "unit": {"column": "单位", "names": {"度": "kWh", "吨": "m3", "千度": "MWh"}},
}
LONG_TEXT = (
    "t;表号;项目;值;单位\n"
    "2026-03-01 00:15;0001;电量;1.234,5;度\n"
    "2026-03-01 00:15;0002;水量;7;吨\n"
    "2026-03-01 00:30;0001;电量;0,5;千度\n"
    "2026-03-01 00:30;0002;水量;7;度\n"
    "2026-03-01 00:30;0003;电量;7;度\n"
    "2026-03-01 00:30;0001;电压;7;V\n"
    "2026-03-01 00:30;0001;电量;--;度\n"
)


def test_long_rows_with_chinese_headers_in_gbk(tmp_path: Path) -> None:
    mapping = {"long": LONG, "encoding": "gbk", "decimal": ",", "thousands": "."}
    found = opened(tmp_path, LONG_TEXT.encode("gbk"), mapping)
    got = [(topic, m["values"], m.get("m")) for topic, m, _ in messages(found)]
    assert got == [
        ("alpha/a-grid", {"import_kwh": 1234.5}, None),
        ("beta/b-water", {"intake_m3": 7}, None),
        ("alpha/a-grid", {"import_kwh": 500.0}, None),
        ("beta/b-water", {"intake_m3": "7 kWh"}, None),  # no water: the door refuses the text
        ("unknown", {"import_kwh": 7}, "0003"),
        ("alpha", {"电压": 7}, "a-grid"),
    ]
    ignoring = mapping | {"long": LONG | {"others": "ignore"}}
    found = opened(tmp_path, gzip.compress(LONG_TEXT.encode("gbk")), ignoring, "f.csv.gz")
    assert len(messages(found)) == 4
    assert found.tally["rows of other meters and channels"] == 2


def test_rows_that_do_not_count_and_lines_above_the_header(tmp_path: Path) -> None:
    text = (
        "Utility report;;\nMarch;;\nt;E;ok\n2026-03-01 00:15;1;yes\n2026-03-01 00:30;2;no\n"
        "2026-03-01 00:45;3;yes\nTotal;6;sum\n"
    )
    mapping = {
        "skip_rows": 2,
        "columns": {"E": "a-grid/import_kwh"},
        "where": [{"column": "ok", "none_of": ["no", "sum"]}],
    }
    found = opened(tmp_path, text, mapping)
    assert [(m["values"]["import_kwh"], m["row"]) for _, m, _ in messages(found)] == [
        (1, "f.csv:4"),
        (3, "f.csv:6"),
    ]
    only = mapping | {"where": [{"column": "ok", "one_of": ["no"]}], "correction": True}
    ((_, item, _),) = messages(opened(tmp_path, text, only))
    assert (item["values"], item["correction"]) == ({"import_kwh": 2}, True)


def test_a_file_without_a_header(tmp_path: Path) -> None:
    mapping = {"header": ["t", "E"], "columns": {"E": "a-grid/import_kwh"}}
    got = messages(opened(tmp_path, "2026-03-01 00:15\t1\n2026-03-01 00:30\t2\n", mapping))
    assert [(m["values"]["import_kwh"], m["row"]) for _, m, _ in got] == [
        (1, "f.csv:1"),
        (2, "f.csv:2"),
    ]


def test_what_cannot_be_read_is_left_to_the_door_with_its_place(tmp_path: Path) -> None:
    # line 4: an unquoted decimal comma shifts the columns and must not be taken for a value
    text = "t,E\n31 March,1\n2026-03-01 00:15,x\n2026-03-01 00:30,1,5\n2026-03-01 00:45\n"
    got = messages(opened(tmp_path, text, {"columns": {"E": "a-grid/import_kwh"}}))
    assert [(m.get("ts"), m.get("values"), m["row"]) for _, m, _ in got] == [
        ("not %Y-%m-%d %H:%M: 31 March", {"import_kwh": 1}, "f.csv:2"),
        ("2026-03-01T00:15:00+08:00", {"import_kwh": "x"}, "f.csv:3"),
        (None, None, "f.csv:4"),
        (None, None, "f.csv:5"),
    ]
    assert got[2][1]["cells"] == ["2026-03-01 00:30", "1", "5"]


def test_rows_that_are_stored_already_are_passed_over(tmp_path: Path) -> None:
    rows = ["01:00", "02:00", "02:00", "03:00"]
    text = "t,E\n" + "".join(f"2021-10-31 {t},{n}\n" for n, t in enumerate(rows))
    mapping = {
        "time": TIME | {"timezone": "Europe/Rome", "fold": "order"},
        "columns": {"E": "a-grid/import_kwh"},
    }
    whole = messages(opened(tmp_path, text, mapping))
    assert [m["ts"][11:19] + m["ts"][19:] for _, m, _ in whole] == [
        "01:00:00+02:00",
        "02:00:00+02:00",
        "02:00:00+01:00",
        "03:00:00+01:00",
    ]
    for skip in range(5):  # the order of what is passed over still tells which 02:00 it is
        assert messages(opened(tmp_path, text, mapping), skip) == whole[skip:]


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_workbooks(suffix: str) -> None:
    found = open_readings(
        IMPORT / f"quarters.{suffix}", IMPORT / "quarters.yaml", park, sheet="数据"
    )
    assert [(topic, item) for topic, item, _ in messages(found)] == [
        (
            topic,
            {"ts": f"2026-03-01T{at}:00+08:00", "values": values, "row": f"quarters.{suffix}:{n}"},
        )
        for topic, at, values, n in [
            ("alpha/a-grid", "00:00", {"import_kwh": 123.4}, 3),
            ("alpha/a-pv", "00:00", {"gen_kwh": 3}, 3),
            ("alpha/a-grid", "00:15", {"import_kwh": 250}, 4),
            ("alpha/a-grid", "00:30", {"import_kwh": "故障"}, 5),
            ("alpha/a-pv", "00:30", {"gen_kwh": 4.5}, 5),
            ("alpha/a-grid", "00:45", {"import_kwh": 500}, 6),
        ]
    ]


def test_a_workbook_without_the_sheet() -> None:
    with pytest.raises(ConfigError, match=r"has no sheet 'x'; its sheets are: 说明, 数据"):
        open_readings(IMPORT / "quarters.xlsx", IMPORT / "quarters.yaml", park, sheet="x")


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "t": pa.array([1772324100_000000001, 1772325000_000000000], pa.timestamp("ns", "UTC")),
            "E": pa.array([1.5, None]),
            "n": pa.array([7, 8], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "f.parquet")
    mapping = {
        "columns": {"E": "a-grid/import_kwh", "n": "a-pv/gen_kwh"},
        "time": {"column": "t", "stamp": "start"},
    }
    content = (tmp_path / "f.parquet").read_bytes()
    got = messages(opened(tmp_path, content, mapping, "f.parquet"))
    assert [(m["ts"], m["values"], m["row"]) for _, m, _ in got] == [
        ("2026-03-01T08:15:00+08:00", {"import_kwh": 1.5}, "f.parquet:1"),
        ("2026-03-01T08:15:00+08:00", {"gen_kwh": 7}, "f.parquet:1"),
        ("2026-03-01T08:30:00+08:00", {"gen_kwh": 8}, "f.parquet:2"),
    ]


def test_all_faults_of_a_mapping_are_told_at_once(tmp_path: Path) -> None:
    wrong = {
        "park": "p",
        "encoding": "klingon",
        "delimiter": ";;",
        "time": {"column": "t", "timezone": "Asia/Beijing", "format": "iso8601"},
        "columns": {"E": {"meter": "a-grid"}},
        "colour": "blue",
    }
    file = tmp_path / "m.yaml"
    file.write_text(yaml.safe_dump(wrong))
    with pytest.raises(ConfigError) as caught:
        load_mapping(file, TableMapping)
    assert [f.split(":")[0] for f in caught.value.faults] == [
        "encoding",
        "delimiter",
        "time.timezone",
        "columns.E.channel",
        "colour",
    ]
    file.write_text(yaml.safe_dump({"park": "p", "time": {"column": "t", "format": "iso8601"}}))
    with pytest.raises(ConfigError, match="expected iso, epoch_s, epoch_ms or"):
        load_mapping(file, TableMapping)
    file.write_text(yaml.safe_dump({"park": "p", "time": {"column": "t"}}))
    with pytest.raises(ConfigError, match="needs either columns"):
        load_mapping(file, TableMapping)


def test_what_does_not_fit_the_park_is_told_at_once(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        "t,A,B,C,D\n",
        {
            "time": {"column": "t"},
            "columns": {
                "A": "x-grid/import_kwh",
                "B": "a-grid/export_kwh",
                "C": {"meter": "a-grid", "channel": "import_kwh", "unit": "m3"},
                "D": {"enterprise": "alpha", "meter": "b-water", "channel": "intake_m3"},
            },
        },
    )
    assert [f.split(":")[0] for f in said] == [
        "columns.A",
        "columns.B",
        "columns.C",
        "columns.D",
        "time.stamp",
    ]
    assert "no meter 'x-grid'; the park has: a-grid, a-pv, b-water" in said[0]
    assert "no channel 'export_kwh'; it has: import_kwh, power_kw, total_kwh" in said[1]
    assert "unit 'm3' does not measure active_energy; use one of: Wh, kWh" in said[2]
    assert "meter b-water belongs to beta, not to alpha" in said[3]
    assert "alpha/a-grid/import_kwh are amounts of a period; say whether" in said[4]


def test_names_of_a_long_mapping_are_checked(tmp_path: Path) -> None:
    long = {
        "meter": {"value": "a-gird"},
        "channel": {"column": "c", "names": {"x": "nothing"}},
        "value": "v",
        "unit": {"value": "kw"},
    }
    said = faults(tmp_path, "t,c,v\n", {"long": long})
    assert [f.split(":")[0] for f in said] == ["long.meter", "long.channel", "long.unit"]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        "T,E,E\n",
        {"columns": {"E": "a-grid/import_kwh", "PV": "a-pv/gen_kwh"}},
    )
    assert said == [
        "has no column 't'; its columns are: 'T', 'E', 'E'",
        "has 2 columns 'E'; its columns are: 'T', 'E', 'E'",
        "has no column 'PV'; its columns are: 'T', 'E', 'E'",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.xlsx", b"no zip", "is not a workbook that can be read"),
        ("f.parquet", b"no parquet at all", "is not a Parquet file"),
        ("f.csv", "t,E\n2026-03-01 00:15,\xff".encode("latin-1"), "is not utf-8-sig.*set encoding"),
        ("f.csv.gz", b"no gzip", "Not a gzipped file"),
    ],
)
def test_files_that_are_not_what_they_seem(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        messages(opened(tmp_path, content, {"columns": {"E": "a-grid/import_kwh"}}, name))


def test_a_cut_off_gzip_gives_what_it_has_and_then_says_so(tmp_path: Path) -> None:
    text = "t,E\n" + "".join(f"2026-03-01 00:15,{n}.{n * n}\n" for n in range(30_000))
    content = gzip.compress(text.encode())[:-3000]
    found = opened(tmp_path, content, {"columns": {"E": "a-grid/import_kwh"}}, "f.csv.gz")
    with pytest.raises(ConfigError, match="is cut off"):
        messages(found)
    assert 1000 < found.tally["rows"] < 30_000


def test_every_mapping_of_the_manual_is_valid(tmp_path: Path) -> None:
    text = (REPO / "docs" / "import.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    models = [Nem12Mapping if "streams:" in b else TableMapping for b in blocks]
    assert models == [TableMapping, TableMapping, Nem12Mapping]
    for block, model in zip(blocks, models, strict=True):
        (tmp_path / "m.yaml").write_text(block, encoding="utf-8")
        assert load_mapping(tmp_path / "m.yaml", model).park == "mypark"  # type: ignore[type-var]


def test_every_key_of_a_mapping_is_in_the_manual() -> None:
    text = (REPO / "docs" / "import.md").read_text(encoding="utf-8")
    models = (TableMapping, Time, Target, Named, Long, Where, Nem12Mapping)
    keys = {name for model in models for name in model.model_fields}
    assert [k for k in sorted(keys) if f"`{k}`" not in text and f"{k}:" not in text] == []
