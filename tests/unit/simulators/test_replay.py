"""Measured data to registers: stamps, midnight, duplicates, holes, exact sums."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from models.claims import TRADE_COLUMNS, read_trades
from models.errors import ConfigError
from simulators.mapping import ReplayMapping, load_mapping
from simulators.replay import amounts, read_data, replay_messages, trade_rows, write_trades

DATA = Path(__file__).parents[2] / "data" / "replay"
EXAMPLES = Path(__file__).parents[3] / "examples"
Q = timedelta(minutes=15)
# Days of the excerpt: sum of the 96 values that follow each other in the file, column Usage_kWh
STEEL_DAYS_KWH = [Decimal("351.86"), Decimal("3950.43"), Decimal("3561.05")]
MIDNIGHT_SEOUL = datetime(2017, 12, 31, 15, tzinfo=UTC)


def steel(**changes: Any) -> ReplayMapping:
    mapping = load_mapping(EXAMPLES / "steel" / "replay.yaml")
    source = mapping.files[0].model_copy(update={"name": "steel_3_days.csv"})
    return mapping.model_copy(update={"files": (source,)} | changes)


def small(folder: Path, text: str, **changes: Any) -> ReplayMapping:
    """A mapping for one file with columns t, a, b."""
    (folder / "d.csv").write_text(text, encoding="utf-8")
    return ReplayMapping.model_validate(
        {
            "park": "p",
            "source": "ours",
            "timezone": "UTC",
            "step_s": 900,
            "stamp": "start",
            "files": [
                {
                    "name": "d.csv",
                    "time_column": "t",
                    "time_format": "%Y-%m-%d %H:%M",
                    "columns": {"a": {"header": "a"}, "b": {"header": "b"}},
                }
            ],
            "channels": [
                {
                    "enterprise": "e",
                    "meter": "m",
                    "channel": "c",
                    "plus": ["a"],
                    "minus": ["b"],
                    "start": 100,
                }
            ],
        }
        | changes
    )


def readings(mapping: ReplayMapping, folder: Path, batch: int = 1) -> list[tuple[datetime, Any]]:
    out = []
    for message in replay_messages(mapping, read_data(mapping, folder), batch=batch):
        items = json.loads(message.payload)
        for one in items if isinstance(items, list) else [items]:
            out.append((datetime.fromisoformat(one["ts"]), one["values"]))
    return out


def test_midnight_of_its_own_date_is_the_end_of_that_day() -> None:
    data = read_data(steel(), DATA)
    assert data.starts == [MIDNIGHT_SEOUL + n * Q for n in range(288)]  # three days, no hole
    got = amounts(data, ["energy"])
    assert [sum(got[n : n + 96]) for n in (0, 96, 192)] == STEEL_DAYS_KWH
    # the row stamped "01/01/2018 00:00" is the 96th of its day, not the first
    assert (got[0], got[95], got[96]) == (Decimal("3.17"), Decimal("3.42"), Decimal("3.2"))


def test_read_by_value_the_stamps_would_be_wrong() -> None:
    data = read_data(steel(midnight="next_date"), DATA)
    assert data.starts[0] == MIDNIGHT_SEOUL - Q  # 24 h too early
    assert sum(amounts(data, ["energy"])[1:97]) != STEEL_DAYS_KWH[0]


def test_one_more_reading_than_steps_and_exact_registers() -> None:
    got = readings(steel(), DATA)
    assert len(got) == 289
    assert got[0] == (
        MIDNIGHT_SEOUL,
        {"import_kwh": 0.0, "lagging_kvarh": 0.0, "leading_kvarh": 0.0},
    )
    assert got[96][0] == datetime.fromisoformat("2018-01-02T00:00:00+09:00")
    assert [got[n][1]["import_kwh"] for n in (96, 192, 288)] == [351.86, 4302.29, 7863.34]


@pytest.mark.parametrize("batch", [7, 96, 1000])
def test_batches_hold_the_same_readings(batch: int) -> None:
    assert readings(steel(), DATA, batch) == readings(steel(), DATA)


def test_range_of_days_is_half_open() -> None:
    got = readings(steel(from_day=date(2018, 1, 2), stop_day=date(2018, 1, 3)), DATA)
    assert len(got) == 97
    assert got[-1][1]["import_kwh"] == float(STEEL_DAYS_KWH[1])
    with pytest.raises(ConfigError, match="no step in the range that all columns have"):
        readings(steel(from_day=date(2019, 1, 1)), DATA)


def test_minus_columns_and_the_start_of_the_register(tmp_path: Path) -> None:
    mapping = small(tmp_path, "t,a,b\n2026-01-01 00:00,5,1.5\n2026-01-01 00:15,2,2\n")
    assert [v["c"] for _, v in readings(mapping, tmp_path)] == [100, 103.5, 103.5]


def test_a_register_cannot_turn_back(tmp_path: Path) -> None:
    mapping = small(tmp_path, "t,a,b\n2026-01-01 00:00,5,1\n2026-01-01 00:15,2,2.01\n")
    with pytest.raises(
        ConfigError, match=r"m\.c.*\n.*amount -0\.01 in the step of 2026-01-01T00:15"
    ):
        readings(mapping, tmp_path)


def test_after_a_hole_the_register_goes_on_where_it_was(tmp_path: Path) -> None:
    mapping = small(tmp_path, "t,a,b\n2026-01-01 00:00,5,0\n2026-01-01 02:00,3,0\n")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert [(t, v["c"]) for t, v in readings(mapping, tmp_path)] == [
        (at, 100),
        (at + Q, 105),
        (at + 8 * Q, 105),
        (at + 9 * Q, 108),
    ]


def test_steps_that_one_file_lacks_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("t,w\n2026-01-01 00:15,7\n")
    mapping = small(tmp_path, "t,a,b\n2026-01-01 00:00,5,0\n2026-01-01 00:15,3,0\n")
    extra = mapping.files[0].model_validate(
        {
            "name": "e.csv",
            "time_column": "t",
            "time_format": "%Y-%m-%d %H:%M",
            "columns": {"w": {"header": "w"}},
        }
    )
    both = mapping.model_copy(update={"files": (*mapping.files, extra)})
    assert len(read_data(both, tmp_path).starts) == 1


def uiuc(**changes: Any) -> ReplayMapping:
    """Demand and wind of the campus over New Year 2019, the hour in which the wind repeats."""
    mapping = load_mapping(EXAMPLES / "uiuc" / "replay.yaml")
    demand, _solar, wind = mapping.files
    return mapping.model_copy(
        update={
            "files": (
                demand.model_copy(update={"name": "uiuc_demand.csv"}),
                wind.model_copy(update={"name": "uiuc_wind.csv"}),
            ),
            "channels": tuple(c for c in mapping.channels if c.meter in ("demand", "ppa")),
        }
        | changes
    )


def test_the_first_of_two_equal_stamps_counts() -> None:
    data = read_data(uiuc(), DATA)
    assert len(data.starts) == 8
    # 5.504 + 6.45 + 4.472 + 4.042 MWh in 2018; then 4.128 (not 2.1) + 1.2 + 1.1 + 1.2
    assert sum(amounts(data, ["wind"])[:4]) == 20_468
    assert sum(amounts(data, ["wind"])[4:]) == 7_628
    with pytest.raises(ConfigError, match=r"uiuc_wind.csv line 7: .*\n.*comes twice; set first_of"):
        read_data(uiuc(first_of_duplicates=False), DATA)


def test_mean_power_becomes_energy_of_the_step(tmp_path: Path) -> None:
    data = read_data(uiuc(), DATA)
    assert amounts(data, ["demand"])[0] == 40_158  # kW over one hour
    mapping = small(tmp_path, "t,a,b\n2026-01-01 00:00,10,0\n")
    source = mapping.files[0].model_copy(
        update={
            "columns": {
                "a": mapping.files[0].columns["a"].model_copy(update={"value": "mean_kw"}),
                "b": mapping.files[0].columns["b"],
            }
        }
    )
    quarter = mapping.model_copy(update={"files": (source,)})
    assert amounts(read_data(quarter, tmp_path), ["a"]) == [Decimal("2.5")]


def test_trades_are_monthly_sums_in_the_zone_of_the_mapping(tmp_path: Path) -> None:
    mapping = uiuc()
    rows = trade_rows(mapping, read_data(mapping, DATA))
    assert rows == [
        ("campus", "wind-ppa", "2018-12", "green", "20468.000"),
        ("campus", "wind-ppa", "2019-01", "green", "7628.000"),
    ]
    out = tmp_path / "trades.csv"
    write_trades(rows, out)
    assert out.read_text(encoding="utf-8").splitlines()[0] == ",".join(TRADE_COLUMNS)
    assert [r.settled_wh for r in read_trades(out.read_bytes(), "trades.csv")] == [
        20_468_000,
        7_628_000,
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,a\n2026-01-01 00:00,1\n", "no column 'b'; the file has: t, a"),
        ("t,a,b\n01.01.2026,1,1\n", r"d.csv line 2: .*\n.*time '01.01.2026' does not fit"),
        ("t,a,b\n2026-01-01 00:00,1,\n", r"line 2: .*\n.*b: got '', expected a number"),
        (
            "t,a,b\n2026-01-01 00:00,1,1\n2026-01-01 00:15,inf,1\n",
            r"line 3: .*\n.*expected a finite",
        ),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_data(small(tmp_path, text), tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give the folder with --data"):
        read_data(steel(), tmp_path)
