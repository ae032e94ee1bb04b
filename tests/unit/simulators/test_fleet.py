"""A fleet of thousands of meters: plausible registers, the same for an instant in any range."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import yaml

from models.errors import ConfigError
from models.park import parse_park
from simulators.fleet import FleetSimulator
from simulators.fleet_park import CHANNEL, fleet_park, fleet_yaml
from simulators.message import Message
from simulators.source import ParkSimulator
from tests.unit.simulators.sample import park as sample_park

START = datetime(2026, 5, 1, 7, 59, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fleet(meters: int = 250, period_s: int = 60, seed: int = 2026) -> FleetSimulator:
    return FleetSimulator(*fleet_park(meters, period_s), seed)


def readings(messages: list[Message]) -> dict[tuple[str, str], float]:
    """(topic, ts) -> value; fails when one comes twice."""
    found: dict[tuple[str, str], float] = {}
    for message in messages:
        items = json.loads(message.payload)
        items = items if isinstance(items, list) else [items]
        assert message.readings == len(items)
        for item in items:
            key = (message.topic, item["ts"])
            assert key not in found
            found[key] = item["values"][CHANNEL]
    return found


def test_park_is_the_one_of_the_yaml_text() -> None:
    park, scenario = fleet_park(250, 30)
    assert parse_park(yaml.safe_load(fleet_yaml(250, 30)), "text") == park
    assert [len(e.meters) for e in park.enterprises] == [100, 100, 50]
    assert park.enterprises[0].meters[0].key == "fleet-000-0001"
    assert park.enterprises[2].meters[49].key == "fleet-002-0050"
    assert ParkSimulator(park, scenario, 1).count(START, START + HOUR) == 250 * 120


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_pieces_make_the_whole(batch: int) -> None:
    one = fleet()
    whole = list(one.messages(START, START + HOUR, batch=batch))
    assert [m.due_at for m in whole] == sorted(m.due_at for m in whole)
    assert all(START <= m.due_at < START + HOUR for m in whole)
    cut = START + timedelta(minutes=17, seconds=3, milliseconds=500)
    ranges = [(START, cut), (cut, START + HOUR)]
    parts = [m for r in ranges for m in fleet().messages(*r, batch=batch)]
    assert readings(parts) == readings(whole)
    assert readings(whole) == readings(list(one.messages(START, START + HOUR)))
    assert sum(m.readings for m in whole) == one.count(START, START + HOUR) == 250 * 60
    assert sum(one.count(*r) for r in ranges) == 250 * 60


@pytest.mark.parametrize("batch", [1, 60])
def test_message_due_at_the_cut_belongs_to_the_later_piece(batch: int) -> None:
    one = fleet(meters=20)
    cut = list(one.messages(START, START + HOUR))[700].due_at
    before = list(one.messages(START, cut, batch=batch))
    after = list(one.messages(cut, START + HOUR, batch=batch))
    counts = [sum(m.readings for m in part) for part in (before, after)]
    assert counts == [700, 500] == [one.count(START, cut), one.count(cut, START + HOUR)]


def test_blocks_do_not_change_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(fleet().messages(START, START + HOUR))
    monkeypatch.setattr("simulators.fleet._BLOCK", 500)
    assert list(fleet().messages(START, START + HOUR)) == whole


def test_same_seed_same_bytes_and_more_meters_change_nothing() -> None:
    first = list(fleet().messages(START, START + HOUR))
    assert list(fleet().messages(START, START + HOUR)) == first
    assert list(fleet(seed=7).messages(START, START + HOUR)) != first
    more = readings(list(fleet(meters=400).messages(START, START + HOUR)))
    few = readings(list(fleet(meters=200).messages(START, START + HOUR)))
    assert few.items() <= more.items()


@pytest.mark.parametrize("period_s", [60, 900])
def test_registers_count_up_at_a_plausible_power(period_s: int) -> None:
    one = fleet(meters=50, period_s=period_s)
    begin_ms = int(START.timestamp()) // period_s * period_s * 1000
    shown = one.shown_kwh(begin_ms + np.arange(0, 3 * 86_400, period_s) * 1000)
    step = np.diff(shown, axis=0) % 1_000_000
    power = step * 3600 / period_s
    assert power.min() >= 0
    assert power.max() < 120  # rated_per_h of the channel
    daily = (shown[86_400 // period_s] - shown[0]) % 1_000_000 / 24
    assert 15 <= daily.min() < daily.max() <= 46
    assert abs(daily.mean() - 30) < 5


def test_times_are_due_after_they_are_taken() -> None:
    for message in fleet(meters=20).messages(START, START + timedelta(minutes=2)):
        taken = datetime.fromisoformat(json.loads(message.payload)["ts"])
        assert timedelta(0) <= message.due_at - taken < timedelta(minutes=1)
        assert message.topic.endswith("/".join(message.source))


def test_other_parks_and_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match="import_kwh alone"):
        FleetSimulator(sample_park(), fleet_park(1)[1], 1)
    with pytest.raises(ValueError, match="0 meters"):
        fleet_park(0)
    with pytest.raises(ValueError, match="expected 1 to 1000"):
        next(fleet().messages(START, START + HOUR, batch=1001))
