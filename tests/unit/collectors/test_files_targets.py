"""Where the values of a file go, by kind of channel: shift of the stamp and factor of the unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from collectors.files.mapping import Nem12Mapping
from collectors.files.targets import catalogue_unit, find_place, nem12_faults, unit_scale
from models.channels import ChannelRef
from models.errors import ConfigError


def ref(kind: str, quantity: str = "water_volume", unit: str = "m3") -> ChannelRef:
    told: dict[str, Any] = {"quantity": quantity, "unit": unit, "kind": kind, "factor": 1.0}
    return ChannelRef(
        channel_id=1,
        key="c",
        meter_key="m",
        enterprise_id=1,
        enterprise_key="e",
        park_id=1,
        park_key="p",
        role="none",
        modulus=None,
        period_s=3600,
        rated_per_h=None,
        in_service_from=None,
        **told,
    )


@pytest.mark.parametrize(
    ("kind", "shift_s"),
    [("interval", -3600), ("gauge", -3600), ("register", 0), ("rate", 0), ("batch", 0)],
)
def test_what_lasted_is_kept_at_its_start_and_what_happened_where_it_did(
    kind: str, shift_s: int
) -> None:
    assert find_place(ref(kind), "end").shift_us == shift_s * 1_000_000
    assert find_place(ref(kind), "start").shift_us == 0


def test_a_rate_is_converted_between_units_of_the_rate() -> None:
    flow = ref("rate", unit="L/s")
    assert unit_scale("m3/h", flow) == Decimal(1) / Decimal("3.6")
    assert unit_scale("L/s", flow) is None
    assert catalogue_unit("l/S", flow) == "L/s"
    assert catalogue_unit("m3", flow) is None
    with pytest.raises(ConfigError, match="unit 'm3' does not measure volume_flow"):
        unit_scale("m3", flow)


def test_an_event_is_converted_like_an_amount() -> None:
    assert unit_scale("t", ref("batch", "mass", "kg")) == Decimal(1000)


@pytest.mark.parametrize("kind", ["register", "rate", "batch"])
def test_nem12_is_for_amounts_per_period(kind: str) -> None:
    mapping = Nem12Mapping(park="p", streams={"1/E1": "m/c"})
    unit = "kW" if kind == "rate" else "kWh"
    (fault,) = nem12_faults(mapping, [ref(kind, "active_energy", unit)])
    assert f"e/m/c is a {kind}; NEM12 holds amounts per period" in fault
    assert nem12_faults(mapping, [ref("interval", "active_energy", "kWh")]) == []
