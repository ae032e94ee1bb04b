"""Measured data with answers that nobody here wrote, through the whole real chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.indicators.power import power_factor
from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.conftest import DATA
from tests.integration.test_collector import wait_for

STEEL_INTERVALS = "7c980f3b803220e0"
MONTHS_KWH = [
    126238.3,
    91497.3,
    80230.4,
    78769.8,
    79059.3,
    65404.6,
    81674.4,
    68559.4,
    57883.1,
    84665.7,
    86217.6,
    59436.8,
]


def replayed(program: Program, conn: Conn, example: Path, folder: str, *more: str) -> int:
    """Apply the park, collect a replay, stop the collector; returns the number of readings."""
    program("apply", str(example / "park.yaml"))
    collector = program.start("collect")
    wait_for(
        lambda: conn.execute("SELECT count(*) FROM collector_state").fetchone() != (0,),
        "collector alive",
        30,
    )
    said = program(
        "replay",
        str(example / "replay.yaml"),
        "--data",
        str(DATA / folder),
        "--batch",
        "24",
        *more,
    )
    readings = int(said.split(" readings")[0].split()[-1])
    wait_for(stored(conn, readings), f"{readings} readings stored", 120)
    program.stop_all()
    assert collector.returncode == 0
    return readings


def interval_hash(conn: Conn) -> str:
    """Fingerprint of every interval: channel, time, exact value, quality."""
    digest = hashlib.sha256()
    for row in conn.execute(
        "SELECT c.key, extract(epoch FROM bucket_start)::int8, value::float8, quality"
        " FROM interval JOIN channel c USING (channel_id) ORDER BY 1, 2"
    ).fetchall():
        digest.update(repr(row).encode())
    return digest.hexdigest()[:16]


def stored(conn: Conn, readings: int) -> Callable[[], bool]:
    return lambda: conn.execute("SELECT count(*) FROM reading").fetchone() == (readings,)


@pytest.mark.fulldata
@pytest.mark.parametrize(
    ("year", "share", "demand_kwh"),
    [("2017", 7.549, 446_338_961.003), ("2018", 7.044, 442_250_539.98)],
)
def test_uiuc_green_share(
    program: Program, conn: Conn, tmp_path: Path, year: str, share: float, demand_kwh: float
) -> None:
    trades = tmp_path / "trades.csv"
    following = str(int(year) + 1)
    assert (
        replayed(
            program,
            conn,
            Path("examples/uiuc"),
            "uiuc_campus",
            "--from",
            f"{year}-01-01",
            "--to",
            f"{following}-01-01",
            "--trades-csv",
            str(trades),
        )
        == 4 * 8761
    )
    program("import", "trades", str(trades))
    program("run", "--once", "--now", f"{following}-01-01T06:00:00+00:00")
    rows = json.loads(
        program("indicators", "--format", "json", "--now", f"{following}-01-01T00:00:00-06:00")
    )
    values = {(r["indicator"], r["subject"]): r for r in rows if r["period_kind"] == "ytd"}
    park = values["green_share_claim", "park"]
    assert park["value"] * 100 == pytest.approx(share, abs=0.005)
    assert park["denominator"] == pytest.approx(demand_kwh, rel=1e-4)
    assert (park["completeness_ratio"], park["status"]) == (1.0, "final")
    assert park["estimated_ratio"] == 0
    print(f"UIUC {year}: S3 {park['value']:.5%}, E {park['denominator']:,.0f} kWh")


def steel_power(conn: Conn) -> None:
    """Power factor, adjustment and demand of every month against a few lines of pandas."""
    file = pd.read_csv(DATA / "steel_uci" / "Steel_industry_data.csv")
    # by position: the last row of each day is stamped with its own midnight (README of the data)
    month = pd.date_range("2018-01-01", periods=len(file), freq="15min").month
    kwh = file["Usage_kWh"]
    lagging, leading = file.iloc[:, 2], file.iloc[:, 3]
    by_month = pd.DataFrame({"kwh": kwh, "kvarh": lagging + leading}).groupby(month).sum()
    demand = kwh.groupby(month).max() * 4
    rows = conn.execute(
        "SELECT indicator, extract(month FROM period_start)::int, value FROM indicator_value"
        " WHERE period_kind = 'month' AND enterprise_id IS NOT NULL"
        " AND indicator IN ('power_factor', 'power_factor_adjustment', 'max_demand')"
    ).fetchall()
    got = {(key, m): value for key, m, value in rows}
    print("steel 2018: month, power factor (lagging alone), adjustment, demand")
    for m, row in by_month.iterrows():
        cos = row.kwh / (row.kwh**2 + row.kvarh**2) ** 0.5
        alone = row.kwh / (row.kwh**2 + lagging[month == m].sum() ** 2) ** 0.5
        assert got["power_factor", m] == pytest.approx(cos, abs=0.005)
        points = round(got["power_factor", m] * 100) - 90
        wanted = -min(points * 0.0015, 0.0075) if points > 0 else -points * 0.005  # none below 0.70
        assert points >= -20
        assert got["power_factor_adjustment", m] == pytest.approx(wanted)
        assert got["max_demand", m] == pytest.approx(demand[m], abs=0.01)
        print(f"{m:4} {got['power_factor', m]:.2f} ({alone:.2f}) {wanted:+.2%} {demand[m]:.1f} kW")


@pytest.mark.fulldata
def test_steel_power_factor_of_every_row() -> None:
    """100 P / hypot(P, Q lagging) is the file's own lagging power factor within 0.005."""
    file = pd.read_csv(DATA / "steel_uci" / "Steel_industry_data.csv")
    kwh, kvarh = (file.iloc[:, n].to_numpy(dtype=float) for n in (1, 2))
    running = np.hypot(kwh, kvarh) > 0
    assert running.sum() == 35_039
    gap = np.abs(100 * power_factor(kwh, kvarh) - file["Lagging_Current_Power_Factor"])[running]
    assert gap.max() <= 0.0050001
    print(f"steel rows: {running.sum()} compared, largest difference {gap.max():.4f} points")


@pytest.mark.fulldata
def test_steel_months(program: Program, conn: Conn) -> None:
    readings = replayed(program, conn, Path("examples/steel"), "steel_uci")
    assert readings == 3 * 35_041
    program("run", "--once", "--now", "2019-01-01T00:00:00+09:00")
    rows = conn.execute(
        "SELECT extract(month FROM day)::int, sum(value)::float8 FROM channel_day d"
        " JOIN channel c USING (channel_id) WHERE c.key = 'import_kwh' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [m for m, _ in rows] == list(range(1, 13))
    for (month, kwh), expected in zip(rows, MONTHS_KWH, strict=True):
        assert kwh == pytest.approx(expected, abs=0.1), month
    assert sum(k for _, k in rows) == pytest.approx(959_636.71, abs=0.005)
    counts = conn.execute("SELECT quality, count(*) FROM interval GROUP BY 1").fetchall()
    assert counts == [("measured", 3 * 35_040)]
    steel_power(conn)
    print(f"steel 2018: {sum(k for _, k in rows):,.2f} kWh, intervals {interval_hash(conn)}")
    # the same bits on plain PostgreSQL and on TimescaleDB: this test runs on both
    assert interval_hash(conn) == STEEL_INTERVALS
