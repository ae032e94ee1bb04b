"""A solar plant with the sentinels of its SCADA, and water districts through both clock changes.

Expected numbers are worked out from the files by pandas or by hand, see docs/measured-data.md.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.acceptance.metering import apply_park, by, findings, import_file, rows
from tests.conftest import DATA

SOLAR = DATA / "stategrid_solar_cn" / "solar_site1_50MW.csv.gz"
WATER = DATA / "bwdf_water" / "InflowData.xlsx"
STAMP = "Date-time CET-CEST (DD/MM/YYYY HH:mm)"
M3_PER_HOUR = 3.6  # of a mean of 1 L/s


@pytest.mark.fulldata
def test_two_years_of_a_solar_plant(program: Program, conn: Conn, tmp_path: Path) -> None:
    channels = {
        "power": {"quantity": "active_energy", "unit": "MW", "kind": "rate"},
        "air": {"quantity": "temperature", "unit": "degC", "kind": "gauge"},
        "pressure": {"quantity": "pressure", "unit": "kPa", "multiplier": 0.1, "kind": "gauge"},
        "humidity": {"quantity": "humidity", "unit": "percent", "kind": "gauge"},
    }
    apply_park(program, tmp_path, "Asia/Shanghai", {"pv": channels})
    columns = {
        "Power (MW)": "pv/power",
        "Air temperature  (°C)": "pv/air",
        # -9.9 kPa is a pressure that can be, below that of the air: so it has to be named
        "Atmosphere (hpa)": {"meter": "pv", "channel": "pressure", "missing": [-99]},
        "Relative humidity (%)": "pv/humidity",
    }
    time = {"column": "Time(year-month-day h:m:s)", "stamp": "start"}
    mapping = {"park": "site", "time": time, "columns": columns}
    said = import_file(program, tmp_path, SOLAR, mapping, expect=1)
    # -99 in 60 rows of air and humidity, and humidity above 100 % in 6,747
    refused = 2 * 60 + 6_747
    assert f"{4 * 70_176 - refused - 60:,} stored" in said
    assert "values missing: 60" in said
    assert f"refused, out_of_range: {refused:,}" in said
    program("run", "--once", "--now", "2021-01-02T00:00+08:00")
    months = by(program, "month", "--channel", "power")["power"]
    year_mwh = {
        year: sum(float(r["value"]) for m, r in months.items() if m[:4] == year) / 1000
        for year in ("2019", "2020")
    }
    # sum of the power / 4 h; the plant begins and ends both years at 0, so the area under the
    # straight lines is the same number, and there is no gap
    assert year_mwh == pytest.approx({"2019": 85_210.07990, "2020": 84_430.16396}, abs=1e-4)
    counts = conn.execute(
        "SELECT c.key, count(*), min(r.value), max(r.value) FROM reading r"
        " JOIN channel c USING (channel_id) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert counts == [
        ("air", 70_116, -18.2, 41.2),
        ("humidity", 70_176 - 60 - 6_747, 0.0, 69.9),
        ("power", 70_176, 0.0, 48.32173),
        ("pressure", 70_116, 894.0, 936.3),
    ]
    quality = conn.execute(
        "SELECT quality, count(*) FROM interval JOIN channel c USING (channel_id)"
        " WHERE c.key = 'power' GROUP BY 1"
    ).fetchall()
    assert quality == [("measured", 70_175)]  # the last quarter-hour waits for a reading at its end


@pytest.mark.fulldata
def test_water_through_both_clock_changes(program: Program, tmp_path: Path) -> None:
    """Hourly means of two districts, 821 local days, 778 and 105 hours of them missing."""
    channel = {"quantity": "water_volume", "unit": "m3", "kind": "interval"}
    channel |= {"multiplier": M3_PER_HOUR, "period_s": 3600}
    districts = {"DMA 1 (L/s)": "d1", "DMA 3 (L/s)": "d3"}
    apply_park(
        program, tmp_path, "Europe/Rome", {"dma": dict.fromkeys(districts.values(), channel)}
    )
    time = {"column": STAMP, "format": "%d/%m/%Y %H:%M", "stamp": "start", "fold": "order"}
    columns = {column: f"dma/{key}" for column, key in districts.items()}
    said = import_file(program, tmp_path, WATER, {"park": "site", "time": time, "columns": columns})
    assert f"{2 * 19_679 - 778 - 105:,} stored" in said
    assert "values missing: 883" in said
    program("run", "--once", "--now", "2023-04-02T00:00+02:00")
    days = by(program, "day")
    sheet = pd.read_excel(WATER, engine="calamine", na_values="NaN")
    date = pd.to_datetime(sheet[STAMP], format="%d/%m/%Y %H:%M").dt.strftime("%Y-%m-%d")
    for column, key in districts.items():
        flow = pd.to_numeric(sheet[column], errors="coerce")
        expected = (flow.groupby(date).sum() * M3_PER_HOUR)[flow.groupby(date).count() > 0]
        hours = flow.groupby(date).count()
        mine = {d: r for d, r in days[key].items() if r["value"]}
        assert list(mine) == list(expected.index), key
        for day, row in mine.items():
            assert float(row["value"]) == pytest.approx(expected[day], abs=1e-6), (key, day)
            assert int(row["buckets"]) == 4 * hours[day], (key, day)
        quarters = {d: int(r["expected_buckets"]) for d, r in days[key].items()}
        unusual = {d: n for d, n in quarters.items() if n != 96}
        assert unusual == {
            "2021-03-28": 92, "2021-10-31": 100, "2022-03-27": 92, "2022-10-30": 100,
            "2023-03-26": 92,
        }  # fmt: skip
    # by hand: 31 October 2021 is 25 of the sheet's rows (7273 to 7297)
    night = rows(
        program, "--by", "hour", "--channel", "d3", "--from", "2021-10-31", "--to", "2021-11-01"
    )
    assert [r["period"][11:] for r in night[2:4]] == ["02:00:00+02:00", "02:00:00+01:00"]
    assert [float(r["value"]) for r in night[2:4]] == pytest.approx([2.2075 * 3.6, 2.24 * 3.6])
    assert len(night) == 22  # three hours of that day are NaN: no row, no zero
    # a flow by the hour is spread evenly: the total is measured, its shape is not
    assert findings(program, "interval.overlap") == []
