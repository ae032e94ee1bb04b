"""From a payload of another device to a reading: renamed, converted, or refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from collectors.directory import Directory, OwnedSource
from collectors.door import Batch, Door
from collectors.formats.base import Incoming
from models.channels import ChannelRef
from models.periods import to_us
from models.sources import Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def channel(number: int, key: str, quantity: str, unit: str, kind: str) -> ChannelRef:
    place = (number, key, "m", 1, "acme", 1, "p")
    return ChannelRef(*place, quantity, unit, kind, "none", 1.0, None, 900, None, None)


def judge(name: str, topic: str, body: Any, *, fresh: bool = True) -> tuple[Batch, Door]:
    source = Source.model_validate(
        {
            "topic": "park/p/acme/x/#",
            "format": name,
            "devices": {"d1": {"meter": "m", "channels": {"import_energy_1": "pv_kwh"}}},
        }
    )
    channels = [
        channel(1, "import_energy", "active_energy", "kWh", "register"),
        channel(2, "pv_kwh", "active_energy", "kWh", "register"),
        channel(3, "temperature", "temperature", "degC", "gauge"),
    ]
    zone = ZoneInfo("Asia/Shanghai")
    directory = Directory(channels, [OwnedSource("p", "acme", zone, source)])
    door = Door(directory, 10_000, timedelta(minutes=5))
    return door.judge([Incoming(topic, json.dumps(body).encode(), NOW, fresh)]), door


def codes(batch: Batch) -> list[str]:
    return [one["code"] for row in batch.quarantined.values() for one in row.detail]


def test_watt_hours_become_those_of_the_channel_and_the_rest_is_counted() -> None:
    body = {"total_act_energy": 6644.9, "total_act_ret_energy": 2595.26}
    batch, door = judge("shelly-pro-em", "park/p/acme/x/d1/status/em1data:1", body)
    assert [reading[:3] for reading in batch.readings] == [(2, to_us(NOW), 6.6449)]
    assert codes(batch) == []
    assert sum(door.ignored.values()) == 1


def test_a_retained_message_without_a_time_goes_to_quarantine() -> None:
    body = {"total_act_energy": 6644.9}
    batch, _ = judge("shelly-pro-em", "park/p/acme/x/d1/status/em1data:1", body, fresh=False)
    assert (batch.readings, codes(batch)) == ([], ["stale_arrival"])


def test_a_device_that_is_not_listed_is_refused() -> None:
    batch, _ = judge("zigbee2mqtt", "park/p/acme/x/d2", {"energy": 1})
    assert (batch.readings, codes(batch)) == ([], ["unknown_device"])


def test_a_unit_of_another_quantity_is_refused_where_the_meter_has_the_channel() -> None:
    records = [
        {"bn": "d1/", "n": "temperature", "u": "kWh", "v": 1},
        {"n": "lat", "u": "lat", "v": 6},
    ]
    records += [{"n": "import_energy", "u": "J", "v": 1}, {"n": "import_energy", "u": "Wh", "v": 5}]
    batch, door = judge("senml", "park/p/acme/x/any", records)
    assert [reading[2] for reading in batch.readings] == [0.005]
    assert codes(batch) == ["unit", "unit"]
    assert sum(door.ignored.values()) == 1


def test_what_no_part_of_the_template_knows_goes_to_quarantine() -> None:
    for topic, body in (("d1/strange", {"energy": 1}), ("d1/SENSOR", {"Time": "x"})):
        batch, _ = judge("tasmota-energy", f"park/p/acme/x/{topic}", body)
        assert codes(batch) == ["template"]
