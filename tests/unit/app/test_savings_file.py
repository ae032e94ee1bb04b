"""`greenpark savings check`: a meter from a file, accepted and refused, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import make_app
from models.errors import ConfigError

PERIODS = ("--baseline", "2025-01-01..2026-01-01", "--reporting", "2026-02-01..2026-08-01")


def check(*words: str) -> Result:
    return CliRunner().invoke(make_app("savings"), ["savings", "check", *words])


def meter(tmp_path: Path, *, saves: float = 0.1, freq: str = "D", factor: float = 1.0) -> Path:
    """Use = 2,000 + 50 kWh/t a day +- 2 %; 10 % less from 2026-02-01 on; naive local times."""
    rng = np.random.default_rng(1)
    days = pd.date_range("2025-01-01", "2026-08-01", freq="D", inclusive="left")
    season = np.sin(days.dayofyear.to_numpy() / 365 * 2 * np.pi)
    product = 100 + 10 * season + 10 * rng.uniform(-1, 1, len(days))
    use = (2000 + 50 * product) * (1 + 0.02 * rng.normal(size=len(days)))
    use = np.where(days >= pd.Timestamp("2026-02-01"), use * (1 - saves) * factor, use)
    table = pd.DataFrame({"use": use, "product_t": product}, index=days.rename("date"))
    if freq == "h":
        table = (table / 24).resample("h").ffill()
        last = pd.date_range(table.index[-1], periods=24, freq="h", name="date")
        table = pd.concat([table[:-1], pd.DataFrame([table.iloc[-1]] * 24, index=last)])
        table.index.name = "date"
    path = tmp_path / "meter.csv"
    table.to_csv(path)
    return path


def told(result: Result) -> dict[str, Any]:
    return json.loads(result.output)[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("freq", ["D", "h"])
def test_ten_percent(tmp_path: Path, freq: str) -> None:
    result = check(str(meter(tmp_path, freq=freq)), *PERIODS, "--format", "json")
    assert result.exit_code == 0, result.output
    row = told(result)
    assert row["verdict"] == "accepted"
    assert row["saved"] == pytest.approx(row["expected"] * 0.1, rel=0.06)
    assert "product_t" in row["model"]


def test_a_silent_factor_is_refused_and_a_record_excuses_it(tmp_path: Path) -> None:
    path = str(meter(tmp_path, saves=0.0, factor=0.5))
    result = check(path, *PERIODS, "--format", "json")
    assert result.exit_code == 1
    assert told(result)["saved"] is None
    assert any(r.startswith("meter.scale") for r in told(result)["refusals"])
    excused = check(path, *PERIODS, "--format", "json", "--meter-change", "2026-02-01")
    assert told(excused)["verdict"] == "accepted"


def test_a_missing_hour_is_a_missing_day(tmp_path: Path) -> None:
    path = meter(tmp_path, freq="h")
    lines = path.read_text().splitlines()
    kept = [line for n, line in enumerate(lines) if n == 0 or n % 5 or n < 24 * 200]
    path.write_text("\n".join(kept))  # every fifth hour of the second half is gone
    row = told(check(str(path), *PERIODS, "--format", "json"))
    assert row["verdict"] == "refused"
    assert any(r.startswith("data.") for r in row["refusals"])


def test_months(tmp_path: Path) -> None:
    row = told(check(str(meter(tmp_path)), *PERIODS, "--format", "json", "--monthly"))
    assert row["verdict"] == "accepted", row


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    for text, expected in (
        ("date,value\n2025-01-01,5\n", "column(s) missing: use"),
        ("date,use\nyesterday,5\n", "line 2: got 'yesterday'"),
        ("date,use\n2025-01-01,5\n2025-01-01,6\n", "is told twice"),
    ):
        path.write_text(text)
        result = check(str(path), *PERIODS)
        assert isinstance(result.exception, ConfigError)
        assert expected in str(result.exception)
    result = check(str(path), "--baseline", "2025", "--reporting", "2026-02-01..2026-08-01")
    assert "is no period" in result.output
