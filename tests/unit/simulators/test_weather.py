"""Thirty synthetic years of sun and wind at Baotou against measured and published figures.

Measured PV: 50 MW plant, inland China, 2019 and 2020 (Chen & Xu 2022, Sci Data 9:577, CC BY 4.0),
per MW of nameplate, beside means of 30 simulated years (dc/ac 1.1, per AC rating where ramps):

- full-load hours: 1,704 and 1,689 against 1,613 (per kWp);
- clearness of the days (daily energy over the best of 31 days): mean 0.77 against 0.76, standard
  deviation 0.21 against 0.24, correlation with the next day 0.26 against 0.28;
- quarter-hour ramps by day: mean 0.046 against 0.049, standard deviation 0.065 against 0.066,
  95 % below 0.133 against 0.124, 99 % below 0.240 against 0.230;
- between 10 and 16 h: mean 0.044 against 0.050, 99 % below 0.260 against 0.272.

Wind: 1 GW at Damao with 200 MW PV announced at 3.2 TWh a year, which is 0.32; 2.1 GW of wind and
sun at 5.6 TWh a year is 0.30.
"""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from models.errors import ConfigError
from simulators import sky, sun, wind
from simulators.scenario import Site
from simulators.timegrid import Floats, YearGrid, generator
from simulators.weather import pv_ratio, temperature_degc, wind_ratio

GRID = YearGrid(2026, ZoneInfo("Asia/Shanghai"))
SITE = Site(latitude=40.6, longitude=109.9, altitude_m=1050)
SEEDS = range(30)
MONTH = np.asarray(GRID.middles.month)


@cache
def pv() -> list[Floats]:
    return [pv_ratio(GRID, SITE, seed) for seed in SEEDS]


@cache
def farm() -> list[Floats]:
    return [wind_ratio(GRID, SITE, seed, "wt1") for seed in SEEDS]


def spread(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / np.mean(values))


def correlation(series: Floats, lag: int) -> float:
    return float(np.corrcoef(series[lag:], series[:-lag])[0, 1])


def months(years: list[Floats]) -> Floats:
    """Mean of each month over all years, January first."""
    return np.array([np.mean([y[m == MONTH].mean() for y in years]) for m in range(1, 13)])


def test_pv_yield_and_its_spread() -> None:
    hours = [float(y.sum() / 4) for y in pv()]
    assert 1550 <= np.mean(hours) <= 1700
    assert 0.04 <= spread(hours) <= 0.08
    assert min(hours) > 1350
    assert max(hours) < 1850


def test_pv_months() -> None:
    hours = months(pv()) * 730
    assert hours.argmax() in (3, 4, 5)  # April to June; the rains come in July
    assert hours.argmin() == 11
    assert 1.6 < hours.max() / hours.min() < 2.1  # 1.56 measured at 30 to 35 N


def test_clear_and_dull_days_like_the_measured_ones() -> None:
    got = []
    for year in pv():
        day = pd.Series(year.reshape(365, 96).sum(axis=1))
        clear = day / day.rolling(31, center=True, min_periods=10).quantile(0.95)
        got.append((clear.mean(), clear.std(), clear.autocorr(1)))
    mean, std, memory = np.mean(got, axis=0)
    assert mean == pytest.approx(0.77, abs=0.03)
    assert std == pytest.approx(0.21, abs=0.04)
    assert memory == pytest.approx(0.26, abs=0.06)


def test_quarter_hour_ramps_like_the_measured_ones() -> None:
    got = []
    for year in pv():
        power = year * SITE.dc_ac_ratio
        lit = (power[1:] > 0.02) | (power[:-1] > 0.02)
        ramp = np.abs(np.diff(power))[lit]
        got.append((ramp.mean(), *np.quantile(ramp, (0.95, 0.99))))
    mean, p95, p99 = np.mean(got, axis=0)
    assert mean == pytest.approx(0.046, rel=0.15)
    assert p95 == pytest.approx(0.133, rel=0.15)
    assert p99 == pytest.approx(0.240, rel=0.15)


def test_nights_are_dark_and_the_inverter_clips() -> None:
    night = (GRID.hour < 4) | (GRID.hour >= 21)
    assert max(y[night].max() for y in pv()) == 0
    assert max(y.max() for y in pv()) == pytest.approx(1 / 1.1)
    large = SITE.model_copy(update={"dc_ac_ratio": 1.5})
    clipped = pv_ratio(GRID, large, 1)
    assert clipped.max() == pytest.approx(1 / 1.5)
    assert 0.90 < clipped.sum() / pv()[1].sum() < 0.99


def test_dust_grows_and_is_washed_off() -> None:
    ghi = sun.clear_sky(GRID, SITE).ghi
    dust = sun.soiling_ratio(GRID, SITE, 1, ghi)  # clear skies: no rain, four washings
    washed = pd.Timestamp("2026-06-10").dayofyear - 1
    assert dust[washed] == 0
    assert dust[washed + 10] == pytest.approx(0.010)
    assert (np.diff(dust) < 0).sum() == 4
    rainy = sun.soiling_ratio(GRID, SITE, 1, ghi * 0.4)
    assert rainy.mean() < 0.7 * dust.mean()


def test_wind_capacity_factor_and_its_spread() -> None:
    factors = [float(y.mean()) for y in farm()]
    assert 0.28 <= np.mean(factors) <= 0.36
    assert 0.06 <= spread(factors) <= 0.12
    assert max(y.max() for y in farm()) <= 0.97
    assert min(y.min() for y in farm()) == 0


def test_wind_remembers_hours_and_forgets_days() -> None:
    hourly = [y.reshape(-1, 4).mean(axis=1) for y in farm()]
    after = {lag: np.mean([correlation(y, lag) for y in hourly]) for lag in (1, 12, 72)}
    assert 0.93 <= after[1] <= 0.98
    assert 0.3 <= after[12] <= 0.6
    assert after[72] < 0.12


def test_wind_seasons_and_nights() -> None:
    of_month = months(farm())
    spring, summer, winter = of_month[2:5].mean(), of_month[5:8].mean(), of_month[[0, 1, 11]].mean()
    assert summer < 0.75 * spring
    assert summer < winter < spring
    day = np.mean([y[(GRID.hour > 8) & (GRID.hour < 12)].mean() for y in farm()])
    assert day < np.mean([y[GRID.hour > 20].mean() for y in farm()])


def test_farms_of_a_region_share_their_wind() -> None:
    other = [wind_ratio(GRID, SITE, seed, "wt2") for seed in range(5)]
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(farm(), other, strict=False)]
    assert 0.5 < np.mean(alike) < 0.85


def test_the_speed_is_weibull() -> None:
    """Scale 7.6 and shape 2 mean 6.74 m/s; seasons and nights widen it a little."""
    speed = np.concatenate([wind.wind_speed(GRID, SITE, s, "wt1") for s in SEEDS])
    assert speed.mean() == pytest.approx(7.6 * 0.8862, rel=0.02)
    assert speed.std() / speed.mean() == pytest.approx(0.523, abs=0.04)


def test_a_drought_of_wind() -> None:
    factor = np.where(MONTH == 4, 0.6, 1.0)
    dry = wind_ratio(GRID, SITE, 1, "wt1", speed_ratio=factor)
    assert (dry[MONTH != 4] == farm()[1][MONTH != 4]).all()
    assert dry[MONTH == 4].mean() < 0.5 * farm()[1][MONTH == 4].mean()


def test_dense_air_carries_more() -> None:
    """At 8 m/s the power goes nearly with the density: windpowerlib's correction by hand.

    The curve's speeds are stretched by (1.225/rho)^(1/3 to 2/3), which is 4 to 8 % for 1.09.
    """
    table = wind.power_table(SITE.turbine)
    at_8 = table[:, 80]
    assert (np.diff(at_8) > 0).all()
    thin, normal = np.interp([1.09, 1.225], np.arange(0.60, 1.61, 0.05), at_8)
    assert 0.86 < thin / normal < 0.93
    assert table[:, 0].max() == 0
    at_site = table[10]  # 1.10 kg/m3
    assert at_site[300] < 0.1 < 0.9 < at_site[200]  # the storm at 30 m/s stops it
    assert table.max() == pytest.approx(1.0, abs=1e-3)


def test_turbines_fail_and_are_repaired() -> None:
    running = [wind.available_ratio(GRID, generator(seed, "x")) for seed in SEEDS]
    # 5 failures of 30 h in 8,760 h
    assert np.mean(running) == pytest.approx(1 - 150 / 8760, abs=0.003)
    assert min(r.min() for r in running) >= 0.7
    assert set(np.round(running[0] * 25 % 1, 9)) <= {0.0, 1.0}


def test_an_unknown_turbine_is_told_with_near_names() -> None:
    site = SITE.model_copy(update={"turbine": "V126/3400"})
    with pytest.raises(ConfigError, match=r"'V126/3400' is not in .* near: V126/34"):
        wind_ratio(GRID, site, 1, "wt1")


def test_temperatures_of_the_place() -> None:
    years = [temperature_degc(GRID, SITE, seed) for seed in SEEDS]
    of_month = months(years)
    assert of_month[0] == pytest.approx(-10.5, abs=1.5)  # Baotou: -11 in January, 23 in July
    assert of_month[6] == pytest.approx(24, abs=1.5)
    yearly = [float(y.mean()) for y in years]
    assert 0.3 < np.std(yearly) < 1.2
    # spells of days, as measured at the 50 MW plant: 2.9 K, correlation 0.72
    odd = []
    for year in years:
        day = pd.Series(year.reshape(365, 96).mean(axis=1))
        spell = day - day.rolling(31, center=True).mean()
        odd.append((spell.std(), spell.autocorr(1)))
    assert np.mean(odd, axis=0) == pytest.approx([2.9, 0.72], rel=0.1)
    south = SITE.model_copy(update={"latitude": -40.6})
    assert months([temperature_degc(GRID, south, 1)])[0] > 15


def test_the_same_seed_gives_the_same_year_and_others_another() -> None:
    again = YearGrid(2026, ZoneInfo("Asia/Shanghai"))
    sun.clear_sky.cache_clear()
    assert (pv_ratio(again, SITE, 7) == pv()[7]).all()
    assert (wind_ratio(again, SITE, 7, "wt1") == farm()[7]).all()
    following = YearGrid(2027, ZoneInfo("Asia/Shanghai"))
    assert not (pv_ratio(following, SITE, 7) == pv()[7]).all()
    assert not (pv()[7] == pv()[8]).all()
    assert not (farm()[7] == farm()[8]).all()


def test_noise_keeps_its_spread_and_memory() -> None:
    noise = sky.ar1(generator(1, "noise"), 200_000, 0.7)
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert correlation(noise, 1) == pytest.approx(0.7, abs=0.01)
