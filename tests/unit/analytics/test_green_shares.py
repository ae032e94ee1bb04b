"""Shares by hand: test vectors of domain facts 8, the cap, windows, sets of enterprises."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.green.catalogue import GREEN_INDICATORS, Factors
from analytics.green.shares import (
    Amounts,
    Claims,
    DayTable,
    Windows,
    amounts,
    apportion,
    total,
)
from models.periods import next_month
from tests.unit.analytics.green_series import table

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
JANUARY = Windows.of([(JAN, FEB)])
BY_KEY = {i.key: i for i in GREEN_INDICATORS}


def month(
    physical: float, draw: float, first: date = JAN, days: int = 31, **more: float
) -> DayTable:
    """A month of equal days with these totals [kWh]."""
    columns = {
        "physical_green_kwh": physical,
        "grid_draw_kwh": draw,
        "consumption_kwh": physical + draw,
        "load_kwh": physical + draw,
        "green_load_kwh": physical,
        "matched_kwh": physical,
    } | more
    return table(first, **{name: [value / days] * days for name, value in columns.items()})


def value(key: str, sums: Amounts, factors: Factors | None = None) -> float:
    """The indicator of the first window."""
    upper, lower = BY_KEY[key].formula(sums, factors or Factors())
    return float(upper[0] / lower[0]) if lower is not None else float(upper[0])


def test_the_four_shares_of_the_test_vector() -> None:
    # D = 100,000, P = 30,000, T = 20,000, C = 10,000 kWh, k = 0.25 -> A = 17,500
    claims = Claims(green={JAN: 20_000}, certificates={JAN: 10_000})
    sums = amounts(month(30_000, 100_000), claims, JANUARY)
    assert value("green_share_physical", sums) == pytest.approx(0.2308, abs=5e-5)
    assert value("green_share_traded", sums) == pytest.approx(0.3846, abs=5e-5)
    assert value("green_share_claim", sums) == pytest.approx(0.4615, abs=5e-5)
    s4 = value("nonfossil_share", sums, Factors(allocation_ratio=0.25))
    assert s4 == pytest.approx(0.5962, abs=5e-5)


def test_claims_fill_the_cap_in_their_order() -> None:
    claims = Claims({JAN: 60_000}, {JAN: 30_000}, {JAN: 40_000})
    sums = amounts(month(0, 100_000), claims, JANUARY)
    assert sums["green_trade_kwh"] == pytest.approx(60_000)
    assert sums["nuclear_trade_kwh"] == pytest.approx(30_000)
    assert sums["certificate_kwh"] == pytest.approx(10_000)
    assert sums["excess_kwh"] == pytest.approx(30_000)
    assert value("gec_cap", sums) == pytest.approx(1.3)


def test_nuclear_trades_are_not_green_but_not_fossil() -> None:
    sums = amounts(month(0, 100_000), Claims(nuclear={JAN: 50_000}), JANUARY)
    assert value("green_share_claim", sums) == 0
    assert value("nonfossil_share", sums, Factors(allocation_ratio=0.0)) == pytest.approx(0.5)


def test_a_negative_draw_takes_no_claims() -> None:
    sums = amounts(month(50_000, -5_000), Claims(green={JAN: 1000}), JANUARY)
    assert sums["green_trade_kwh"] == 0
    assert value("green_share_claim", sums) == pytest.approx(50 / 45)


def test_a_month_cut_by_the_window_counts_by_days() -> None:
    windows = Windows.of([(JAN, date(2026, 1, 11)), (date(2026, 1, 31), date(2026, 2, 8))])
    got = apportion({JAN: 31_000, FEB: 28_000}, windows)
    assert got.tolist() == pytest.approx([10_000, 1000 + 7000])


def test_the_order_of_months_changes_no_bit() -> None:
    monthly = {date(2026, m, 1): 0.1 * m for m in range(1, 13)}
    other = dict(sorted(monthly.items(), key=lambda item: -item[1] % 0.7))
    windows = Windows.of([(JAN, date(2026, n, 17)) for n in range(2, 13)])
    assert apportion(monthly, windows).tolist() == apportion(other, windows).tolist()


def test_the_cap_holds_in_the_window_of_the_share() -> None:
    # 100 % in January, nothing in February: the capped months need not add up to the year
    draw = [100 / 31] * 31 + [300 / 28] * 28
    days = table(JAN, grid_draw_kwh=draw)
    windows = Windows.of([(JAN, FEB), (FEB, date(2026, 3, 1)), (JAN, date(2026, 3, 1))])
    sums = amounts(days, Claims(green={JAN: 200}), windows)
    assert sums["green_trade_kwh"].tolist() == pytest.approx([100, 0, 200])


def test_a_share_over_time_is_a_ratio_of_sums() -> None:
    days = table(
        JAN, physical_green_kwh=[90, 0], grid_draw_kwh=[10, 900], consumption_kwh=[100, 900]
    )
    sums = amounts(days, Claims(), JANUARY)
    assert value("green_share_physical", sums) == pytest.approx(0.09)  # the mean would be 0.45


def test_absent_days_add_nothing_and_windows_are_half_open() -> None:
    days = table(date(2026, 1, 2), grid_draw_kwh=[1, 2, 4])
    gap = DayTable(days.days[[0, 2]], {"grid_draw_kwh": days.columns["grid_draw_kwh"][[0, 2]]})
    windows = Windows.of(
        [(JAN, date(2026, 1, 4)), (date(2026, 1, 4), FEB), (JAN, JAN), (FEB, date(2026, 3, 1))]
    )
    assert amounts(gap, Claims(), windows)["grid_draw_kwh"].tolist() == [1, 4, 0, 0]


def test_columns_of_two_tables_meet_on_their_days() -> None:
    early, late = table(JAN, a=[1, 2]), table(date(2026, 1, 2), b=[4, 8])
    both = early.joined(late)
    assert both.days.tolist() == [JAN.toordinal() + n for n in range(3)]
    assert both.columns["a"].tolist() == [1, 2, 0]
    assert both.columns["b"].tolist() == [0, 4, 8]


def test_hourly_share_and_carbon_free_score() -> None:
    # 60 of a load of 100 matched; a grid that is 20 % carbon-free adds 8
    sums = amounts(month(70, 30, matched_kwh=60), Claims(), JANUARY)
    assert value("green_share_hourly", sums) == pytest.approx(0.6)
    assert value("cfe_score", sums, Factors(grid_cfe_ratio=0.2)) == pytest.approx(0.68)


def test_electricity_co2() -> None:
    # D = 100 MWh, T + C = 30 MWh: 64.79 t by place, 70 x 0.6096 = 42.672 t by market
    claims = Claims(green={JAN: 20_000}, certificates={JAN: 10_000})
    sums = amounts(month(5_000, 100_000), claims, JANUARY)
    factors = Factors(location_kg_per_kwh=0.6479, market_kg_per_kwh=0.6096)
    assert value("electricity_co2_location", sums, factors) == pytest.approx(64.79)
    assert value("electricity_co2_market", sums, factors) == pytest.approx(42.672)


def test_a_set_of_enterprises_is_the_sum_of_its_capped_members() -> None:
    one = amounts(month(0, 100), Claims(green={JAN: 200}), JANUARY)
    other = amounts(month(100, 300), Claims(), JANUARY)
    whole = total([one, other])
    assert whole["green_trade_kwh"] == pytest.approx(100)  # not 200: the other has no trade
    assert value("green_share_claim", whole) == pytest.approx(200 / 500)


def test_a_member_without_a_column_adds_nothing() -> None:
    one = amounts(month(1, 1, charge_kwh=31), Claims(), JANUARY)
    whole = total([one, amounts(month(1, 1), Claims(), JANUARY)])
    assert whole["charge_kwh"] == pytest.approx(31)


def test_settled_until() -> None:
    assert Claims().settled_until is None
    assert Claims({JAN: 1}, {}, {FEB: 1}).settled_until == date(2026, 3, 1)


def test_every_indicator_says_what_it_rests_on() -> None:
    assert len(BY_KEY) == len(GREEN_INDICATORS)
    for indicator in GREEN_INDICATORS:
        assert {"month", "year"} <= set(indicator.kinds), indicator.key
        assert indicator.needs is None or hasattr(Factors(), indicator.needs)


KWH = st.floats(0, 1e6)
MEMBER = st.tuples(
    st.lists(st.tuples(KWH, KWH), min_size=31, max_size=31), KWH, st.integers(0, 30_000)
)


def member(drawn: Any) -> tuple[DayTable, Claims]:
    pairs, green, serials = drawn
    physical, draw = (np.array([p[n] for p in pairs]) for n in (0, 1))
    days = table(
        JAN,
        physical_green_kwh=physical,
        grid_draw_kwh=draw,
        consumption_kwh=physical + draw,
        load_kwh=physical + draw,
        matched_kwh=np.minimum(physical, draw),
    )
    return days, Claims(green={JAN: green}, certificates={JAN: 1000.0 * serials})


@given(st.lists(MEMBER, min_size=1, max_size=5), st.data())
def test_the_order_of_enterprises_changes_nothing(drawn: list[Any], data: st.DataObject) -> None:
    parts = [amounts(*member(d), JANUARY) for d in drawn]
    again = total(data.draw(st.permutations(parts)))
    for name, sums in total(parts).items():
        assert again[name] == pytest.approx(sums, rel=1e-12, abs=1e-9)


@given(MEMBER, st.integers(1, 30))
def test_energy_of_a_split_month_adds_up(drawn: Any, cut: int) -> None:
    days, claims = member(drawn)
    middle = JAN + timedelta(days=cut)
    sums = amounts(days, claims, Windows.of([(JAN, FEB), (JAN, middle), (middle, FEB)]))
    for name in ("physical_green_kwh", "consumption_kwh", "claimed_kwh", "matched_kwh"):
        whole, *parts = sums[name].tolist()
        assert sum(parts) == pytest.approx(whole, rel=1e-9, abs=1e-6)


@given(MEMBER)
def test_one_more_certificate_never_lowers_s3_nor_lifts_it_above_the_cap(drawn: Any) -> None:
    days, claims = member(drawn)
    more = Claims(claims.green, claims.nuclear, {JAN: claims.certificates[JAN] + 1000.0})
    before, after = (amounts(days, c, JANUARY) for c in (claims, more))
    if before["consumption_kwh"][0] > 0:
        assert value("green_share_claim", after) >= value("green_share_claim", before)
        assert value("green_share_claim", after) <= 1 + 1e-9
    taken = after["green_trade_kwh"] + after["nuclear_trade_kwh"] + after["certificate_kwh"]
    assert (taken <= after["grid_draw_kwh"] + 1e-6).all()


@given(st.dictionaries(st.sampled_from([date(2026, m, 1) for m in range(1, 13)]), KWH))
def test_months_are_apportioned_whole(monthly: dict[date, float]) -> None:
    windows = Windows.of([(date(2026, m, 1), next_month(date(2026, m, 1))) for m in range(1, 13)])
    got = apportion(monthly, windows)
    for n, amount in enumerate(got.tolist(), start=1):
        assert amount == pytest.approx(monthly.get(date(2026, n, 1), 0.0))
