"""Amount per tonne over sliding windows: ratios of sums, no value with a missing day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.intensity import specific_consumption

D1 = date(2026, 3, 1)


def daily(*values: float | None, first: date = D1) -> pd.Series[float]:
    """A value per day; None: that day has no row."""
    return pd.Series(
        {first + timedelta(days=n): v for n, v in enumerate(values) if v is not None}, dtype=float
    )


def test_by_hand() -> None:
    # 13,500 x 2 + 14,100 kWh on 1 + 1 + 2 t: 41,100 / 4 = 10,275 kWh/t
    got = specific_consumption(daily(13_500, 13_500, 14_100), daily(1, 1, 2), 3)
    assert list(got.index) == [date(2026, 3, 3)]
    row = got.iloc[0]
    assert (row["amount"], row["product_t"], row["days"]) == (41_100, 4, 3)
    assert row["value"] == pytest.approx(10_275)


def test_single_days() -> None:
    got = specific_consumption(daily(10, 20, 40), daily(1, 1, 4), 1)
    assert got["value"].tolist() == [10, 20, 10]


def test_a_missing_day_gives_no_value_until_it_has_left_the_window() -> None:
    amount = daily(*[10.0] * 12)
    product = daily(1, 1, None, *[1.0] * 9)
    got = specific_consumption(amount, product, 7)
    assert list(got.index) == [D1 + timedelta(days=n) for n in range(6, 12)]
    assert got["days"].tolist() == [6, 6, 6, 7, 7, 7]
    assert got["value"].isna().tolist() == [True, True, True, False, False, False]
    assert got["value"].iloc[-1] == pytest.approx(10)


def test_a_week_without_product_cannot_be_told() -> None:
    got = specific_consumption(daily(5, 5), daily(0, 0), 2)
    assert np.isnan(got["value"].iloc[0])
    assert got["days"].iloc[0] == 2  # the data is there, the answer is not


def test_idle_days_count_in_the_sum() -> None:
    got = specific_consumption(daily(10, 4), daily(2, 0), 2)
    assert got["value"].iloc[0] == pytest.approx(7)


def test_too_short_or_no_common_days() -> None:
    assert specific_consumption(daily(1, 1), daily(1, 1), 7).empty
    apart = specific_consumption(daily(1), daily(1, first=date(2026, 5, 1)), 1)
    assert apart.empty
    assert list(apart.columns) == ["amount", "product_t", "value", "days"]


def test_the_order_of_the_input_does_not_matter() -> None:
    amount, product = daily(1, 2, 3), daily(1, 1, 1)
    got = specific_consumption(amount.iloc[::-1], product, 2)
    assert got["value"].tolist() == [1.5, 2.5]
