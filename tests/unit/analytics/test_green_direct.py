"""Direct connections and curtailment by hand (domain facts 8, rows 9 to 12)."""

from __future__ import annotations

from datetime import date

import pytest

from analytics.green.catalogue import GREEN_INDICATORS, Factors
from analytics.green.direct import ExportOf, curtailment_days, direct_days
from analytics.green.shares import DayTable
from models.roles import Role
from tests.unit.analytics.green_series import table

DAY = date(2026, 1, 1)
BY_KEY = {i.key: i.formula for i in GREEN_INDICATORS}


def user(direct: float, again: float, used: float) -> DayTable:
    return table(
        DAY,
        direct_kwh=[direct],
        direct_export_kwh=[again],
        consumption_kwh=[used],
        onsite_kwh=[0.0],
    )


def plant(role: Role, *values: float, first: date = DAY) -> tuple[Role, DayTable]:
    return role, table(first, value=values)


def ratio(key: str, days: DayTable) -> float:
    upper, lower = BY_KEY[key](dict(days.columns), Factors())
    assert lower is not None
    return float(upper[0] / lower[0])


@pytest.mark.parametrize(("export_of", "expected"), [("available", 0.1429), ("delivered", 0.15)])
def test_the_test_vector(export_of: ExportOf, expected: float) -> None:
    # generation 1000, curtailed 50, export 150, load 2500
    meters = [plant(Role.DIRECT_AVAILABLE, 1050)]
    days = direct_days([user(1000, 150, 2500)], meters, export_of)
    assert ratio("direct_selfuse_of_gen", days) == pytest.approx(0.8095, abs=5e-5)
    assert ratio("direct_selfuse_of_load", days) == pytest.approx(0.34)
    assert ratio("direct_export_ratio", days) == pytest.approx(expected, abs=5e-5)


def test_the_meters_of_the_plant_count_before_those_of_the_user() -> None:
    # 1000 made, 100 to the grid at the plant, 880 arrive, 30 exported again: 20 are line loss
    meters = [plant(Role.DIRECT_GENERATION, 1000), plant(Role.DIRECT_EXPORT, 100)]
    columns = direct_days([user(880, 30, 2000)], meters, "available").columns
    assert columns["direct_selfuse_kwh"] == 870  # line loss counts as self-use
    assert columns["direct_exported_kwh"] == 130
    assert columns["direct_available_kwh"] == 1000  # curtailment is not metered


def test_several_users_of_one_plant() -> None:
    users = [user(300, 10, 1000), user(500, 0, 600)]
    columns = direct_days(users, [], "available").columns
    assert columns["direct_generated_kwh"] == 800
    assert columns["direct_users_kwh"] == 1600


def test_a_day_that_a_meter_leaves_out_is_left_out() -> None:
    two = table(DAY, direct_kwh=[1, 2], direct_export_kwh=[0, 0], consumption_kwh=[9, 9])
    meters = [plant(Role.DIRECT_AVAILABLE, 5, first=date(2026, 1, 2))]
    days = direct_days([two], meters, "available")
    assert days.columns["direct_generated_kwh"].tolist() == [2]


def test_a_silent_own_plant_does_not_hide_the_direct_line() -> None:
    meters = [plant(Role.ONSITE_AVAILABLE, 5, first=date(2026, 1, 9))]
    assert len(direct_days([user(100, 0, 100)], meters, "available").days) == 1


def test_available_power_is_never_below_what_was_made() -> None:
    days = direct_days([user(100, 0, 100)], [plant(Role.DIRECT_AVAILABLE, 99)], "available")
    assert days.columns["direct_available_kwh"] == 100


def test_curtailment_of_own_and_direct_plants() -> None:
    balance = table(DAY, direct_kwh=[100, 100], onsite_kwh=[40, 40])
    meters = [
        plant(Role.DIRECT_AVAILABLE, 120, 90),
        plant(Role.ONSITE_AVAILABLE, 50, first=date(2026, 1, 2)),
    ]
    columns = curtailment_days(balance, meters).columns
    assert columns["available_kwh"].tolist() == [120, 140]
    assert columns["curtailed_kwh"].tolist() == [20, 10]


def test_without_available_power_there_is_no_curtailment_to_tell() -> None:
    balance = table(DAY, direct_kwh=[100], onsite_kwh=[40])
    assert not len(curtailment_days(balance, []).days)
