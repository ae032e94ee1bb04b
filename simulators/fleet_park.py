"""A made-up park of thousands of grid meters, for tests of load: park.yaml and behaviour."""

from __future__ import annotations

from typing import Any

import yaml

from models.park import Park, parse_park
from simulators.scenario import Scenario

CHANNEL = "import_kwh"
MEAN_KW = 30.0
"""Of a meter."""
MODULUS = 1_000_000
_KEY = "fleet"


def fleet_document(meters: int, period_s: int = 60, per_enterprise: int = 100) -> dict[str, Any]:
    """The made-up park as park.yaml has it.

    Raises:
        ValueError: a number is below 1.
    """
    if min(meters, period_s, per_enterprise) < 1:
        msg = f"got {meters} meters, {period_s} s, {per_enterprise} each, expected 1 or more"
        raise ValueError(msg)
    channels = {
        CHANNEL: {
            "quantity": "active_energy",
            "unit": "kWh",
            "kind": "register",
            "role": "grid_import",
            "modulus": MODULUS,
            "resolution": 0.01,
            "period_s": period_s,
            "rated_per_h": 120,
        }
    }
    meter_name, name = {"zh": "电表", "en": "meter"}, {"zh": "负载", "en": "load"}
    enterprises = []
    for number, first in enumerate(range(0, meters, per_enterprise)):
        key = f"{_KEY}-{number:03d}"
        many = min(per_enterprise, meters - first)
        own = [
            {"key": f"{key}-{n:04d}", "name": meter_name, "channels": channels}
            for n in range(1, many + 1)
        ]
        enterprises.append({"key": key, "name": name, "meters": own})
    return {
        "key": _KEY,
        "name": {"zh": "压力测试", "en": "fleet of meters"},
        "timezone": "Asia/Shanghai",
        "simulated": True,
        "goal": {"year": 2026, "year_end_ratio": 0.5, "source": "made up"},
        "enterprises": enterprises,
    }


def fleet_yaml(meters: int, period_s: int = 60, per_enterprise: int = 100) -> str:
    """The same as text for `greenpark apply`; what all meters share is written once."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    document = fleet_document(meters, period_s, per_enterprise)
    return str(yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True))


def fleet_park(
    meters: int, period_s: int = 60, per_enterprise: int = 100, first_year: int = 2026
) -> tuple[Park, Scenario]:
    """A made-up park of grid meters, and how it behaves (for `ParkSimulator` too).

    Args:
        period_s: between two readings of a meter [s].
    """
    park = parse_park(fleet_document(meters, period_s, per_enterprise), "fleet")
    behaviour = {e.key: {"load": {"mean_kw": MEAN_KW * len(e.meters)}} for e in park.enterprises}
    scenario = Scenario.model_validate(
        {
            "park": park.key,
            "first_year": first_year,
            "site": {"latitude": 40.6, "longitude": 109.9},
            "enterprises": behaviour,
        }
    )
    return park, scenario
