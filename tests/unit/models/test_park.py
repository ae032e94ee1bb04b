"""park.yaml: every fault at once, with its place; defaults that follow the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import ConfigError
from models.meters import Channel
from models.park import Park, load_park, parse_park
from models.quantities import QUANTITIES
from models.roles import ROLE_QUANTITY, Role

FILE = Path(__file__).parents[2] / "data" / "park.yaml"
ENERGY = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}


def document() -> dict[str, Any]:
    """The small test park, to be spoilt."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def faults(spoilt: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_park(spoilt, "park.yaml")
    assert caught.value.source == "park.yaml"
    return caught.value.faults


def test_a_good_park() -> None:
    park = load_park(FILE)
    assert [e.key for e in park.enterprises] == ["alpha", "beta"]
    assert park.timezone == "Asia/Shanghai"
    assert (park.goal.share, park.goal.reading) == ("S3", "ytd")
    assert park.enterprise("alpha").meters[0].channels["import_kwh"].factor == 100
    assert park.enterprise("beta").meters[0].channels["import_kwh"].factor == 1000  # MWh
    with pytest.raises(ConfigError, match="no enterprise 'gamma'; expected one of: alpha, beta"):
        park.enterprise("gamma")


def test_all_faults_are_reported_at_once_with_their_place() -> None:
    spoilt = document()
    spoilt["timezone"] = "Asia/Beijing"
    spoilt["goal"]["year_end_ratio"] = 50  # percent instead of a ratio
    alpha = spoilt["enterprises"][0]
    alpha["contacts"][0]["email"] = "wang"
    alpha["meters"][0]["channels"]["import_kwh"]["unit"] = "m3"
    alpha["meters"][1]["channels"]["gen_kwh"]["multiplier"] = 0
    alpha["colour"] = "blue"
    said = faults(spoilt)
    places = [f.split(": ")[0] for f in said]
    assert places == [
        "timezone",
        "goal.year_end_ratio",
        "enterprises.0.contacts.0.email",
        "enterprises.0.meters.0.channels.import_kwh",
        "enterprises.0.meters.1.channels.gen_kwh.multiplier",
        "enterprises.0.colour",
    ]
    assert "unknown time zone 'Asia/Beijing'" in said[0]
    assert "unit 'm3' does not measure active_energy; expected one of: Wh, kWh, MWh" in said[3]


def test_keys_that_are_used_twice() -> None:
    spoilt = document()
    alpha, beta = spoilt["enterprises"]
    beta["meters"][0]["key"] = "a-grid"  # meter keys are unique in the park, not per enterprise
    beta["key"] = "alpha"
    (only,) = faults(spoilt)
    assert "enterprise key 'alpha' is used twice" in only
    assert "meter key 'a-grid' is used twice" in only
    assert alpha["key"] == "alpha"


def test_a_substation_needs_a_meter_of_the_park() -> None:
    spoilt = document() | {
        "substations": [
            {"key": "s1", "name": {"zh": "变", "en": "S"}, "rated_mva": 63, "meter": "nowhere"}
        ]
    }
    (only,) = faults(spoilt)
    assert "substation s1: meter 'nowhere' is not a meter of this park" in only


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        pytest.param(
            {**ENERGY, "quantity": "energie"},
            "unknown quantity 'energie'; expected one of",
            id="quantity",
        ),
        pytest.param(
            {**ENERGY, "unit": "kW"}, "unit 'kW' does not measure active_energy", id="unit"
        ),
        pytest.param(
            {**ENERGY, "role": "water_intake"},
            "role water_intake needs quantity water_volume, got active_energy",
            id="role",
        ),
        pytest.param(
            {"quantity": "active_power", "unit": "kW", "kind": "register"},
            "active_power is a state and cannot be a register",
            id="state",
        ),
        pytest.param(
            {**ENERGY, "kind": "gauge", "role": "grid_import"},
            "role grid_import needs kind register, interval, rate or batch, got gauge",
            id="gauge-in-balance",
        ),
        pytest.param(
            {"quantity": "active_power", "unit": "kW", "kind": "interval"},
            "active_power is a state and cannot be an interval",
            id="state-per-period",
        ),
        pytest.param(
            {**ENERGY, "kind": "interval", "period_s": 1000},
            "period_s 1000 of an interval channel neither divides 900 s nor is a multiple of it",
            id="odd-period",
        ),
        pytest.param(
            {**ENERGY, "kind": "interval", "modulus": 1000},
            "modulus belongs to registers; a channel of kind interval has none",
            id="modulus-of-amounts",
        ),
        pytest.param(
            {"quantity": "active_power", "unit": "kW", "kind": "gauge", "resolution": 0.1},
            "resolution belongs to registers; a channel of kind gauge has none",
            id="resolution-of-a-state",
        ),
        pytest.param(
            {**ENERGY, "kind": "batch", "resolution": 0.01},
            "resolution belongs to registers; a channel of kind batch has none",
            id="resolution-of-events",
        ),
        pytest.param(
            {**ENERGY, "kind": "rate"},
            "unit 'kWh' does not measure the rate of active_energy; expected one of: W, kW, MW",
            id="rate-in-a-unit-of-amounts",
        ),
        pytest.param(
            {"quantity": "active_power", "unit": "kW", "kind": "rate"},
            "active_power is a state and cannot be a rate; name what flows (active_energy) or",
            id="rate-of-a-state",
        ),
        pytest.param(
            {"quantity": "voltage", "unit": "V", "kind": "rate"},
            "voltage is a state and cannot be a rate; use kind: gauge",
            id="rate-of-no-flow",
        ),
        pytest.param(
            {"quantity": "active_power", "unit": "kW", "kind": "batch"},
            "active_power is a state and cannot be a batch; use kind: gauge",
            id="state-of-an-event",
        ),
        pytest.param({**ENERGY, "role": "grid"}, "Input should be", id="unknown-role"),
        pytest.param({**ENERGY, "modulus": -1}, "greater than 0", id="modulus"),
        pytest.param({**ENERGY, "period_s": 0}, "greater than or equal to 1", id="period"),
    ],
)
def test_channel_faults(channel: dict[str, Any], message: str) -> None:
    spoilt = document()
    spoilt["enterprises"][0]["meters"][0]["channels"]["import_kwh"] = channel
    (only,) = faults(spoilt)
    assert only.startswith("enterprises.0.meters.0.channels.import_kwh")
    assert message in only


@pytest.mark.parametrize("key", ["", "Alpha", "a b", "a/b", "a+", "#", "包铝", "x" * 49])
def test_keys_fit_into_mqtt_topics(key: str) -> None:
    spoilt = document()
    spoilt["enterprises"][0]["meters"][0]["key"] = key
    assert faults(spoilt)[0].startswith("enterprises.0.meters.0.key: ")


@pytest.mark.parametrize("spoilt", [None, [], "text", {}, {"key": "x"}])
def test_no_park_at_all(spoilt: Any) -> None:
    assert faults(spoilt)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_park(tmp_path / "park.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("key: [unclosed")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_park(broken)


def test_every_role_has_its_quantity_and_every_example_is_valid() -> None:
    assert set(ROLE_QUANTITY) == set(Role) - {Role.NONE}
    for role, quantity in ROLE_QUANTITY.items():
        unit = next(iter(QUANTITIES[quantity].accepted))
        Channel(quantity=quantity, unit=unit, kind="register", role=role)
    for example in (Path(__file__).parents[3] / "examples").glob("*/park.yaml"):
        assert isinstance(load_park(example), Park)


def test_units_convert_to_the_canonical_one() -> None:
    assert Channel(**ENERGY | {"unit": "MWh", "multiplier": 80}).factor == 80_000
    with pytest.raises(ConfigError, match="unit 'kWh' does not measure water_volume"):
        QUANTITIES["water_volume"].factor("kWh")
    for quantity in QUANTITIES.values():
        assert quantity.accepted[quantity.unit] == 1.0
        assert quantity.plausible[0] < quantity.plausible[1]


@pytest.mark.parametrize("period_s", [1, 60, 300, 450, 900, 1800, 3600, 86_400])
def test_periods_of_amounts(period_s: int) -> None:
    channel = Channel(**ENERGY | {"kind": "interval"}, role=Role.GRID_IMPORT, period_s=period_s)
    assert channel.period_s == period_s


def test_a_park_that_was_applied_with_the_modulus_of_a_state_still_loads() -> None:
    state = {"quantity": "active_power", "unit": "kW", "kind": "gauge", "modulus": 1e6}
    assert Channel.model_validate(state).kind == "gauge"
