"""The catalogue of quantities: flows and their rates, factors against hand calculations."""

from __future__ import annotations

import pytest

from models.meters import Channel
from models.quantities import QUANTITIES, read_quantity
from models.roles import Role

FLOWS = [q.key for q in QUANTITIES.values() if q.is_flow and q.key != "money"]
POWER_OF = {"kWh": "kW", "kvarh": "kvar"}


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_has_a_rate_per_hour(flow: str) -> None:
    quantity = QUANTITIES[flow]
    rate = QUANTITIES[quantity.rate or ""]
    assert not rate.is_flow
    assert rate.unit == POWER_OF.get(quantity.unit, f"{quantity.unit}/h")
    assert rate.plausible[0] < 0 < rate.plausible[1]  # net rates may turn


def test_states_have_no_rate() -> None:
    assert [q.key for q in QUANTITIES.values() if q.rate and not q.is_flow] == []
    with pytest.raises(KeyError):
        read_quantity("voltage", "rate")


def test_a_channel_is_read_in_its_quantity_and_a_rate_in_that_of_the_rate() -> None:
    for kind in ("register", "interval", "batch"):
        assert read_quantity("water_volume", kind).key == "water_volume"
    assert read_quantity("water_volume", "rate").key == "volume_flow"


@pytest.mark.parametrize(
    ("quantity", "unit", "per_hour"),
    [
        # one raw unit through one hour, in the canonical unit of the flow
        ("active_energy", "kW", 1.0),
        ("active_energy", "MW", 1000.0),
        ("reactive_energy", "var", 1e-3),
        ("water_volume", "L/s", 3.6),  # 3600 L
        ("water_volume", "L/min", 0.06),
        ("water_volume", "m3/s", 3600.0),
        ("gas_volume", "L/h", 1e-3),
        ("mass", "kg/s", 3.6),
        ("mass", "kg/h", 1e-3),
        ("steam_mass", "t/h", 1.0),
        ("heat", "MW", 3.6),  # 1 MJ/s x 3600 s = 3600 MJ
        ("heat", "kW", 3.6e-3),
        ("heat", "MJ/h", 1e-3),
        ("compressed_air_volume", "Nm3/min", 60.0),
    ],
)
def test_rates_become_amounts_per_hour(quantity: str, unit: str, per_hour: float) -> None:
    channel = Channel(quantity=quantity, unit=unit, kind="rate", multiplier=2)
    assert channel.factor == pytest.approx(2 * per_hour)


def test_heat_in_kilowatt_hours() -> None:
    # 1 kWh = 3.6 MJ
    assert Channel(quantity="heat", unit="MWh", kind="register").factor == pytest.approx(3.6)
    assert Channel(quantity="heat", unit="kWh", kind="interval").factor == pytest.approx(0.0036)


def test_rates_and_events_take_part_in_balances() -> None:
    Channel(quantity="active_energy", unit="kW", kind="rate", role=Role.GRID_IMPORT)
    Channel(quantity="mass", unit="kg", kind="batch", role=Role.PRODUCTION)
