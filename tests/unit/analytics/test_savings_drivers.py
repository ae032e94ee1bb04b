"""Degree days, local days and calendar of savings, by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analytics.savings.drivers import Weather, is_off, local_days
from analytics.savings.project import Adjustment, Project, Span


def test_degree_hours_see_what_means_do_not() -> None:
    """12 h at 10, 12 h at 20 degC, base 15: 2.5 K by hours, 0 by the mean."""
    hours = pd.date_range("2024-01-01", periods=24, freq="h")
    values = pd.Series([10.0] * 12 + [20.0] * 12, index=hours)
    index = pd.date_range("2024-01-01", periods=1)
    assert Weather(values, index, "day").heating(15.0) == pytest.approx([2.5])
    assert Weather(values, index, "day").cooling(15.0) == pytest.approx([2.5])
    mean = pd.Series([15.0], index=index)
    assert Weather(mean, index, "day").heating(15.0) == pytest.approx([0.0])
    assert Weather(mean, index, "day").heating(18.0) == pytest.approx([3.0])


def test_a_night_is_no_day() -> None:
    hours = pd.date_range("2024-01-01", periods=72, freq="h")
    values = pd.Series(10.0, index=hours)
    values.iloc[24:29] = np.nan
    found = Weather(values, pd.date_range("2024-01-01", periods=4), "day").heating(15.0)
    assert found == pytest.approx([5.0, np.nan, 5.0, np.nan], nan_ok=True)


def test_months_need_nine_tenths_of_their_days() -> None:
    days = pd.date_range("2024-01-01", "2024-02-29")
    values = pd.Series(np.where(days.month == 1, 5.0, 11.0), index=days)
    values.iloc[31:34] = np.nan  # 26 of 29 days: 89.7 %
    found = Weather(values, pd.DatetimeIndex(["2024-01-01", "2024-02-01"]), "month")
    assert found.heating(15.0) == pytest.approx([10.0, np.nan], nan_ok=True)


def test_local_days_of_23_and_25_hours() -> None:
    stamps = pd.date_range("2024-03-30", "2024-04-01", freq="h", tz="Europe/Rome")[:-1]
    found = local_days(pd.Series(1.0, index=stamps.tz_convert("UTC")), "Europe/Rome")
    assert found.to_dict() == {pd.Timestamp("2024-03-30"): 24.0, pd.Timestamp("2024-03-31"): 23.0}
    autumn = pd.date_range("2024-10-27", "2024-10-28", freq="h", tz="Europe/Rome")[:-1]
    series = pd.Series(1.0, index=autumn)
    assert local_days(series, "Europe/Rome").tolist() == [25.0]
    series.iloc[3] = np.nan  # a gap is no zero
    assert local_days(series, "Europe/Rome").isna().all()


def test_days_off() -> None:
    index = pd.date_range("2024-10-01", periods=7)  # Tuesday, the national day
    assert is_off(index, {date(2024, 10, 1)}).tolist() == [1, 0, 0, 0, 1, 1, 0]
    assert is_off(index, set()).tolist() == [0, 0, 0, 0, 1, 1, 0]


def test_whole_months_only() -> None:
    span = Span(date(2024, 1, 15), date(2024, 4, 10))
    assert span.index("month").strftime("%Y-%m").tolist() == ["2024-02", "2024-03"]
    assert len(span.index("day")) == span.days == 86


def test_what_cannot_be_asked() -> None:
    one, two = Span(date(2024, 1, 1), date(2024, 6, 1)), Span(date(2024, 5, 1), date(2024, 6, 2))
    use = pd.Series([1.0], index=pd.DatetimeIndex(["2024-01-01"]))
    with pytest.raises(ValueError, match="overlap"):
        Project("m", use, one, two, Span(date(2024, 7, 1), date(2024, 8, 1)))
    after = (Span(date(2024, 6, 1), date(2024, 6, 2)), Span(date(2024, 7, 1), date(2024, 8, 1)))
    with pytest.raises(ValueError, match="naive"):
        Project("m", use.tz_localize("UTC"), one, *after)
    with pytest.raises(ValueError, match="twice"):
        Project("m", pd.concat([use, use]), one, *after)
    with pytest.raises(ValueError, match="reason"):
        Adjustment(5.0, " ")
    with pytest.raises(ValueError, match="not after"):
        Span(date(2024, 1, 1), date(2024, 1, 1))
