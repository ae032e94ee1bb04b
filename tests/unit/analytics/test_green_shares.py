"""Green shares against the test vector of domain facts 1.1, caps, months and the park's sum."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.green.shares import Claims, apportion, park_total, shares, year_to_date

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


def days_frame(first: date, number: int, green: float, draw: float) -> pd.DataFrame:
    """Days with the same balance."""
    index = pd.Index([first + timedelta(days=n) for n in range(number)], name="day")
    return pd.DataFrame(
        {"physical_green_kwh": green, "grid_draw_kwh": draw, "consumption_kwh": green + draw},
        index=index,
    )


def january(green: float, draw: float) -> pd.DataFrame:
    """A January with these totals."""
    return days_frame(JAN, 31, green / 31, draw / 31)


def test_vector_of_the_guideline() -> None:
    # D 100 MWh, P 30 MWh, T 20 MWh, C 10 MWh: E = 130, S1 = 30/130, S3 = 60/130
    claims = Claims(green={JAN: 20_000}, certificates={JAN: 10_000})
    ytd = year_to_date(january(30_000, 100_000), claims, 2026)
    last = shares(ytd).iloc[-1]
    assert last["s1"] * 100 == pytest.approx(23.08, abs=0.005)
    assert last["s3"] * 100 == pytest.approx(46.15, abs=0.005)
    assert last["consumption_kwh"] == pytest.approx(130_000)
    assert ytd["excess_kwh"].iloc[-1] == 0


def test_nuclear_trades_use_up_the_cap_and_are_not_green() -> None:
    claims = Claims(green={JAN: 60_000}, nuclear={JAN: 30_000}, certificates={JAN: 20_000})
    last = year_to_date(january(0, 100_000), claims, 2026).iloc[-1]
    # Tg 60, Tn 30, so 10 of the 20 certificates fit under D = 100
    assert last[
        ["green_trade_kwh", "nuclear_trade_kwh", "certificate_kwh", "excess_kwh"]
    ].tolist() == pytest.approx([60_000, 30_000, 10_000, 10_000])
    assert shares(year_to_date(january(0, 100_000), claims, 2026))["s3"].iloc[-1] == (
        pytest.approx(0.70)
    )


def test_trades_are_filled_before_certificates() -> None:
    claims = Claims(green={JAN: 150_000}, certificates={JAN: 5_000})
    last = year_to_date(january(0, 100_000), claims, 2026).iloc[-1]
    assert last[["green_trade_kwh", "certificate_kwh", "excess_kwh"]].tolist() == pytest.approx(
        [100_000, 0, 55_000]
    )


def test_physical_green_is_not_capped_and_a_net_exporter_has_no_room() -> None:
    claims = Claims(green={JAN: 10_000})
    last = shares(year_to_date(january(50_000, -5_000), claims, 2026)).iloc[-1]
    assert last["claimable_kwh"] == pytest.approx(50_000)


def test_the_cap_looks_at_the_year_so_far_not_at_the_month() -> None:
    # January draws nothing; what is claimed for it finds room in February
    both = pd.concat([january(0, 0), days_frame(FEB, 28, 0, 1000)])
    ytd = year_to_date(both, Claims(certificates={JAN: 7_000}), 2026)
    assert ytd.loc[date(2026, 1, 31), "excess_kwh"] == pytest.approx(7_000)
    assert ytd.loc[date(2026, 2, 28), "certificate_kwh"] == pytest.approx(7_000)
    assert ytd.loc[date(2026, 2, 28), "excess_kwh"] == 0


def test_a_month_is_apportioned_by_its_days() -> None:
    got = apportion(
        {JAN: 31_000, FEB: 28_000, date(2025, 12, 1): 9e9},
        [JAN, date(2026, 1, 10), date(2026, 1, 31), date(2026, 2, 14), date(2026, 12, 31)],
        2026,
    )
    assert got.tolist() == pytest.approx([1_000, 10_000, 31_000, 45_000, 59_000])
    leap = apportion({date(2028, 2, 1): 29_000}, [date(2028, 2, 1)], 2028)
    assert leap.tolist() == pytest.approx([1_000])


def test_other_years_stay_out() -> None:
    both = pd.concat([days_frame(date(2025, 12, 30), 2, 9e6, 9e6), days_frame(JAN, 2, 30, 70)])
    ytd = year_to_date(both, Claims(green={date(2025, 12, 1): 9e9}), 2026)
    assert list(ytd.index) == [JAN, date(2026, 1, 2)]
    assert shares(ytd)["s3"].tolist() == pytest.approx([0.3, 0.3])


def test_nothing_consumed_cannot_be_told() -> None:
    got = shares(year_to_date(january(0, 0), Claims(), 2026))
    assert got["s1"].isna().all()
    assert got["s3"].isna().all()


def test_ratios_of_sums_not_means_of_shares() -> None:
    uneven = pd.concat([days_frame(JAN, 1, 90, 10), days_frame(date(2026, 1, 2), 1, 0, 900)])
    assert shares(year_to_date(uneven, Claims(), 2026))["s1"].iloc[-1] == pytest.approx(0.09)


def test_the_park_is_the_sum_of_the_capped_users() -> None:
    # one user may not use the room of the other: A claims 200 on D = 100, B nothing on D = 300
    a = year_to_date(january(0, 100), Claims(green={JAN: 200}), 2026)
    b = year_to_date(january(100, 300), Claims(), 2026)
    last = park_total([a, b]).iloc[-1]
    assert last["green_trade_kwh"] == pytest.approx(100)
    assert last["consumption_kwh"] == pytest.approx(500)


def test_a_silent_user_keeps_its_last_value_and_a_late_one_starts_at_nothing() -> None:
    early = year_to_date(days_frame(JAN, 2, 10, 10), Claims(), 2026)
    late = year_to_date(days_frame(date(2026, 1, 2), 2, 1, 1), Claims(), 2026)
    total = park_total([early, late])
    assert total["physical_kwh"].tolist() == [10, 21, 22]
    assert park_total([]).empty


def test_settled_until() -> None:
    assert Claims().settled_until is None
    assert Claims(green={JAN: 1}, certificates={date(2026, 12, 1): 0}).settled_until == (
        date(2027, 1, 1)
    )


AMOUNT = st.floats(0, 1e9)


@given(green=AMOUNT, draw=AMOUNT, trades=st.tuples(AMOUNT, AMOUNT, AMOUNT))
def test_claims_never_exceed_the_draw_and_nothing_is_lost(
    green: float, draw: float, trades: tuple[float, float, float]
) -> None:
    claims = Claims({JAN: trades[0]}, {JAN: trades[1]}, {JAN: trades[2]})
    ytd = year_to_date(january(green, draw), claims, 2026)
    counted = ytd[["green_trade_kwh", "nuclear_trade_kwh", "certificate_kwh"]].sum(axis=1)
    assert (counted <= ytd["draw_kwh"] * (1 + 1e-12) + 1e-6).all()
    assert np.allclose((counted + ytd["excess_kwh"]).iloc[-1], sum(trades))
    result = shares(ytd)
    known = result["s3"].dropna()
    assert ((known >= result["s1"].loc[known.index] - 1e-12) & (known <= 1 + 1e-9)).all()
