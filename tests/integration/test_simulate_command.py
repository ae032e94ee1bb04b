"""greenpark simulate without a broker: into the database, to a file, the truth, the scorecard."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from app.cli import make_app
from tests.unit.simulators.sample import DONGHE

RANGE = ("--from", "2026-04-17T22:00:00+08:00", "--to", "2026-04-18T10:00:00+08:00")
FAULTS = ("--park", str(DONGHE / "park.yaml"), "--scenario", str(DONGHE / "faults.yaml"))
Run = Callable[..., str]


def readings(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(
            "SELECT channel_id, ts, value FROM reading ORDER BY channel_id, ts"
        ).fetchall()


def test_stored_again_and_imported_are_the_same_readings(
    run: Run, dsn: str, tmp_path: Path
) -> None:
    run("migrate")
    run("apply", str(DONGHE / "park.yaml"))
    first = run("simulate", *FAULTS, *RANGE, "--store")
    stored = readings(dsn)
    # 5 % come twice from midnight on: recognised in the very run
    assert re.search(r"([\d,]+) stored, ([\d,]+) duplicate", first), first
    again = run("simulate", *FAULTS, *RANGE, "--store")
    assert " stored" not in again.splitlines()[-2]
    out = tmp_path / "park.jsonl.gz"
    run("simulate", *FAULTS, *RANGE, "--out", str(out))
    run("import", "messages", str(out))
    assert readings(dsn) == stored
    assert len(stored) > 2000
    other = tmp_path / "other.jsonl.gz"
    run("simulate", *FAULTS, *RANGE, "--out", str(other))
    assert other.read_bytes() == out.read_bytes()
    run("simulate", *FAULTS, *RANGE, "--out", str(other), "--seed", "2027")
    assert other.read_bytes() != out.read_bytes()


def test_truth_is_written_and_balanced(run: Run, tmp_path: Path) -> None:
    run("simulate", *FAULTS, *RANGE, "--out", str(tmp_path / "x.jsonl.gz"),
        "--truth", str(tmp_path / "truth"))  # fmt: skip
    with (tmp_path / "truth" / "energy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["day"] for r in rows} == {"2026-04-17", "2026-04-18"}
    for row in rows:
        v = {k: float(x) for k, x in row.items() if k not in ("day", "enterprise")}
        used = v["load_kwh"] + v["charge_kwh"] + v["export_kwh"]
        made = sum(v[f"{k}_kwh"] for k in ("import", "direct", "pv", "wind", "discharge"))
        assert used == pytest.approx(made, abs=1e-5)
    told = json.loads((tmp_path / "truth" / "park.json").read_text())
    assert told["seed"] == 2026


def test_a_fleet_is_written_applied_and_stored_once(run: Run, dsn: str, tmp_path: Path) -> None:
    run("migrate")
    run("simulate", "fleet", "--meters", "20", "--out", str(tmp_path / "fleet.yaml"))
    run("apply", str(tmp_path / "fleet.yaml"))
    state = ("--store", "--state", str(tmp_path / "state"))
    words = ("simulate", "--meters", "20", *RANGE[:3], "2026-04-18T00:00:00+08:00", *state)
    assert "2,400 stored" in run(*words)
    assert len(readings(dsn)) == 20 * 120
    assert "0 messages, 0 readings: nothing" in run(*words)


def test_options_that_do_not_go_together_are_refused(run: Run) -> None:
    for words in (("--store",), (*RANGE, "--speed", "60", "--store"), ("--speed", "max"),
                  (*RANGE, "--store", "--out", "x"), ("--speed", "fast"),
                  ("--meters", "5"), (*RANGE, "--state", "x")):  # fmt: skip
        result = CliRunner().invoke(make_app("simulate"), ["simulate", *FAULTS, *words])
        assert result.exit_code == 2, words
    for words in ((), ("--meters", "5", *RANGE, "--truth", "x"), ("--meters", "0")):
        result = CliRunner().invoke(make_app("simulate"), ["simulate", *words])
        assert result.exit_code == 2, words


def test_the_scorecard_finds_glitch_leak_and_repetitions(run: Run, tmp_path: Path) -> None:
    scenario = tmp_path / "week.yaml"
    scenario.write_text(
        f"""extends: {DONGHE / "simulation.yaml"}
events:
  - {{kind: glitch_zero, meter: st-grid, from: 2026-03-03T00:00:00+08:00,
     to: 2026-03-04T00:00:00+08:00, per_day: 8}}
  - {{kind: drop_out, enterprise: huize, from: 2026-03-03T06:00:00+08:00,
     to: 2026-03-03T18:00:00+08:00}}
  - {{kind: duplicates, from: 2026-03-04T00:00:00+08:00, to: 2026-03-05T00:00:00+08:00, ratio: 0.1}}
  - {{kind: leak, enterprise: yongzhen, from: 2026-03-03T00:00:00+08:00, m3_per_h: 60}}
"""
    )
    out = run("simulate", "score", "--park", str(DONGHE / "park.yaml"), "--scenario",
              str(scenario), "--to", str(date(2026, 3, 11)), "--format", "json")  # fmt: skip
    lines = {e["enterprise"]: e for e in json.loads(out[out.index("[") :])}
    assert len(lines) == 13
    for line in lines.values():
        assert line["complete_ratio"] == 1.0
        assert abs(line["energy_error_ratio"]) < 1e-5  # the last digit of a display
        assert abs(line["share_error_points"]) < 1e-3
        assert line["saving_error_ratio"] is None
        assert line["readings_lost"] == line["readings_refused"] == 0
        assert line["readings_sent"] > 1000
        assert 0 < line["readings_twice"] / line["readings_sent"] < 0.03  # a tenth, on one day
    assert lines["huize"]["estimated_ratio"] > 0.01  # half a day of nine
    assert lines["bopu"]["estimated_ratio"] == 0.0
    assert lines["yongzhen"]["leak_delay_days"] == 7.0  # the rule looks at whole weeks of data
    assert lines["yongzhen"]["alerts_both"] == lines["yongzhen"]["alerts_expected"] >= 1
