"""The program as people meet it: help, errors, formats, difference before application."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import make_app
from app.embedded import free_port
from tests.acceptance.conftest import REPO, Program
from tests.integration.test_collector import wait_for

PARK = "tests/data/park.yaml"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def test_every_command_has_help_and_working_commands_an_example(program: Program) -> None:
    root = typer.main.get_command(make_app())
    found = list(commands(root))
    assert {
        "migrate",
        "apply",
        "doctor",
        "collect",
        "run",
        "simulate",
        "replay",
        "intervals",
        "findings",
        "indicators",
        "demo",
    } <= {c[0] for c in found}
    for path in found:
        command: Any = root
        for name in path:
            command = command.commands[name]
        assert command.help, path
        if path[0] != "dashboards":
            assert "Example" in command.help, path
    assert "park.yaml" in program("apply", "--help")


def test_apply_shows_the_difference_first(program: Program, tmp_path: Path) -> None:
    said = program("apply", PARK, "--dry-run")
    assert "would change" in said
    assert "0 changed" not in said
    assert "nothing" not in program("apply", PARK)
    assert "; 0 changed" in program("apply", PARK)
    edited = tmp_path / "park.yaml"
    edited.write_text(
        (REPO / PARK)
        .read_text()
        .replace("water_intensity_m3_per_t: 2", "water_intensity_m3_per_t: 3")
    )
    said = program("apply", str(edited), "--dry-run")
    assert "~ alpha.targets.water_intensity_m3_per_t: 2.0 -> 3.0" in said
    assert "; 1 would change" in said


def test_faults_are_sentences_with_place_and_remedy(program: Program, tmp_path: Path) -> None:
    bad = tmp_path / "park.yaml"
    text = (REPO / PARK).read_text()
    bad.write_text(text.replace("unit: MWh", "unit: MW").replace("key: b-grid", "key: a-grid"))
    import subprocess

    done = subprocess.run(
        program.command("apply", str(bad)),
        cwd=REPO,
        capture_output=True,
        env=program.environment,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "enterprises.1.meters.0.channels.import_kwh" in done.stderr
    assert "'MW' does not measure active_energy; expected one of: Wh, kWh, MWh" in done.stderr


def test_reading_commands_speak_json_and_csv(program: Program) -> None:
    program("apply", PARK)
    assert json.loads(program("findings", "--format", "json")) == []
    rows = list(csv.reader(io.StringIO(program("intervals", "--format", "csv"))))
    assert [row[:6] for row in rows] == [
        ["bucket_start", "channel", "value", "unit", "quality", "method"]
    ]
    assert json.loads(program("indicators", "--format", "json")) == []
    assert json.loads(program("alerts", "list", "--format", "json")) == []


def test_doctor_names_problems_with_remedies(program: Program) -> None:
    problems = json.loads(program("doctor", "--format", "json", expect=1))
    assert {
        "subject": "park",
        "level": "error",
        "problem": "no park is applied",
        "remedy": "run: greenpark apply park.yaml",
    } in problems
    program("apply", PARK)
    problems = json.loads(program("doctor", "--format", "json"))
    assert all(p["remedy"] for p in problems)
    assert any(p["problem"] == "never sent a reading" for p in problems)
    beta = [p["problem"] for p in problems if p["subject"] == "beta/b-grid/import_kwh"]
    assert any(re.search("without modulus", p) for p in beta)


def test_a_database_that_is_away_is_said_so(program: Program) -> None:
    program.environment["GREENPARK_DSN"] = "postgresql://nobody@127.0.0.1:1/x"
    import subprocess

    done = subprocess.run(
        program.command("findings"),
        cwd=REPO,
        env=program.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "error: connect to the database" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("intervals", "--from", "2026-03-01T00:00:00"), ("run", "--now", "2026-03-01T00:00:00Z")],
)
def test_wrong_use_exits_with_2(program: Program, arguments: tuple[str, ...]) -> None:
    program(*arguments, expect=2)


def test_a_service_waits_for_its_database(program: Program) -> None:
    dsn = program.environment["GREENPARK_DSN"]
    program.environment["GREENPARK_DSN"] = f"host=127.0.0.1 port={free_port()} dbname=x"
    process = program.start("collect")
    log = program.folder / "collect.log"
    wait_for(lambda: "waiting for the database" in log.read_text(), "it says what it waits for")
    assert process.poll() is None
    process.terminate()
    process.wait(10)
    program.environment["GREENPARK_DSN"] = dsn
