"""The UIUC campus with fifteen times its wind: annual and hourly share part from each other."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.acceptance.test_measured_data import replayed
from tests.conftest import DATA

WIND_TIMES = 15
ZONE = "Etc/GMT+6"


def measured() -> pd.DataFrame:
    """Hours of 2017 [kWh]: demand, pv, wind x 15; straight from the files."""
    folder = DATA / "uiuc_campus"
    files = {
        "demand": ("uiuc_demand_data.csv", "kw", 1),
        "pv": ("solarfarm_data.csv", "kw", 1),
        "wind": ("railsplitter_data.csv", "MWh", 1000 * WIND_TIMES),
    }
    columns = {}
    for name, (file, header, scale) in files.items():
        frame = pd.read_csv(folder / file, parse_dates=["time"]).drop_duplicates("time")
        columns[name] = frame.set_index("time")[header] * scale
    return pd.DataFrame(columns).loc["2017-01-01":"2017-12-31 23:00"]  # type: ignore[misc]


def virtual_ppa(folder: Path) -> Path:
    """The example with the PPA as a trade only: the campus draws demand - PV from the grid."""
    example = Path("examples/uiuc")
    park = yaml.safe_load((example / "park.yaml").read_text(encoding="utf-8"))
    mapping = yaml.safe_load((example / "replay.yaml").read_text(encoding="utf-8"))
    meters = park["enterprises"][0]["meters"]
    park["enterprises"][0]["meters"] = [m for m in meters if m["key"] != "ppa"]
    mapping["channels"] = [c for c in mapping["channels"] if c["meter"] != "ppa"]
    for channel in mapping["channels"]:
        if channel["meter"] == "grid":
            channel["minus"] = ["pv"]
    (folder / "park.yaml").write_text(yaml.safe_dump(park, allow_unicode=True), encoding="utf-8")
    (folder / "replay.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")
    return folder


def write(file: Path, header: str, rows: list[tuple[Any, ...]]) -> str:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return str(file)


@pytest.mark.fulldata
def test_annual_and_hourly_share(program: Program, conn: Conn, tmp_path: Path) -> None:
    hours = measured()
    assert len(hours) == 8760
    months = hours["wind"].groupby(hours.index.strftime("%Y-%m")).sum().round()
    trades = write(
        tmp_path / "trades.csv",
        "enterprise,contract,month,kind,settled_kwh",
        [("campus", "wind-ppa", month, "green", int(kwh)) for month, kwh in months.items()],
    )
    curve = write(
        tmp_path / "curve.csv",
        "enterprise,contract,hour_start,kwh",
        [
            ("campus", "wind-ppa", at.tz_localize(ZONE).isoformat(), round(kwh, 3))
            for at, kwh in hours["wind"].items()
        ],
    )
    replayed(
        program,
        conn,
        virtual_ppa(tmp_path),
        "uiuc_campus",
        "--from",
        "2017-01-01",
        "--to",
        "2018-01-01",
    )
    program("ledger", "import", trades)
    program("ledger", "import", curve)
    program("run", "--once", "--now", "2018-01-01T06:00:00+00:00")
    told = program(
        *("indicators", "green", "--enterprise", "campus", "--period", "2017"),
        *("--format", "json", "--now", "2018-01-01T06:00:00+00:00"),
    )
    rows = {r["indicator"]: r for r in json.loads(told)}

    # independently, in a few lines
    use = hours["demand"].sum()
    annual = (hours["pv"] + hours["wind"]).sum() / use
    hourly = (hours["pv"] + hours["wind"]).clip(upper=hours["demand"]).sum() / use
    assert annual - hourly > 0.05
    assert rows["green_share_claim"]["value"] == pytest.approx(annual, abs=1e-5)
    assert rows["green_share_hourly"]["value"] == pytest.approx(hourly, abs=1e-5)
    assert rows["green_share_physical"]["value"] == pytest.approx(hours["pv"].sum() / use, abs=1e-5)
    assert rows["green_share_hourly"]["completeness_ratio"] == 1.0
    print(f"UIUC 2017, wind x {WIND_TIMES}: annual {annual:.3%}, hourly {hourly:.3%}")
