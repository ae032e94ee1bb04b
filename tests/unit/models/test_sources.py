"""Sources in park.yaml: whose topics, whose meters."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import ConfigError
from models.park import Park, parse_park
from models.sources import Source


def park(*sources: tuple[str, str, Any]) -> Park:
    """A park of enterprises a and b with a meter each; sources: enterprise, topic, devices."""
    return parse_park(
        {
            "key": "p",
            "name": {"zh": "园", "en": "P"},
            "enterprises": [
                {
                    "key": e,
                    "name": {"zh": e, "en": e},
                    "meters": [
                        {
                            "key": f"{e}-grid",
                            "name": {"zh": e, "en": e},
                            "channels": {
                                "import_kwh": {
                                    "quantity": "active_energy",
                                    "unit": "kWh",
                                    "kind": "register",
                                }
                            },
                        }
                    ],
                    "sources": [
                        {"topic": t, "format": "senml", "devices": d}
                        for owner, t, d in sources
                        if owner == e
                    ],
                }
                for e in ("a", "b")
            ],
        },
        "park.yaml",
    )


def test_a_device_can_be_just_its_meter() -> None:
    source = (
        park(("a", "park/p/a/x/#", {"d": "a-grid", 7: {"meter": "a-grid"}}))
        .enterprises[0]
        .sources[0]
    )
    assert {n: d.meter for n, d in source.devices.items()} == {"d": "a-grid", "7": "a-grid"}


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        ([("a", "x/#", {"d": "b-grid"})], "device d: 'b-grid' is not a meter of a"),
        (
            [("a", "x/#", {"d": {"meter": "a-grid", "channels": {"P": "power_kw"}}})],
            "device d: meter a-grid has no channel 'power_kw'",
        ),
        ([("a", "park/p/b/x", {"d": "a-grid"})], "start it with park/p/a/"),
        ([("a", "park/+/a/x", {"d": "a-grid"})], "start it with park/p/a/"),
        (
            [("a", "x/#", {"d": "a-grid"}), ("b", "x/+/y", {"d": "b-grid"})],
            "source x/+/y: overlaps with x/# of enterprise a",
        ),
        ([("a", "#", {"d": "a-grid"})], "not an MQTT topic filter with a fixed first level"),
        ([("a", "x/#/y", {"d": "a-grid"})], "not an MQTT topic filter"),
        ([("a", "x", {})], "at least 1"),
    ],
)
def test_faults(sources: list[tuple[str, str, Any]], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        park(*sources)
    assert fault in str(caught.value)


def test_two_sources_of_one_enterprise_may_overlap() -> None:
    assert park(("a", "x/#", {"d": "a-grid"}), ("a", "x/+/y", {"d": "a-grid"}))


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"timezone": "Asia/Baotou"}, "unknown time zone 'Asia/Baotou'"),
        ({"encoding": "gbk2"}, "unknown text encoding 'gbk2'"),
        ({"encoding": "zlib"}, "unknown text encoding 'zlib'"),
    ],
)
def test_zone_and_encoding_are_known(more: dict[str, str], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Source.model_validate({"topic": "x", "format": "cet", "devices": {"d": "m"}, **more})
