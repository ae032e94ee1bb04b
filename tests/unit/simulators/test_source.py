"""Messages of the simulator: the same bytes, whole registers, the public contract."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from models.errors import ConfigError
from models.park import Park, parse_park
from simulators.message import Message
from simulators.meter_models import MeterModels
from simulators.plant import points
from simulators.scenario import Scenario
from simulators.source import ParkSimulator
from tests.unit.simulators.sample import SEED, grid, park, scenario, simulator, year
from tests.unit.simulators.test_events import events

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=park().zone)
UNIT = {"interval": "kWh", "rate": "kW"}
Readings = dict[tuple[str, str], dict[datetime, float]]


def decoded(messages: Iterable[Message]) -> Readings:
    out: Readings = defaultdict(dict)
    for message in messages:
        items = json.loads(message.payload)
        for item in items if isinstance(items, list) else [items]:
            for channel, value in item["values"].items():
                out[message.topic, channel][datetime.fromisoformat(item["ts"])] = value
    return out


def changed(**changes: Any) -> Scenario:
    return scenario().model_copy(update=changes)


def test_same_seed_same_bytes_another_seed_others() -> None:
    def payloads(seed: int) -> list[bytes]:
        made = ParkSimulator(park(), scenario(), seed)
        return [m.payload for m in made.messages(START, START + DAY / 4)]

    assert payloads(SEED) == payloads(SEED)
    assert payloads(SEED) != payloads(SEED + 1)


def test_a_range_in_two_pieces_is_the_range_in_one() -> None:
    middle, stop = START + DAY / 3, START + DAY
    whole = list(simulator().messages(START, stop))
    again = ParkSimulator(park(), scenario(), SEED)  # nothing is carried over
    pieces = [*again.messages(middle, stop)]
    pieces = [*again.messages(START, middle), *pieces]
    assert pieces == whole


def test_batches_hold_the_same_readings() -> None:
    stop = START + 2 * DAY
    single = decoded(simulator().messages(START, stop))
    for batch in (7, 96, 1000):
        messages = list(simulator().messages(START, stop, batch=batch))
        assert decoded(messages) == single
        assert all(payload_length(m) <= batch for m in messages)
        assert [m.due_at for m in messages] == sorted(m.due_at for m in messages)


def test_days_in_batches_repeat_nothing_while_messages_are_late() -> None:
    late = events({"kind": "late", "enterprise": "baolu", "from": START + DAY / 2,
                   "to": START + 3 * DAY / 4, "delay_h": 12})  # fmt: skip
    disturbed = ParkSimulator(park(), changed(events=late), SEED)
    got: Counter[tuple[str, str, str]] = Counter()
    for day in range(3):
        low = START + day * DAY
        for message in disturbed.messages(low, low + DAY, batch=96):
            items = json.loads(message.payload)
            for item in items if isinstance(items, list) else [items]:
                got.update((message.topic, item["ts"], channel) for channel in item["values"])
    assert set(got.values()) == {1}
    assert got.total() == disturbed.count(START, START + 3 * DAY)


def payload_length(message: Message) -> int:
    items = json.loads(message.payload)
    return len(items) if isinstance(items, list) else 1


def test_count_is_what_comes() -> None:
    start = datetime(2026, 5, 31, 12, tzinfo=park().zone)  # a PV begins on 1 June
    got = decoded(simulator().messages(start, start + DAY))
    expected = simulator().count(start, start + DAY)
    assert sum(len(v) for v in got.values()) == expected
    assert sum(m.readings for m in simulator().messages(start, start + DAY)) == expected


def test_the_public_contract() -> None:
    first = next(iter(simulator().messages(START, START + DAY)))
    assert first.due_at == START.astimezone(UTC)
    assert first.topic == "park/donghe/baolu/bl-grid"
    item = json.loads(first.payload)
    assert item["ts"] == "2026-03-01T00:00:00+08:00"
    assert set(item["values"]) == {"import_kwh", "import_kvarh", "power_kw"}
    known = {(f"park/donghe/{p.enterprise.key}/{p.meter.key}", p.key) for p in points(park())}
    got = decoded(simulator().messages(START, START + DAY))
    assert {k for k in got if k[1]} == known - {("park/donghe/yibang/yb-pv", "pv_kwh")}


def test_periods_are_those_of_the_park() -> None:
    got = decoded(simulator().messages(START, START + DAY))
    for point in points(park()):
        stamps = got.get((f"park/donghe/{point.enterprise.key}/{point.meter.key}", point.key))
        if stamps is not None and point.channel.kind != "batch":
            assert len(stamps) == 86_400 // point.channel.period_s
            assert min(stamps) == START


def test_the_range_is_half_open_and_needs_no_round_times() -> None:
    low, high = START + timedelta(seconds=1), START + timedelta(minutes=30)
    stamps = {t for v in decoded(simulator().messages(low, high)).values() for t in v}
    assert stamps == {START + timedelta(minutes=15)}
    assert list(simulator().messages(START, START)) == []


def test_registers_rise_and_wrap_only_at_the_modulus() -> None:
    start = datetime(2026, 4, 15, tzinfo=park().zone)
    got = decoded(simulator().messages(start, start + 60 * DAY, batch=1000))
    falls = {}
    for point in points(park()):
        if point.channel.kind != "register":
            continue
        series = got[f"park/donghe/{point.enterprise.key}/{point.meter.key}", point.key]
        values = list(series.values())
        assert point.channel.modulus is not None
        assert 0 <= min(values) <= max(values) < point.channel.modulus
        for old, new in itertools.pairwise(values):
            if new < old:
                falls[point.path] = (old, new)
    assert list(falls) == ["st-grid/import_kwh"]  # starts at 998,500 on purpose
    old, new = falls["st-grid/import_kwh"]
    assert old > 999_999
    assert new < 1


def test_register_differences_are_the_physics_within_the_last_digit() -> None:

    got = decoded(simulator().messages(START, START + DAY, batch=96))
    values = list(got["park/donghe/shengtai/st-grid", "import_kwh"].values())
    day = 31 + 28
    expected = year()["st-grid/import_kwh"][day * 96 : day * 96 + 95].sum()
    assert (values[-1] - values[0]) * 16_000 == pytest.approx(expected, abs=16_000 * 0.0001 * 1.01)


def test_a_gauge_shows_the_power_that_the_register_counts() -> None:
    got = decoded(simulator().messages(START, START + DAY))
    power = list(got["park/donghe/fengchuan/fc-grid", "power_kw"].values())
    register = list(got["park/donghe/fengchuan/fc-grid", "import_kwh"].values())
    rises = [(b - a) * 88_000 * 4 for a, b in itertools.pairwise(register)]
    assert power[:-1] == pytest.approx(rises, abs=2 * 4 * 8.8)  # two last digits of the register
    assert max(power) - min(power) > 1000


def test_registers_continue_into_the_next_year() -> None:
    newyear = datetime(2027, 1, 1, tzinfo=park().zone)
    got = decoded(simulator().messages(newyear - DAY, newyear + DAY))
    series = list(got["park/donghe/baolu/bl-grid", "import_kwh"].values())
    assert len(series) == 192
    steps = [b - a for a, b in itertools.pairwise(series)]
    assert all(0 <= s < 638_000 / 4 / 880_000 * 1.3 for s in steps)
    assert min(steps[94:98]) >= 0


def test_a_meter_in_service_later_says_nothing_before() -> None:
    start = datetime(2026, 5, 31, tzinfo=park().zone)
    got = decoded(simulator().messages(start, start + 2 * DAY))
    stamps = got["park/donghe/yibang/yb-pv", "pv_kwh"]
    assert min(stamps) == start + DAY
    assert max(stamps.values()) > min(stamps.values())


@pytest.mark.parametrize(
    ("scenario_", "message"),
    [
        (changed(park="other"), "the scenario is for park 'other'"),
        (changed(substations={}), "ss-taotu/feed_kwh has role substation_in"),
        (changed(start_registers={"x/y": 1.0}), "start_registers: channel 'x/y' is not known"),
        (
            changed(shows={}),
            "bl-waste/out_t is in no balance; say under shows of the scenario what it shows "
            r"\(mass of this enterprise: waste\)",
        ),
        (
            changed(shows=scenario().shows | {"bl-waste/out_t": "gas"}),
            "bl-waste/out_t measures mass, but gas is gas_volume",
        ),
        (
            changed(shows=scenario().shows | {"pc-trucks/charging_kwh": "pot_lines"}),
            "pc-trucks/charging_kwh shows pot_lines, but enterprise 'parkco' has none",
        ),
        (changed(batch_sizes={"bl-grid/import_kwh": 1.0}), "is of kind register, expected batch"),
        (
            changed(enterprises={k: v for k, v in scenario().enterprises.items() if k != "bopu"}),
            "enterprise 'bopu' has meters but no model",
        ),
        (
            changed(
                enterprises=dict(scenario().enterprises)
                | {
                    "yongzhen": scenario()
                    .enterprises["yongzhen"]
                    .model_copy(update={"battery": None, "generators": {}})
                }
            ),
            "yz-pv/pv_kwh has role onsite_pv(.|\n)*yz-bess/charge_kwh has role storage_charge",
        ),
    ],
)
def test_park_and_scenario_must_fit(scenario_: Scenario, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ParkSimulator(park(), scenario_, SEED)


def with_kind(kind: str, unit: str) -> Park:
    """The sample park with another kind of meter at the roof of one enterprise."""
    document = park().model_dump(mode="json")
    (channel,) = (
        m["channels"]["pv_kwh"]
        for e in document["enterprises"]
        for m in e["meters"]
        if m["key"] == "yb-pv"
    )
    channel |= {"kind": kind, "unit": unit, "modulus": None, "multiplier": 1.0}
    return parse_park(document, "test")


def test_a_weighbridge_tells_every_truck_once_and_all_of_them_are_the_truth() -> None:
    path, topic = "bl-waste/out_t", ("park/donghe/baolu/bl-waste", "out_t")
    start = datetime(2026, 12, 22, tzinfo=park().zone)  # over the end of the year
    span = [start + DAY * n for n in range(21)]
    whole = decoded(simulator().messages(span[0], span[-1]))[topic]
    fresh = ParkSimulator(park(), scenario(), SEED)
    days = [decoded(fresh.messages(a, b, batch=96))[topic] for a, b in itertools.pairwise(span)]
    assert {at: t for day in reversed(days) for at, t in day.items()} == whole
    assert len(whole) == sum(len(day) for day in days)
    assert len(whole) == fresh.count(span[0], span[-1]) - other_readings(span[0], span[-1])
    assert all(8 <= at.hour < 19 for at in whole)
    assert all(28 * 0.85 <= t <= 28 * 1.15 for t in whole.values())
    left = fresh.years.total(path, np.array(sorted(at.timestamp() for at in whole)))
    weights = np.array([t for _, t in sorted(whole.items())])
    assert np.diff(left) == pytest.approx(weights[1:], abs=0.02)  # each took what had come together
    edges = np.array([at.timestamp() for at in (span[0], span[-1])])
    true = np.diff(fresh.years.total(path, edges))[0]
    assert abs(sum(whole.values()) - true) < 28 * 1.15  # a truck is on the scales at each end
    assert true > 900


def other_readings(start: datetime, stop: datetime) -> int:
    seconds = (stop - start).total_seconds()
    return sum(int(seconds // p.channel.period_s) for p in points(park()) if p.key != "out_t")


def test_a_meter_class_shows_in_amounts_too() -> None:
    plan = changed(meters=MeterModels.model_validate({"default": {"accuracy_percent": 2}}))
    start = datetime(2026, 7, 1, 12, tzinfo=park().zone)
    day = (start, start + DAY)
    for kind in ("interval", "rate"):
        exact = decoded(ParkSimulator(with_kind(kind, UNIT[kind]), scenario(), SEED).messages(*day))
        real = decoded(ParkSimulator(with_kind(kind, UNIT[kind]), plan, SEED).messages(*day))
        key = "park/donghe/yibang/yb-pv", "pv_kwh"
        gain = sum(real[key].values()) / sum(exact[key].values())
        assert 1e-5 < abs(gain - 1) <= 0.021


@pytest.mark.parametrize(("kind", "unit"), [("interval", "kWh"), ("rate", "kW")])
@pytest.mark.parametrize("batch", [1, 96])
def test_amounts_per_period_and_rates_add_up_to_the_truth(kind: str, unit: str, batch: int) -> None:
    start = datetime(2026, 7, 1, tzinfo=park().zone)
    other = ParkSimulator(with_kind(kind, unit), scenario(), SEED)
    read = decoded(other.messages(start, start + DAY + timedelta(seconds=1), batch=batch))
    shown = read["park/donghe/yibang/yb-pv", "pv_kwh"]
    hours = 1.0 if kind == "interval" else 0.25
    total = sum(v * hours for at, v in shown.items() if start <= at < start + DAY)
    day = grid().day == (start.date() - date(2026, 1, 1)).days
    true = year()["yb-pv/pv_kwh"][day].sum()
    assert true > 1000
    assert total == pytest.approx(true, rel=1e-3)  # the digits of 96 displays


def test_before_the_first_year_there_is_nothing() -> None:
    old = datetime(2025, 12, 31, tzinfo=park().zone)
    with pytest.raises(ConfigError, match="begins in 2026, got 2025"):
        list(simulator().messages(old, old + DAY))


@pytest.mark.parametrize("batch", [0, 1001])
def test_batch_bounds(batch: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 1000"):
        next(iter(simulator().messages(START, START + DAY, batch=batch)))
