"""Balances by hand: conventions of domain facts 11, conservation, what is left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.green.balance import BALANCE_ROLES, balance_days, close_balances
from models.meters import Role

Q = timedelta(minutes=15)
T0 = datetime(2026, 3, 1, tzinfo=UTC)
ROLES: dict[int, str] = {
    1: Role.GRID_IMPORT,
    2: Role.GRID_EXPORT,
    3: Role.DIRECT_SUPPLY,
    4: Role.ONSITE_PV,
    5: Role.ONSITE_WIND,
    6: Role.STORAGE_CHARGE,
    7: Role.STORAGE_DISCHARGE,
    8: Role.WATER_INTAKE,
}


def frame(*rows: list[float | None], start: datetime = T0) -> pd.DataFrame:
    """One row per bucket, one column per channel 1..n."""
    index = pd.DatetimeIndex([start + n * Q for n in range(len(rows))])
    return pd.DataFrame(rows, index=index, columns=range(1, len(rows[0]) + 1), dtype=float)


def test_plain_bucket() -> None:
    # import 100, direct 30, PV 20, wind 10; nothing exported, storage idle
    got = close_balances(frame([100, 0, 30, 20, 10, 0, 0, 5]), ROLES).iloc[0]
    assert got["onsite_kwh"] == 30
    assert got["physical_green_kwh"] == 60  # P = 30 + 20 + 10
    assert got["grid_draw_kwh"] == 100
    assert got["consumption_kwh"] == 160  # E = D + P; the water channel plays no part


def test_green_export_is_not_green_of_ours() -> None:
    # PV 50 of which 20 are exported: P = 30, D = 10, E = 40
    got = close_balances(frame([10, 20, 0, 50, 0, 0, 0, 0]), ROLES).iloc[0]
    assert (got["physical_green_kwh"], got["grid_draw_kwh"], got["consumption_kwh"]) == (30, 10, 40)


def test_export_beyond_the_green_came_from_the_grid() -> None:
    # a battery exports 30 while PV gives 20: 20 green export, 10 of stored grid energy
    got = close_balances(frame([5, 30, 0, 20, 0, 0, 40, 0]), ROLES).iloc[0]
    assert (got["physical_green_kwh"], got["grid_draw_kwh"], got["consumption_kwh"]) == (0, -5, -5)


def test_storage_loss_is_consumption_and_discharge_is_no_generation() -> None:
    # charge 10 from the grid, later discharge 9: E is what came in, 10 + 5
    got = close_balances(frame([10, 0, 0, 0, 0, 10, 0, 0], [5, 0, 0, 0, 0, 0, 9, 0]), ROLES)
    assert got["consumption_kwh"].sum() == 15
    assert got["physical_green_kwh"].sum() == 0


def test_a_bucket_with_a_missing_channel_is_left_out() -> None:
    got = close_balances(frame([100, 0, 0, 20], [100, 0, None, 20], [100, 0, 0, 20]), ROLES)
    assert list(got.index) == [T0, T0 + 2 * Q]


def test_a_channel_without_balance_role_may_be_missing() -> None:
    got = close_balances(frame([1, 0, 0, 0, 0, 0, 0, None]), ROLES)
    assert len(got) == 1


def test_before_its_service_a_channel_is_not_missing() -> None:
    energy = frame([100, 0, 0, None], [100, 0, 0, None], [100, 0, 0, 20])
    assert len(close_balances(energy, ROLES)) == 1
    got = close_balances(energy, ROLES, {4: T0 + 2 * Q})
    assert got["consumption_kwh"].tolist() == [100, 100, 120]
    assert energy.isna().sum().sum() == 2  # the argument is left alone


def test_days_are_cut_in_the_zone_of_the_park() -> None:
    # 23:45 and 00:00 in Shanghai on 1 and 2 March
    start = datetime(2026, 3, 1, 15, 45, tzinfo=UTC)
    energy = frame([100.0], [50.0], start=start)
    marks = pd.DataFrame([[True], [False]], index=energy.index, columns=[1])
    got = balance_days(energy, marks, {1: Role.GRID_IMPORT}, "Asia/Shanghai")
    assert list(got.index) == [date(2026, 3, 1), date(2026, 3, 2)]
    assert got["consumption_kwh"].tolist() == [100, 50]
    assert got["estimated_kwh"].tolist() == [100, 0]
    assert got["buckets"].tolist() == [1, 1]


def test_estimates_of_open_buckets_do_not_count() -> None:
    energy = frame([100, None], [100, 7])
    marks = energy.notna()
    got = balance_days(energy, marks, {1: Role.GRID_IMPORT, 2: Role.ONSITE_PV}, "UTC")
    assert got["estimated_kwh"].tolist() == [107]
    assert got["buckets"].tolist() == [1]


def test_no_channels_or_no_data_give_no_days() -> None:
    empty = pd.DataFrame(columns=[1], index=pd.DatetimeIndex([], tz="UTC"), dtype=float)
    got = balance_days(empty, empty.astype(bool), {1: Role.GRID_IMPORT}, "UTC")
    assert len(got) == 0


@given(
    st.lists(
        st.lists(st.none() | st.floats(0, 1e6), min_size=7, max_size=7), min_size=1, max_size=30
    )
)
def test_conservation(rows: list[list[float | None]]) -> None:
    energy = frame(*rows)
    got = close_balances(energy, {c: ROLES[c] for c in range(1, 8)})
    whole = energy.dropna()
    assert len(got) == len(whole)
    # what came in less what went out over the border of the enterprise
    border = whole[1] + whole[3] + whole[4] + whole[5] - whole[2]
    assert np.allclose(got["consumption_kwh"], border, rtol=1e-9, atol=1e-6)
    assert (got["physical_green_kwh"] >= 0).all()
    assert (got["physical_green_kwh"] <= got["direct_kwh"] + got["onsite_kwh"] + 1e-9).all()


def test_every_balance_role_has_its_place() -> None:
    assert set(BALANCE_ROLES) == set(ROLES.values()) - {Role.WATER_INTAKE}
    for number, role in ROLES.items():
        if role in BALANCE_ROLES:
            got = close_balances(frame([8.0]).rename(columns={1: number}), {number: role}).iloc[0]
            assert (
                8.0
                in got[
                    [
                        "import_kwh",
                        "export_kwh",
                        "direct_kwh",
                        "onsite_kwh",
                        "charge_kwh",
                        "discharge_kwh",
                    ]
                ].tolist()
            ), role


@pytest.mark.parametrize("zone", ["Europe/Rome", "America/Chicago"])
def test_a_day_of_25_hours(zone: str) -> None:
    day = date(2026, 10, 25) if zone == "Europe/Rome" else date(2026, 11, 1)
    index = pd.date_range(
        pd.Timestamp(day, tz=zone),
        pd.Timestamp(day, tz=zone) + pd.DateOffset(days=1),
        freq="15min",
        inclusive="left",
    )
    energy = pd.DataFrame({1: 1.0}, index=index.tz_convert("UTC"))
    got = balance_days(energy, energy != energy, {1: Role.GRID_IMPORT}, zone)
    assert (list(got.index), got["buckets"].tolist()) == ([day], [100])
