"""Water and electricity of two households: false zeros, and registers without a fault."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.acceptance.metering import apply_park, findings, import_file, rows
from tests.conftest import DATA, REPO

EXCERPT = REPO / "tests" / "data" / "measured"
WATER = DATA / "registers" / "homewizard" / "15min_Water-2025-3-1-2025-7-12.csv"
POWER = DATA / "registers" / "homewizard" / "homewizard_2022-09_15min_elec.csv"
COLUMNS = {
    "Import T1 kWh": "import_t1",
    "Import T2 kWh": "import_t2",
    "Export T1 kWh": "export_t1",
    "Export T2 kWh": "export_t2",
}
MULTIPLIER = 40  # as if behind transformers
# (first false zero in UTC, how many, last true register before, first true register after) [L]
FALSE_ZEROS = [
    ("2025-04-17T13:30", 1, 111890, 111893),
    ("2025-04-30T14:30", 2, 156890, 156923),
    ("2025-05-07T09:45", 1, 177070, 177320),
    ("2025-05-07T12:00", 1, 180186, 180210),
    ("2025-05-07T13:15", 1, 180286, 180286),
    ("2025-05-08T08:45", 2, 181366, 181440),
    ("2025-05-08T09:30", 15, 181440, 181570),
    ("2025-05-30T18:45", 2, 253770, 253770),
]


def water(program: Program, folder: Path, file: Path, now: str) -> str:
    """The column says dl, its values are litres."""
    channel = {"quantity": "water_volume", "unit": "L", "kind": "register", "resolution": 1}
    apply_park(program, folder, "Europe/Amsterdam", {"hw": {"intake": channel}})
    mapping = {
        "park": "site",
        "time": {"column": "time"},
        "columns": {"water usage dl": "hw/intake"},
    }
    said = import_file(program, folder, file, mapping)
    program("run", "--once", "--now", now)
    return said


def glitches(program: Program) -> list[tuple[str, int, float, float]]:
    return [
        (f["period_start"][:16], e["readings"], e["before"], e["after"])
        for f in findings(program, "register.glitch")
        for e in [f["evidence"]]
    ]


def test_two_days_with_false_zeros(program: Program, tmp_path: Path) -> None:
    """7 and 8 May: five of the nine, the last of them 15 readings long; 176,456 to 182,760 L."""
    said = water(program, tmp_path, EXCERPT / "water_false_zeros.csv", "2025-05-10T00:00+02:00")
    raw = pd.read_csv(EXCERPT / "water_false_zeros.csv")["water usage dl"]
    assert f"{len(raw)} readings: {len(raw)} stored" in said
    assert glitches(program) == FALSE_ZEROS[2:7]
    quarters = rows(program)
    assert {q["quality"] for q in quarters} == {"measured", "estimated"}
    assert min(float(q["value"]) for q in quarters) == 0
    total_m3 = sum(float(q["value"]) for q in quarters)
    assert total_m3 == pytest.approx((raw.iloc[-1] - raw.iloc[0]) / 1000, abs=1e-9)


@pytest.mark.fulldata
def test_nine_false_zeros(program: Program, tmp_path: Path) -> None:
    said = water(program, tmp_path, WATER, "2025-07-14T00:00+02:00")
    assert "12,860 readings: 12,860 stored" in said
    assert glitches(program) == FALSE_ZEROS
    # the ninth does not return before the file ends: 41 zeros wait
    (held,) = findings(program, "register.held")
    assert held["period_start"] == "2025-07-12T11:45:00+00:00"
    assert (held["evidence"]["before"], held["evidence"]["readings"]) == (403_410, 41)
    assert [f["code"] for f in findings(program, "register.reset")] == []
    quarters = rows(program)
    used = [q for q in quarters if q["quality"] != "missing"]
    # from the first register, a true zero, to the last one, 403,410 L at 13:30
    assert sum(float(q["value"]) for q in used) == pytest.approx(403.410, abs=1e-9)
    until = [q for q in used if q["bucket_start"] < "2025-07-12T10:45"]  # 12:45 local
    assert sum(float(q["value"]) for q in until) == pytest.approx(402.930, abs=1e-9)
    assert used[-1]["bucket_start"] == "2025-07-12T11:15:00+00:00"
    assert len(quarters) - len(used) == 41
    assert sum(q["quality"] == "estimated" for q in used) == sum(n + 1 for _, n, *_ in FALSE_ZEROS)


@pytest.mark.fulldata
def test_a_month_without_a_fault(program: Program, conn: Conn, tmp_path: Path) -> None:
    channel = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}
    channel |= {"multiplier": MULTIPLIER}
    apply_park(
        program, tmp_path, "Europe/Amsterdam", {"hw": dict.fromkeys(COLUMNS.values(), channel)}
    )
    columns = {column: f"hw/{key}" for column, key in COLUMNS.items()}
    mapping = {"park": "site", "time": {"column": "time"}, "columns": columns}
    assert "11,520 readings: 11,520 stored" in import_file(program, tmp_path, POWER, mapping)
    program("run", "--once", "--now", "2022-10-02T00:00+02:00")
    found = conn.execute(
        "SELECT c.key, sum(value), count(*), count(*) FILTER (WHERE quality = 'measured')"
        " FROM interval JOIN channel c USING (channel_id) GROUP BY 1"
    ).fetchall()
    # last less first register of the file
    steps = {"import_t1": 855.816, "import_t2": 500.611, "export_t1": 284.979, "export_t2": 576.139}
    assert {k: round(float(v), 6) for k, v, *_ in found} == {
        k: round(v * MULTIPLIER, 6) for k, v in steps.items()
    }
    assert {tuple(n) for _, _, *n in found} == {(2879, 2879)}
    assert findings(program, "register") == []
