"""A measured weather file instead of a synthetic year."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from models.errors import ConfigError
from simulators import sun
from simulators.scenario import Site
from simulators.timegrid import YearGrid
from simulators.weather import pv_ratio, temperature_degc, wind_ratio
from simulators.weather_file import measured_year

ZONE = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def frame(year: int = 2024, zone: str | None = None) -> pd.DataFrame:
    """A year by the hour: the air tells the day of the year, the wind the hour."""
    time = pd.date_range(f"{year}-01-01", f"{year}-12-31 23:00", freq="h", tz=zone)
    days, hours = time.dayofyear.to_numpy(), time.hour.to_numpy()
    return pd.DataFrame(
        {
            "time": time.map(str),
            "ghi": np.maximum(0.0, 800 * np.sin(np.pi * (hours - 6) / 12)),
            "temp_air": days / 10,
            "wind_speed": hours / 2,
        }
    )


def write(tmp_path: Path, table: pd.DataFrame) -> Path:
    path = tmp_path / "weather.csv"
    table.to_csv(path, index=False)
    return path


def refused(tmp_path: Path, table: pd.DataFrame) -> str:
    with pytest.raises(ConfigError) as info:
        measured_year(write(tmp_path, table), YearGrid(2024, ZONE))
    return str(info.value)


def test_values_at_their_local_time(tmp_path: Path) -> None:
    grid = YearGrid(2024, ZONE)
    got = measured_year(write(tmp_path, frame()), grid)
    step = 96 * 9 + 14 * 4  # 10 January 14:00 to 14:15
    assert got.wind_speed[step] == pytest.approx(7 + 0.5 * 7.5 / 60)
    assert got.temp_air[step] == pytest.approx(1.0)
    assert len(got.ghi) == len(grid) == 366 * 96


def test_an_offset_in_the_time_counts(tmp_path: Path) -> None:
    table = frame(zone="Asia/Shanghai")
    in_utc = table.assign(time=pd.to_datetime(table["time"]).dt.tz_convert("UTC").map(str))
    (tmp_path / "utc").mkdir()
    a = measured_year(write(tmp_path / "utc", in_utc), YearGrid(2024, ZONE))
    b = measured_year(write(tmp_path, frame()), YearGrid(2024, ZONE))
    assert a.wind_speed == pytest.approx(b.wind_speed)


@pytest.mark.parametrize(
    ("held", "wanted", "date", "day"),
    [
        (2024, 2026, "02-28", 5.9),
        (2024, 2026, "03-01", 6.1),  # 29 February, day 60, is left out
        (2024, 2026, "12-31", 36.6),
        (2023, 2028, "02-29", 5.9),  # takes the 28th
        (2023, 2028, "03-01", 6.0),
        (2023, 2028, "12-31", 36.5),
    ],
)
def test_other_years_by_their_calendar(
    tmp_path: Path, held: int, wanted: int, date: str, day: float
) -> None:
    got = measured_year(write(tmp_path, frame(held)), YearGrid(wanted, ZONE))
    step = (pd.Timestamp(f"{wanted}-{date}").dayofyear - 1) * 96 + 48
    assert got.temp_air[step] == pytest.approx(day)


def test_several_years_are_kept_apart(tmp_path: Path) -> None:
    table = pd.concat([frame(2022).assign(temp_air=1.0), frame(2023).assign(temp_air=2.0)])
    path = write(tmp_path, table)
    seen = {y: measured_year(path, YearGrid(y, ZONE)).temp_air[5000] for y in range(2022, 2027)}
    assert seen == {2022: 1.0, 2023: 2.0, 2024: 1.0, 2025: 2.0, 2026: 1.0}


def test_the_clocks_of_summer(tmp_path: Path) -> None:
    hours = pd.date_range("2023-12-31 23:00", "2024-12-31 22:00", freq="h", tz="UTC")
    table = pd.DataFrame(
        {"time": hours.map(str), "ghi": 0.0, "temp_air": 0.0, "wind_speed": np.arange(8784) % 24}
    )
    got = measured_year(write(tmp_path, table), YearGrid(2024, BERLIN))
    assert len(got.wind_speed) == 366 * 96
    assert got.wind_speed[::4].max() < 24
    ambiguous = frame(2024, "Europe/Berlin")
    naive = ambiguous.assign(time=ambiguous["time"].str[:19])
    with pytest.raises(ConfigError, match=r"'2024-10-27 02:00:00', expected a time that exists"):
        measured_year(write(tmp_path, naive), YearGrid(2024, BERLIN))


def test_short_gaps_are_bridged_and_long_ones_refused(tmp_path: Path) -> None:
    short = frame().drop(index=[100, 101])
    assert measured_year(write(tmp_path, short), YearGrid(2024, ZONE)).wind_speed.max() < 12
    text = refused(tmp_path, frame().drop(index=[100, 101, 102]))
    assert "'ghi': nothing from 2024-01-05 03:00 to 2024-01-05 07:00" in text
    empty = frame()
    empty.loc[100:110, "wind_speed"] = np.nan
    assert "'wind_speed': nothing from" in refused(tmp_path, empty)


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    table = frame().astype({"temp_air": object})
    table.loc[0, "temp_air"] = -99.0
    table.loc[5, "temp_air"] = "warm"
    table.loc[7, "ghi"] = 6553.5
    text = refused(tmp_path, table)
    assert "weather.csv" in text
    assert "line 2, column 'temp_air': got '-99.0', expected a number between -60 and 60" in text
    assert "line 7, column 'temp_air': got 'warm'" in text
    assert "line 9, column 'ghi': got '6553.5'" in text
    assert "no column 'ghi'; its columns are time, GHI" in refused(
        tmp_path, frame().rename(columns={"ghi": "GHI"})
    )
    swapped = frame()
    swapped.loc[10, "time"] = "2024-01-01 08:30:00"
    assert "line 12, column 'time'" in refused(tmp_path, swapped)
    swapped.loc[10, "time"] = "yesterday"
    assert "'yesterday'" in refused(tmp_path, swapped)
    assert "one whole calendar year is needed" in refused(tmp_path, frame().iloc[:5000])
    assert "and 8779 more" in refused(tmp_path, frame().assign(ghi=-500))
    with pytest.raises(ConfigError, match="cannot be read"):
        measured_year(tmp_path / "none.csv", YearGrid(2024, ZONE))
    (tmp_path / "no.csv").write_text("")
    with pytest.raises(ConfigError, match="is not CSV"):
        measured_year(tmp_path / "no.csv", YearGrid(2024, ZONE))


def test_plants_run_on_the_measured_weather(tmp_path: Path) -> None:
    grid = YearGrid(2024, ZONE)
    plain = Site(latitude=40.6, longitude=109.9, altitude_m=1050)
    clear = sun.clear_sky(grid, plain).ghi
    table = pd.DataFrame(
        {
            "time": grid.middles.map(str),
            "ghi": np.round(clear * 0.5, 2),
            "temp_air": 20.0,
            "wind_speed": 5.0,
        }
    )
    update = {"weather_file": write(tmp_path, table), "weather_wind_height_m": 10}
    site = plain.model_copy(update=update)
    assert temperature_degc(grid, site, 1) == pytest.approx(20.0)
    measured, synthetic = pv_ratio(grid, site, 1), pv_ratio(grid, plain, 1)
    assert 0.3 < measured.sum() / synthetic.sum() < 0.6
    assert measured == pytest.approx(pv_ratio(grid, site, 2), abs=0.1)  # rain on dust differs
    # 5 m/s at 10 m are 5 * 10^(1/7) = 6.95 m/s at 100 m: one power, less the failures
    power = wind_ratio(grid, site, 1, "wt1")
    assert np.median(power) == pytest.approx(power.max(), rel=0.06)
    assert 0.2 < np.median(power) < 0.35
