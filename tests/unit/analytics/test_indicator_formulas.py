"""Formulas of rows 16 to 46 by hand; a published example stands beside its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analytics.indicators.aluminium import surcharge_yuan_per_kwh
from analytics.indicators.base import Factors
from analytics.indicators.catalogue import DEFINITIONS, INDICATORS, threshold_of, threshold_text
from analytics.indicators.derived import anode_co2_t, pfc_co2e_t, with_derived
from analytics.indicators.evaluate import MONTHS, Series, Value, YearCalendar, evaluate
from analytics.indicators.power import adjustment_ratio, power_factor, rounded
from analytics.indicators.scorecard import Told, core_threshold, scorecard
from models.energy import Carrier, EnergySettings, Limit

CAL = YearCalendar(2026, date(2026, 1, 1), date(2026, 3, 1))  # January and February are over
BY_KEY = {i.key: i for i in INDICATORS}


def month(value: float, other: float | None = None) -> Series:
    """Known by the month: `value` in January, `other` (default: the same) in February."""
    amounts = np.full(MONTHS, np.nan)
    amounts[:2] = value, value if other is None else other
    return Series(amounts, np.ones(MONTHS), np.zeros(MONTHS))


def daily(value: float, *gaps: int) -> Series:
    """`value` on each of the 59 days; days of `gaps` are incomplete."""
    day = np.full(365, np.nan)
    day[:59] = value
    known = CAL.sums(np.nan_to_num(day))
    known[2:] = np.nan
    day[list(gaps)] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        complete = CAL.sums((~np.isnan(day)).astype(float)) / CAL.due_days
    return Series(known, np.nan_to_num(complete), np.zeros(MONTHS), day)


def values(
    key: str, items: Mapping[str, Series], factors: Factors | None = None
) -> dict[int, Value]:
    """Values of an indicator by month; 12 is the year."""
    factors = factors or Factors()
    made = with_derived(items, factors)
    return {v.month: v for v in evaluate(BY_KEY[key], made, CAL, factors, 0.9)}


def january(key: str, factors: Factors | None = None, **items: float) -> float | None:
    return values(key, {k: month(v) for k, v in items.items()}, factors)[0].value


POWER = Factors(
    equal_kgce_per_kwh=0.2856,
    footprint_kg_per_kwh=0.6,
    location_kg_per_kwh=0.6479,
    market_kg_per_kwh=0.6096,
)
MIX = {"consumption_kwh": 130_000.0, "grid_draw_kwh": 100_000.0, "physical_green_kwh": 30_000.0}
CLAIM = {"claimed_kwh": 30_000.0}  # T 20 000 and C 10 000, the vector of domain facts 8


@pytest.mark.parametrize(
    ("key", "items", "expected"),
    [
        # 130 000 kWh x 0.1229 = 15.977 tce; 1 000 m3 gas x 1.32836 = 1.32836 tce
        ("energy_total", MIX | {"natural_gas_m3": 1000.0}, 15.977 + 1.32836),
        # 130 000 - 30 000 - 30 000 = 70 000 kWh
        ("energy_total_fossil", MIX | CLAIM, 8.603),
        ("energy_total_equal", MIX, 37.128),  # 130 000 x 0.2856
        ("energy_total_equal_fossil", MIX | CLAIM, 19.992),
        ("energy_per_product", MIX | {"production_t": 100.0}, 159.77),  # kgce/t
        ("energy_per_output", MIX | {"output_value_yuan": 1e6}, 0.15977),
        ("energy_per_added_value", MIX | {"added_value_yuan": 5e5}, 0.31954),
        ("energy_per_added_value_fossil", MIX | CLAIM | {"added_value_yuan": 5e5}, 0.17206),
        # 0.6479 x 100 t; market 0.6096 x 70 t
        ("co2_total_loc", MIX, 64.79),
        ("co2_total_mkt", MIX | CLAIM, 42.672),
        ("co2_total_loc", MIX | {"diesel_t": 2.0}, 64.79 + 6.1918),  # 3.0959 kg/kg
        ("co2_total_loc", MIX | {"heat_bought_gj": 100.0}, 64.79 + 11.0),  # 0.11 t/GJ
        ("co2_per_tce_loc", MIX, 64.79 / 15.977),
        ("co2_per_tce_mkt", MIX | CLAIM, 42.672 / 15.977),
        ("co2_intensity", MIX | {"added_value_yuan": 5e5}, 64.79 / 50),
        ("co2_intensity_mkt", MIX | CLAIM | {"added_value_yuan": 5e5}, 42.672 / 50),
        # (30 000 + 30 000) / 130 000
        ("clean_energy_share", MIX | CLAIM, 6 / 13),
        # 100 t materials + 0.6 x 100 000 kWh / 1000, 50 t
        ("pcf", MIX | {"upstream_co2e_t": 100.0, "production_t": 50.0}, 3.2),
        ("water_unit_intake", {"water_intake_m3": 300.0, "production_t": 100.0}, 3.0),
        ("water_reuse", {"water_recycled_m3": 900.0, "water_intake_m3": 100.0}, 0.9),
        (
            "water_leak_rate",
            {"water_intake_m3": 1000.0, "water_use_m3": 900.0, "water_unmetered_m3": 20.0},
            0.08,
        ),
        ("reclaimed_share", {"water_reclaimed_m3": 480.0, "water_intake_m3": 520.0}, 0.48),
        # 917 used, 100 of them from earlier years: 917 / (900 + 100)
        (
            "solid_waste_use",
            {"waste_used_t": 917.0, "waste_generated_t": 900.0, "old_stock_used_t": 100.0},
            0.917,
        ),
        (
            "hazardous_waste_use",
            {"hazardous_used_t": 1.0, "hazardous_generated_t": 4.0},
            0.25,
        ),
        ("recycled_al_share", {"scrap_charged_t": 30.0, "metal_charged_t": 100.0}, 0.3),
        ("waste_heat_use", {"waste_heat_used_gj": 60.0, "waste_heat_usable_gj": 100.0}, 0.6),
        ("meter_fit_rate", {"meters_fitted": 19.0, "meters_required": 20.0}, 0.95),
        ("demand_ratio", {"max_demand_kw": 10_500.0, "contract_demand_kw": 10_000.0}, 1.05),
        ("max_demand", {"max_demand_kw": 10_500.0}, 10_500.0),
        ("al_ac_kwh_t", {"rectifier_kwh": 1.3e6, "liquid_aluminium_t": 100.0}, 13_000.0),
    ],
)
def test_by_hand(key: str, items: dict[str, float], expected: float) -> None:
    assert january(key, POWER, **items) == pytest.approx(expected, rel=1e-9)


POTS = {
    "rectifier_kwh": 1_290_000.0,
    "electrolysis_auxiliary_kwh": 44_500.0,
    "casting_power_kwh": 5_500.0,
    "liquid_aluminium_t": 100.0,
    "ingot_t": 100.0,
}


def test_aluminium_by_hand() -> None:
    """13 345 kWh/t are three started steps of 20 above 13 300: 0.03 yuan/kWh (domain facts 8)."""
    assert january("al_comp_ac_kwh_t", **POTS) == pytest.approx(13_345)
    assert january("tier_surcharge", **POTS) == pytest.approx(0.03)
    assert january("al_ingot_ac_kwh_t", **POTS) == pytest.approx(13_400)
    # 13 400 x 0.1229 = 1 646.86 kgce, + 1 000 m3 gas on 100 t = 13.2836 kgce/t
    assert january("ingot_kgce_t", natural_gas_m3=1000.0, **POTS) == pytest.approx(1660.1436)
    about = DEFINITIONS["al_comp_ac_kwh_t"]
    assert [about.level_of(v) for v in (13_250, 13_345, 13_700, 13_701)] == [
        "level 1",
        "level 2",
        "level 3",
        None,
    ]


@pytest.mark.parametrize(
    ("kwh_per_t", "yuan"),
    [(13_200, 0), (13_300, 0), (13_300.5, 0.01), (13_320, 0.01), (13_340, 0.02), (13_345, 0.03)],
)
def test_started_steps(kwh_per_t: float, yuan: float) -> None:
    """Exactly 13 340 is two steps (domain facts 11.10)."""
    assert surcharge_yuan_per_kwh(kwh_per_t, EnergySettings()) == pytest.approx(yuan)


def test_process_emissions_by_hand() -> None:
    """410 kg/t x (1 - 0.02 - 0.004) x 44/12 = 1.4672 t/t; PFC: 0.143 x 0.5 min/(cell d) per t."""
    one = np.array([1.0])
    assert anode_co2_t(0.410 * one, 0.02 * one, 0.004 * one)[0] == pytest.approx(1.467_253, 1e-6)
    # CF4 0.0715 kg/t -> 0.0000715 x 6630; C2F6 x 0.121 x 11 100
    wanted = 0.0715 / 1000 * (6630 + 0.121 * 11_100)
    assert pfc_co2e_t(0.5 * one, EnergySettings())[0] == pytest.approx(wanted)
    pots = {
        "anode_net_t": 41.0,
        "anode_sulphur_ratio": 0.02,
        "anode_ash_ratio": 0.004,
        "anode_effect_min": 0.5,
        "liquid_aluminium_t": 100.0,
    }
    assert january("al_direct_co2", **pots) == pytest.approx(1.467_253 + wanted, 1e-6)
    assert january("ae_minutes", **pots) == pytest.approx(0.5)
    assert january("anode_co2", **pots) == pytest.approx(146.7253, 1e-6)
    assert january("pfc_co2e", **pots) == pytest.approx(100 * wanted)


def test_process_emissions_of_a_year_are_the_sum_of_months() -> None:
    """Minutes of a month belong to its metal: never mean minutes times all metal."""
    items = {
        "anode_effect_min": month(1.0, 0.5),
        "liquid_aluminium_t": month(100.0, 300.0),
    }
    got = values("pfc_co2e", items)
    assert got[1].value == pytest.approx(1.5 * (got[0].value or 0))  # 0.5 x 300 to 1 x 100
    assert got[12].value == pytest.approx(2.5 * (got[0].value or 0))
    assert values("ae_minutes", items)[12].value == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("cos", "adjustment"),
    [
        # domain facts 7.3: each 0.01 above 0.90 -0.15 %, floor -0.75 %; below +0.5 % to 0.70
        # (+10 %), then 1 % to 0.65 (+15 %), then 2 %
        (0.90, 0.0),
        (0.91, -0.0015),
        (0.95, -0.0075),
        (1.00, -0.0075),
        (0.89, 0.005),
        (0.70, 0.10),
        (0.69, 0.11),
        (0.65, 0.15),
        (0.64, 0.17),
    ],
)
def test_adjustment_of_the_bill(cos: float, adjustment: float) -> None:
    assert adjustment_ratio(cos, 0.90) == pytest.approx(adjustment)


def test_power_factor_by_the_test_vector() -> None:
    """1 000 000 kWh and 484 322 kvarh are 0.90 (domain facts 8); rounding is half up."""
    cos = power_factor(np.array([1e6]), np.array([484_322.0]))[0]
    assert cos == pytest.approx(0.9, abs=1e-6)
    assert rounded(cos) == 0.90
    assert [rounded(v) for v in (0.895, 0.8949, 0.905)] == [0.90, 0.89, 0.91]
    assert np.isnan(adjustment_ratio(0.95, 0.85))  # that table is not built in


def test_missing_is_never_zero() -> None:
    got = values(
        "energy_per_added_value",
        {"consumption_kwh": daily(1000.0), "added_value_yuan": month(1e5, np.nan)},
    )
    assert got[0].value == pytest.approx(31_000 * 0.1229 / 1000 / 10)
    assert got[1].value is None
    assert "not told: added_value_yuan" in got[1].note
    assert got[12].value == got[0].value
    assert "1 of 2 months told" in got[12].note


def test_a_quotient_counts_days_that_both_sides_know() -> None:
    items = {"consumption_kwh": daily(1000.0), "production_t": daily(2.0, 0, 1, 2)}
    got = values("energy_per_product", items)[0]
    assert got.value == pytest.approx(1000 * 0.1229 / 2)
    assert got.complete == pytest.approx(28 / 31)
    assert values("energy_total", items)[0].value == pytest.approx(31 * 0.1229)


def test_reported_against_incomplete_meters_is_not_told() -> None:
    """Four missing days of 31 would make the intensity 13 % too low."""
    items = {"consumption_kwh": daily(1000.0, 0, 1, 2, 3), "added_value_yuan": month(1e5)}
    got = values("energy_per_added_value", items)
    assert got[0].value is None
    assert "87%" in got[0].note
    assert got[1].value is not None


def test_heat_sold_is_deducted() -> None:
    """100 GJ bought less 40 GJ sold are 60 x 34.12 kgce."""
    heat = {"heat_bought_gj": 100.0, "heat_sold_gj": 40.0}
    assert january("energy_total", consumption_kwh=0.0, **heat) == pytest.approx(2.0472)


def test_claims_are_capped_over_the_year() -> None:
    """January claims 80 MWh and draws 50, February 0 and 50: 50 by month, 80 by year."""
    claimed = replace(month(50_000.0, 0.0), year=80_000.0)
    items = {"grid_draw_kwh": month(50_000.0), "claimed_kwh": claimed}
    got = values("co2_total_mkt", items, POWER)
    assert got[0].value == pytest.approx(0.0)
    assert got[12].value == pytest.approx(20 * 0.6096)
    gap = values("co2_total_mkt", items | {"diesel_t": month(0.0, np.nan)}, POWER)
    assert gap[12].value == pytest.approx(0.0)  # January alone is told: its own cap


def test_what_is_not_set_is_said_so() -> None:
    notes = {"equal_kgce_per_kwh": "equal_kgce_per_kwh of 2026 is not set"}
    got = values("energy_total_equal", {"consumption_kwh": month(1.0)}, Factors(notes=notes))[0]
    assert (got.value, got.note) == (None, "equal_kgce_per_kwh of 2026 is not set")
    steam = {"consumption_kwh": month(1.0), "steam_bought_t": month(5.0)}
    got = values("energy_total", steam)[0]
    assert got.value is None
    assert "kgce of steam_bought_t is not set" in got.note
    own = EnergySettings(carriers=(Carrier(item="steam_bought_t", kgce=94.3, kgce_source="own"),))
    told = values("energy_total", steam, Factors(own))[0].value
    assert told == pytest.approx(0.1229 / 1000 + 5 * 94.3 / 1000)
    assert threshold_text(DEFINITIONS["water_unit_intake"], None) == "not set"


def test_a_park_sets_its_threshold() -> None:
    about = DEFINITIONS["co2_intensity"]
    assert threshold_of(about, {}) is None
    limit = threshold_of(about, {about.key: Limit(indicator=about.key, limit=2.5, source="区政府")})
    assert limit is not None
    assert (limit.is_met(2.5), limit.is_met(2.51)) == (True, False)


def test_scorecard_of_a_zero_carbon_park() -> None:
    """910号: 0.2 from 0.2 to 1 Mtce, 0.3 above; below 0.2 Mtce the rule does not say."""
    sizes = [core_threshold(v) for v in (1e5, 2e5, 9.9e5, 1e6)]
    assert [s and s.limit for s in sizes] == [None, 0.2, 0.2, 0.3]
    told = {
        "energy_total": Told(150_000.0, 1.0),  # half a year: 0.3 Mtce a year
        "co2_per_tce_loc": Told(0.21, 1.0),
        "clean_energy_share": Told(0.9, 1.0),
        "water_reuse": Told(None, 0.0, "not told: water_recycled_m3"),
    }
    lines = {s.indicator: s.is_met for s in scorecard(told, 0.5)}
    assert lines == {
        "co2_per_tce_loc": False,
        "clean_energy_share": True,
        "al_comp_ac_kwh_t": None,
        "solid_waste_use": None,
        "waste_heat_use": None,
        "water_reuse": None,
    }


def test_every_indicator_is_described() -> None:
    assert set(range(16, 47)) <= {d.row for d in DEFINITIONS.values()}
    for about in DEFINITIONS.values():
        assert all((about.formula, about.source, about.name.zh, about.name.en)), about.key
        if about.threshold is not None:
            assert about.threshold.source, about.key


def test_every_indicator_has_a_hand_calculation() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    tested_by_function = {"power_factor", "power_factor_adjustment"}
    keys = {i.key for i in INDICATORS} - tested_by_function
    assert [k for k in sorted(keys) if f'"{k}"' not in text] == []
