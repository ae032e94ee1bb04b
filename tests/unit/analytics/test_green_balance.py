"""Balances by hand: conventions of domain facts 11, conservation, what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.green.balance import (
    BALANCE_COLUMNS,
    Accounting,
    Traced,
    summed,
    trace,
)
from analytics.green.stock import Method, Stock
from analytics.green.supply import FLOWS, SOURCES
from models.roles import BALANCE_ROLES, Role
from tests.unit.analytics.green_series import ROLES, Amount, series, traced


def at(result: Traced, *names: str, step: int = 0) -> tuple[float, ...]:
    return tuple(float(result.columns[name][step]) for name in names)


def test_plain_quarter_hour() -> None:
    # import 100, direct 30, PV 20, wind 10; nothing exported
    got = traced(grid=[100], direct=[30], pv=[20], wind=[10])
    assert at(got, "onsite_kwh", "physical_green_kwh", "grid_draw_kwh") == (30, 60, 100)
    assert at(got, "consumption_kwh", "load_kwh", "green_load_kwh") == (160, 160, 60)


def test_green_export_is_not_green_of_ours() -> None:
    # PV 50 of which 20 are exported, import 10 at another time of the quarter-hour:
    # P = 30, D = 10, E = 40; the import does not feed the export
    got = traced(grid=[10], export=[20], pv=[50])
    assert at(got, "physical_green_kwh", "grid_draw_kwh", "consumption_kwh") == (30, 10, 40)
    assert at(got, "grid_to_export_kwh", "grid_to_load_kwh", "onsite_to_load_kwh") == (0, 10, 30)


def test_on_site_supply_goes_to_the_load_before_the_storage_does() -> None:
    # load 35 = 5 + 20 + 40 - 30: the PV and 15 of the discharge serve it beside the import; the
    # export is what is left of the discharge, of unknown origin: P = 20, D = 5 - 30
    got = traced(grid=[5], export=[30], pv=[20], discharge=[40])
    assert at(got, "onsite_to_load_kwh", "storage_to_load_kwh", "grid_to_load_kwh") == (20, 10, 5)
    assert at(got, "storage_to_export_kwh", "untraced_kwh", "green_export_kwh") == (30, 40, 0)
    assert at(got, "physical_green_kwh", "grid_draw_kwh", "consumption_kwh") == (20, -25, -5)


def test_direct_supply_comes_after_own_generation() -> None:
    # load 40, charge 20, export 15 of PV 30, direct 45: PV serves the load, the line the rest
    got = traced(export=[15], direct=[45], pv=[30], charge=[20])
    assert at(got, "onsite_to_load_kwh", "direct_to_load_kwh") == (30, 10)
    assert at(got, "direct_to_charge_kwh", "direct_to_export_kwh") == (20, 15)
    assert at(got, "direct_export_kwh", "green_export_kwh", "physical_green_kwh") == (15, 15, 60)


def test_charging_and_export_change_places_by_a_setting() -> None:
    values = {"grid": [5.0], "export": [20.0], "pv": [60.0], "charge": [25.0]}  # load 20
    first = traced(**values)
    assert at(first, "onsite_to_charge_kwh", "grid_to_charge_kwh") == (20, 5)
    swapped = traced(Accounting(order="load_export_charge"), **values)
    assert at(swapped, "onsite_to_export_kwh", "onsite_to_load_kwh") == (20, 20)
    assert at(swapped, "onsite_to_charge_kwh", "grid_to_charge_kwh") == (20, 5)
    # with a direct line the order decides whose energy is stored
    values |= {"direct": [30.0], "pv": [30.0]}
    assert at(traced(**values), "direct_to_charge_kwh", "direct_to_export_kwh") == (10, 20)
    swapped = traced(Accounting(order="load_export_charge"), **values)
    assert at(swapped, "onsite_to_export_kwh", "direct_to_charge_kwh") == (10, 20)


def test_storage_loss_is_consumption_and_discharge_is_no_generation() -> None:
    # charge 10 from the grid, later discharge 9: E is what came in, 10 + 5
    got = traced(grid=[10, 5], charge=[10, 0], discharge=[0, 9])
    assert got.columns["consumption_kwh"].sum() == 15
    assert got.columns["physical_green_kwh"].sum() == 0
    assert got.columns["load_kwh"].sum() == 14


def test_a_mixed_charge_comes_out_mixed() -> None:
    # domain facts 8: 100 green + 100 grid in, efficiency 0.9, 90 out -> 45 green
    got = traced(grid=[100, 0], pv=[100, 0], charge=[200, 0], discharge=[0, 90])
    assert at(got, "green_charge_kwh", "green_lost_kwh") == (100, pytest.approx(10))
    assert at(got, "green_load_kwh", "untraced_kwh", step=1) == (pytest.approx(45), 0)
    assert got.stocks[-1].energy_kwh == pytest.approx(90)
    assert got.stocks[-1].green_kwh == pytest.approx(45)


def test_first_in_first_out_gives_the_green_back_first() -> None:
    # green charge, then grid charge; 90 out is all of the green, then 45 of the grid
    values = {"grid": [0.0, 100.0, 0.0], "pv": [100.0, 0.0, 0.0], "charge": [100.0, 100.0, 0.0]}
    got = traced(Accounting(method="fifo"), **values, discharge=[0, 0, 135])
    assert at(got, "green_load_kwh", step=2) == (pytest.approx(90),)
    assert got.stocks[-1] == Stock(((pytest.approx(45), 0.0, 0.0),))
    mixed = traced(**values, discharge=[0, 0, 135])
    assert at(mixed, "green_load_kwh", step=2) == (pytest.approx(67.5),)


@pytest.mark.parametrize("method", ["weighted_average", "fifo"])
def test_a_storage_holds_no_more_than_it_can(method: Method) -> None:
    # 90 green, 90 of the grid: 100 fit; fifo drops 80 green, the pool drops its mix
    got = traced(
        Accounting(method=method, capacity_kwh=100), grid=[0, 100], pv=[100, 0], charge=[100, 100]
    )
    assert got.stocks[-1].energy_kwh == pytest.approx(100)
    spilled = {"fifo": 80.0, "weighted_average": 40.0}[method]
    assert got.columns["green_lost_kwh"].tolist() == pytest.approx([10, spilled])
    assert got.stocks[-1].green_kwh == pytest.approx(90 - spilled)


def test_stored_green_that_is_exported_is_green_export() -> None:
    got = traced(pv=[100, 0], charge=[100, 0], discharge=[0, 90], export=[0, 90])
    assert at(got, "green_export_kwh", "physical_green_kwh", step=1) == (
        pytest.approx(90),
        pytest.approx(-90),
    )
    assert got.columns["physical_green_kwh"].sum() == pytest.approx(10)  # the loss is ours


def test_a_direct_line_that_is_stored_and_exported_stays_direct() -> None:
    got = traced(direct=[60, 0], pv=[40, 0], charge=[100, 0], discharge=[0, 90], export=[0, 90])
    assert at(got, "direct_export_kwh", "green_export_kwh", step=1) == (
        pytest.approx(54),
        pytest.approx(90),
    )


def test_a_discharge_into_the_same_charge_keeps_its_mix() -> None:
    # 10 of a green stock of 90 come out and go in again beside 20 of the grid: 9 + 18 go in
    got = traced(grid=[0, 20], pv=[100, 0], charge=[100, 30], discharge=[0, 10])
    assert at(got, "storage_to_charge_kwh", "green_charge_kwh", step=1) == (10, pytest.approx(10))
    assert got.stocks[-1].energy_kwh == pytest.approx(80 + 27)
    assert got.stocks[-1].green_kwh == pytest.approx(80 + 9)


def test_meters_that_disagree_leave_no_energy_from_nowhere() -> None:
    # export 30 of a PV that measured 20: the load cannot be negative, 10 have no source
    got = traced(grid=[0], export=[30], pv=[20])
    assert at(got, "load_kwh", "unbalanced_kwh", "green_export_kwh") == (0, 10, 20)
    assert at(got, "consumption_kwh", "physical_green_kwh", "grid_draw_kwh") == (-10, 0, -10)


def test_a_quarter_hour_with_a_missing_channel_is_left_out() -> None:
    got = traced(grid=[100, 100, 100], direct=[0, None, 0], pv=[20, 20, 20])
    assert got.closed.tolist() == [True, False, True]
    assert got.columns["consumption_kwh"].tolist() == [120, 0, 120]
    assert summed(got, np.array([0, 1, 2]))[0].tolist() == [0, 2]  # no row, not a zero


def test_stored_energy_of_an_open_balance_is_not_green_any_more() -> None:
    # charging while the grid meter is silent has no known origin; a discharge then leaves the stock
    got = traced(
        grid=[0, None, None, 0],
        pv=[100, 50, 0, 0],
        charge=[100, 50, 0, 0],
        discharge=[0, 0, 45, 45],
    )
    assert got.closed.tolist() == [True, False, False, True]
    # stock: 90 green, then 135 with 90 green; 45 out: a third of the green goes unseen
    assert got.columns["green_lost_kwh"].tolist() == pytest.approx([10, 0, 30, 0])
    assert at(got, "green_load_kwh", step=3) == (pytest.approx(30),)
    assert got.stocks[-1].green_kwh == pytest.approx(30)


def test_a_silent_storage_meter_leaves_the_stock_alone() -> None:
    got = traced(pv=[100, 0, 0], charge=[100, None, 0], discharge=[0, 10, 0], grid=[0, 0, 0])
    assert got.stocks[-1].energy_kwh == pytest.approx(90)


def test_before_its_service_a_channel_is_not_missing() -> None:
    grid = series(Role.GRID_IMPORT, [100, 100, 100])
    for since, closed in ((0, [False, False, True]), (2, [True, True, True])):
        pv = series(Role.ONSITE_PV, [None, None, 20], since)
        got = trace([grid, pv], [3], Stock(), Accounting())
        assert got.closed.tolist() == closed
    assert got.columns["consumption_kwh"].tolist() == [100, 100, 120]


def test_what_a_channel_says_before_its_service_does_not_count() -> None:
    pv = series(Role.ONSITE_PV, [7, 20], since=1)
    got = trace([series(Role.GRID_IMPORT, [100, 100]), pv], [2], Stock(), Accounting())
    assert got.columns["consumption_kwh"].tolist() == [100, 120]


def test_nothing_metered_is_no_balance() -> None:
    assert traced(grid=[None, 1]).closed.tolist() == [False, True]
    for value in (None, 5.0):  # what is said before the service counts for nothing
        silent = series(Role.GRID_IMPORT, [value], since=1)
        assert trace([silent], [1], Stock(), Accounting()).closed.tolist() == [False]


def test_estimates_count_in_closed_balances_only() -> None:
    grid, pv = series(Role.GRID_IMPORT, [100, 100]), series(Role.ONSITE_PV, [None, 7])
    grid.estimated[:] = True
    pv.estimated[1] = True
    got = trace([grid, pv], [2], Stock(), Accounting())
    assert got.columns["estimated_kwh"].tolist() == [0, 107]


def test_every_balance_role_has_its_place() -> None:
    assert set(BALANCE_ROLES) == set(ROLES.values())
    for name in ROLES:
        got = traced(**{name: [8.0]})
        assert 8.0 in at(got, *BALANCE_COLUMNS[:6]), name


def test_sums_by_key() -> None:
    got = traced(grid=[1, 2, 4, 8, None], pv=[0, 0, 0, 0, 0])
    keys, sums = summed(got, np.array([5, 5, 6, 6, 7]))
    assert keys.tolist() == [5, 6]
    assert sums["consumption_kwh"].tolist() == [3, 12]
    assert sums["buckets"].tolist() == [2, 2]
    assert set(sums) == set(BALANCE_COLUMNS)


KWH = st.just(0.0) | st.floats(0, 1e5)
FULL = st.lists(KWH, min_size=7, max_size=7)
BROKEN = st.lists(st.none() | KWH, min_size=7, max_size=7)
ROWS = st.lists(FULL | FULL | FULL | BROKEN, min_size=1, max_size=40)
CHOICES = st.builds(
    Accounting,
    st.sampled_from(["load_charge_export", "load_export_charge"]),
    st.sampled_from(["weighted_average", "fifo"]),
    st.floats(0.5, 1.0),
    st.none() | st.floats(1.0, 1e5),
)


def columns_of(rows: list[list[Amount]]) -> dict[str, list[Amount]]:
    return dict(zip(ROLES, map(list, zip(*rows, strict=True)), strict=True))


@given(ROWS, CHOICES)
def test_conservation(rows: list[list[Amount]], choices: Accounting) -> None:
    got = traced(choices, **columns_of(rows))
    c = got.columns
    assert got.closed.tolist() == [None not in row for row in rows]
    supply = {"onsite": "onsite", "direct": "direct", "storage": "discharge", "grid": "import"}
    for source in SOURCES:  # every source is used up
        used = sum(c[name] for name in FLOWS if name.startswith(source))
        assert np.allclose(used, c[f"{supply[source]}_kwh"], rtol=0, atol=1e-9)
    for use in ("load", "charge", "export"):  # every use is served; what is not is said
        served = sum(c[name] for name in FLOWS if name.endswith(f"_to_{use}_kwh"))
        missing = c[f"{use}_kwh"] - served
        assert (missing >= -1e-9).all()
        assert (missing <= c["unbalanced_kwh"] + 1e-9).all()
    assert all((c[name] >= 0).all() for name in (*FLOWS, "load_kwh", "unbalanced_kwh"))
    border = c["import_kwh"] + c["direct_kwh"] + c["onsite_kwh"] - c["export_kwh"]
    assert np.allclose(c["consumption_kwh"], border, rtol=0, atol=1e-9)
    through = np.maximum(c["import_kwh"] - c["load_kwh"] - c["charge_kwh"], 0.0)
    assert c["grid_to_export_kwh"] == pytest.approx(through, abs=1e-9)


@given(ROWS, CHOICES)
def test_green_in_is_green_used_exported_lost_and_stored(
    rows: list[list[Amount]], choices: Accounting
) -> None:
    got = traced(choices, **columns_of(rows))
    c = got.columns
    made = (c["onsite_kwh"] + c["direct_kwh"]).sum()
    gone = sum(c[f"green_{n}_kwh"].sum() for n in ("load", "export", "lost"))
    stored = got.stocks[-1].green_kwh
    assert made == pytest.approx(gone + stored, rel=1e-9, abs=1e-6)
    assert (c["green_load_kwh"] <= c["load_kwh"] + 1e-6).all()
    assert (c["untraced_kwh"] <= c["discharge_kwh"]).all()


@given(ROWS, CHOICES, st.data())
def test_splitting_of_time_changes_nothing(
    rows: list[list[Amount]], choices: Accounting, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    whole = traced(choices, cuts=[cut, len(rows)], **columns_of(rows))
    stock = Stock()
    for first, stop, expected in ((0, cut, whole.stocks[0]), (cut, len(rows), whole.stocks[1])):
        if first < stop:
            again = traced(choices, stock, **columns_of(rows[first:stop]))
            for name in BALANCE_COLUMNS:
                assert again.columns[name].tolist() == whole.columns[name][first:stop].tolist()
            stock = again.stocks[-1]
        assert stock == expected
