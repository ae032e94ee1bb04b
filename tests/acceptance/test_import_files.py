"""`greenpark import readings` as a person starts it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.acceptance.test_measured_data import MONTHS_KWH
from tests.conftest import DATA, REPO
from tests.integration.test_collector import wait_for
from tests.integration.test_import_readings import BAD, STEEL, STEEL_MAPPING


@pytest.fixture
def mapping(program: Program, tmp_path: Path) -> str:
    """The mapping file; the steel works with amounts per quarter-hour are applied."""
    document = yaml.safe_load((REPO / "examples" / "steel" / "park.yaml").read_text("utf-8"))
    for channel in document["enterprises"][0]["meters"][0]["channels"].values():
        channel["kind"] = "interval"
    (tmp_path / "park.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    program("apply", str(tmp_path / "park.yaml"))
    path = tmp_path / "steel.yaml"
    path.write_text(yaml.safe_dump(STEEL_MAPPING, sort_keys=False))
    return str(path)


def test_rehearse_import_and_again(program: Program, conn: Conn, mapping: str) -> None:
    command = ("import", "readings", str(STEEL), "--mapping", mapping)
    said = program(*command, "--dry-run")
    assert (
        'park/steel/works/main {"ts":"2018-01-01T00:00:00+09:00","values":{"import_kwh":3.17,'
        '"lagging_kvarh":2.95},"row":"steel_3_days.csv:2"}'
    ) in said
    # lowest and highest of column 2, first and last quarter-hour of the three days in UTC
    line = next(r for r in said.splitlines() if "main/import_kwh" in r and "│" in r)
    cells = [c.strip() for c in line.split("│")]
    assert cells[1:-1] == [
        "works/main/import_kwh",
        "kWh",
        "288",
        "2017-12-31 15:00Z",
        "2018-01-03 14:45Z",
        "3.17",
        "147.46",
    ]
    assert "288 messages, 576 readings: would be 576 stored" in said
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    assert "576 readings: 576 stored" in program(*command)
    assert "imported already at" in program(*command)
    assert "576 readings: 576 duplicate" in program(*command, "--again")


def test_refused_rows_are_told_and_end_with_1(
    program: Program, conn: Conn, mapping: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text(BAD)
    command = ("import", "readings", str(tmp_path / "bad.csv"), "--mapping", mapping)
    said = program(*command, "--dry-run", expect=1)
    assert "first rows refused:" in said
    assert "time_format: ts is 'not %d/%m/%Y %H:%M: 31/02/2018 00:30'" in said
    said = program(*command, expect=1)
    for reason in ("time_format", "not_a_number", "out_of_range", "schema", "time_range"):
        assert f"refused, {reason}: 1" in said
    assert "refused rows are in quarantine: greenpark findings" in said
    assert "values missing: 2" in said
    assert "quarantine.not_a_number" in program("findings", "--format", "csv")
    # nothing is left to do: what was refused stays refused until the file is mended
    assert "imported already" in program(*command)


def test_a_killed_import_goes_on(
    program: Program, conn: Conn, mapping: str, tmp_path: Path
) -> None:
    lines = STEEL.read_text().splitlines()
    long = tmp_path / "long.csv"
    rows = "".join(
        f"{day:02d}/{month:02d}/{year} {h:02d}:{m:02d},1.5,2\n"
        for year in range(2001, 2005)
        for month in range(1, 13)
        for day in range(1, 29)
        for h in range(24)
        for m in (0, 15, 30, 45)
    )
    long.write_text(",".join(lines[0].split(",")[:3]) + "\n" + rows)
    number = rows.count("\n")
    command = ("import", "readings", str(long), "--mapping", mapping)
    process = program.start(*command)
    wait_for(
        lambda: conn.execute("SELECT count(*) > 0 FROM reading").fetchone() == (True,),
        "the first portion is stored",
        60,
    )
    process.kill()
    process.wait(20)
    wait_for(  # the database has noticed, what was under way is rolled back
        lambda: (
            conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND application_name = 'import readings'"
            ).fetchone()
            == (0,)
        ),
        "the killed connection is gone",
        30,
    )
    done = conn.execute("SELECT rows_done, finished_at FROM import_progress").fetchone()
    assert done is not None
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (2 * done[0],)
    assert 0 < done[0] < number, "killed too late to show anything"
    said = program(*command)
    assert f"goes on after row {done[0]:,}" in said
    assert f"{2 * number:,} stored" in said
    assert "duplicate" not in said
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (2 * number,)


def test_what_is_wrong_is_told_before_anything_starts(
    program: Program, conn: Conn, mapping: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(STEEL_MAPPING | {"columns": {"kWh": "main/import_kwh"}}))
    said = program.refuses("import", "readings", str(STEEL), "--mapping", str(wrong))
    assert "steel_3_days.csv: 1 fault(s)" in said
    assert "has no column 'kWh'; its columns are: 'date', 'Usage_kWh'" in said
    assert conn.execute("SELECT count(*) FROM import_progress").fetchone() == (0,)


@pytest.mark.fulldata
def test_the_whole_steel_year(program: Program, conn: Conn, mapping: str) -> None:
    file = DATA / "steel_uci" / "Steel_industry_data.csv"
    said = program("import", "readings", str(file), "--mapping", mapping)
    assert "70,080 readings: 70,080 stored" in said
    program("run", "--once", "--now", "2019-01-01T00:00:00+09:00")
    rows = conn.execute(
        "SELECT extract(month FROM day)::int, sum(value)::float8 FROM channel_day d"
        " JOIN channel c USING (channel_id) WHERE c.key = 'import_kwh' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    for (_, kwh), expected in zip(rows, MONTHS_KWH, strict=True):
        assert kwh == pytest.approx(expected, abs=0.1)
    assert sum(k for _, k in rows) == pytest.approx(959_636.71, abs=0.005)


@pytest.mark.fulldata
def test_two_autumn_nights_of_measured_data(program: Program, conn: Conn, tmp_path: Path) -> None:
    """Hourly flows in Italian local time, with 02:00 twice where summer time ends."""
    park = yaml.safe_load((REPO / "tests" / "data" / "park.yaml").read_text("utf-8"))
    flow = {"quantity": "volume_flow", "unit": "m3/h", "kind": "gauge", "period_s": 3600}
    park["enterprises"][0]["meters"][2]["channels"]["flow"] = flow
    (tmp_path / "park.yaml").write_text(yaml.safe_dump(park, allow_unicode=True), "utf-8")
    program("apply", str(tmp_path / "park.yaml"))
    time = {
        "column": "Date-time CET-CEST (DD/MM/YYYY HH:mm)",
        "format": "%d/%m/%Y %H:%M",
        "timezone": "Europe/Rome",
        "stamp": "start",
        "fold": "order",
    }
    column = {"meter": "a-water", "channel": "flow", "unit": "L/s"}
    mapping = {"park": "testpark", "time": time, "columns": {"DMA 3 (L/s)": column}}
    (tmp_path / "flow.yaml").write_text(yaml.safe_dump(mapping))
    file = DATA / "bwdf_water" / "InflowData.xlsx"
    said = program("import", "readings", str(file), "--mapping", str(tmp_path / "flow.yaml"))
    # 19,679 hours, 105 of them "NaN"; nothing refused, nothing twice, nothing in conflict
    assert "19,574 readings: 19,574 stored\n" in said
    assert "values missing: 105" in said
    night = conn.execute(
        "SELECT extract(hour FROM ts AT TIME ZONE 'UTC')::int, value FROM reading"
        " WHERE ts BETWEEN '2021-10-30T23:00Z' AND '2021-10-31T02:00Z' ORDER BY ts"
    ).fetchall()
    assert [h for h, _ in night] == [23, 0, 1, 2]
    # rows 7275 and 7276 of the sheet: 2.2075 and 2.24 L/s
    assert [v for _, v in night[1:3]] == pytest.approx([7.947, 8.064])
