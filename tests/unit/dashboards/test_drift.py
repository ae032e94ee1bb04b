"""The committed JSON is what the code builds, and the command says so when it is not."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from app.commands.dashboards import app
from dashboards.build import build_all, check_all, write_all

runner = CliRunner()


def test_committed_json_matches_the_code() -> None:
    assert check_all() == []


def test_building_twice_gives_the_same_bytes() -> None:
    assert build_all() == build_all()


def test_every_kind_of_drift_is_named(tmp_path: Path) -> None:
    write_all(tmp_path)
    assert check_all(tmp_path) == []
    changed = tmp_path / "en" / "overview.json"
    changed.write_text(changed.read_text().replace("Gap to path", "Gap"))
    (tmp_path / "zh-CN" / "overview.json").unlink()
    (tmp_path / "en" / "old.json").write_text("{}")
    assert check_all(tmp_path) == [
        "en/overview.json: differs from the code",
        "zh-CN/overview.json: missing",
        "en/old.json: no code builds it",
    ]


def test_command_exits_1_on_drift_and_says_the_remedy(tmp_path: Path) -> None:
    drifted = runner.invoke(app, ["check", "--dir", str(tmp_path)])
    assert drifted.exit_code == 1
    assert "run: greenpark dashboards build" in drifted.output
    assert runner.invoke(app, ["build", "--dir", str(tmp_path)]).exit_code == 0
    assert runner.invoke(app, ["check", "--dir", str(tmp_path)]).exit_code == 0
