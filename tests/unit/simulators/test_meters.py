"""Displays and clocks: exact by default, and every way in which a meter is not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from models.park import Park, parse_park
from simulators.meters import MeterBank, MeterModels
from simulators.plant import Point, points
from simulators.timegrid import Floats, generator
from tests.unit.simulators.sample import SEED, park, scenario

NAMES = {"zh": "x", "en": "x"}
ZONE = park().zone
FIRST_S = int(datetime(2026, 1, 1, tzinfo=ZONE).timestamp())
KW = 100.0  # flows all the time
AT_S = FIRST_S + 900 * np.arange(96 * 60, dtype=np.int64)


def a_park(installations: list[dict[str, Any]] | None = None, **channel: Any) -> Park:
    kwh = {"quantity": "active_energy", "unit": "kWh", "kind": "register"} | channel
    kw = {"quantity": "active_power", "unit": "kW", "kind": "gauge"}
    meter = {
        "key": "m1",
        "name": NAMES,
        "channels": {"kwh": kwh, "kw": kw},
        "installations": installations or [],
    }
    acme = {"key": "acme", "name": NAMES, "meters": [meter]}
    return parse_park({"key": "p", "name": NAMES, "enterprises": [acme]}, "test")


def total_at(at_s: float) -> float:
    return (at_s - FIRST_S) / 3600 * KW


def a_bank(made: Park, start: float = 0.0, seed: int = 1, **model: Any) -> MeterBank:
    models = MeterModels.model_validate({"meters": {"m1": model}})
    assert list(models.faults(made)) == []
    return MeterBank(made, models, seed, {"m1/kwh": start}, 2026)


def first_point(made: Park) -> Point:
    return next(points(made))


def shown(bank: MeterBank, made: Park, at_s: Any = AT_S) -> Floats:
    sampled_s = bank.sampled_s("m1", at_s)
    total = np.array([total_at(s) for s in sampled_s])
    return bank.display(first_point(made), total, sampled_s, total_at)


def test_the_default_meter_shows_what_the_plain_formula_gives() -> None:
    """The formula of the first simulator: the registers of the demo do not change."""
    bank = MeterBank(park(), MeterModels(), SEED, scenario().start_registers, 2026)
    rng = np.random.default_rng(1)
    for point in (p for p in points(park()) if p.channel.kind == "register"):
        stamps = bank.stamps(point, FIRST_S, FIRST_S + 90 * 86_400)
        total = np.cumsum(rng.uniform(0, 5_000, len(stamps)))
        digits = bank.digits(point)
        start = scenario().start_registers.get(point.path)
        ticks = np.floor(total / point.channel.factor * 10**digits + 1e-6)
        if start is None:
            start = generator(SEED, "start", point.path).uniform(100, 20_000)
        ticks += round(start * 10**digits)
        if point.channel.modulus is not None:
            ticks %= round(point.channel.modulus * 10**digits)
        sampled_s = bank.sampled_s(point.meter.key, stamps)
        assert (sampled_s == stamps).all()
        assert (bank.shown_ms(point.meter.key, stamps) == stamps * 1000).all()
        got = bank.display(point, total, sampled_s, lambda _: 0.0)
        assert (got == ticks / 10**digits).all()


@pytest.mark.parametrize("seed", range(8))
def test_the_error_of_a_device_is_within_its_class(seed: int) -> None:
    made = a_park()
    got = shown(a_bank(made, seed=seed, accuracy_percent=0.5), made)
    assert (np.diff(got) >= 0).all()
    error = got[-1] / total_at(AT_S[-1]) - 1
    assert 0 < abs(error) <= 0.005
    again = shown(a_bank(made, seed=seed, accuracy_percent=0.5), made, AT_S[100:])
    assert (again == got[100:]).all()


def test_the_start_reading_has_no_gain_error() -> None:
    made = a_park()
    got = shown(a_bank(made, start=1e6, accuracy_percent=2), made)
    assert got[0] == 1e6


def test_display_wraps_and_has_its_resolution() -> None:
    made = a_park(modulus=1000, multiplier=10)
    got = shown(a_bank(made, start=990, resolution=0.5), made)
    assert got.max() == 997.5
    assert got.min() == 0.0
    assert set((got * 2 % 1).tolist()) == {0.0}
    assert a_bank(made, resolution=0.5).digits(first_point(made)) == 1
    assert got[96] == (990 + 240) % 1000


def test_a_replaced_device_counts_from_its_start() -> None:
    made = a_park()
    at = datetime(2026, 1, 11, 0, 5, tzinfo=ZONE)
    bank = a_bank(made, start=5000, replaced=[{"at": at, "start": {"kwh": 12.5}}])
    got = shown(bank, made)
    before = np.flatnonzero(at.timestamp() > AT_S)
    assert got[before[-1]] == pytest.approx(5000 + 10 * 24 * KW, abs=0.01)
    assert got[before[-1] + 1] == pytest.approx(12.5 + KW / 6, abs=0.011)


def test_another_device_has_another_error() -> None:
    made = a_park()
    at = datetime(2026, 1, 31, tzinfo=ZONE)
    model = {"accuracy_percent": 1.0, "replaced": [{"at": at}]}
    got = shown(a_bank(made, **model), made)
    n = 96 * 30
    first, second = got[n - 1] / (n - 1), got[-1] / (len(got) - 1 - n)
    assert first != pytest.approx(second, rel=1e-4)


def test_records_of_the_park_change_the_device_when_they_say() -> None:
    records = [
        {
            "at": "2026-01-11T00:00:00+08:00",
            "reason": "renewed",
            "channels": {"kwh": {"start_reading": 3.0, "multiplier": 50, "modulus": 200}},
        },
        {
            "at": "2026-01-21T00:00:00+08:00",
            "replaced": False,
            "reason": "other transformers",
            "channels": {"kwh": {"multiplier": 100}},
        },
    ]
    made = a_park(records, multiplier=10)
    got = shown(a_bank(made, start=7.0), made)
    day = 24 * KW
    assert got[96 * 10 - 1] == pytest.approx(7 + (10 * day - KW / 4) / 10, abs=1e-4)
    assert got[96 * 10] == 3.0
    assert got[96 * 20] == pytest.approx((3 + 10 * day / 50) % 200, abs=2e-4)
    assert got[96 * 30] == pytest.approx((3 + 10 * day / 50 + 10 * day / 100) % 200, abs=2e-4)


def test_a_record_before_the_first_year_is_no_event() -> None:
    record = {
        "at": "2024-05-01T00:00:00+08:00",
        "reason": "renewed",
        "channels": {"kwh": {"start_reading": 3.0, "multiplier": 20}},
    }
    made = a_park([record], multiplier=10)
    got = shown(a_bank(made, start=7.0), made)
    assert got[0] == 7.0
    assert got[96] == pytest.approx(7 + 24 * KW / 20)


def test_a_multiplier_mistake_counts_wrong_while_it_lasts() -> None:
    made = a_park()
    mistake = {
        "factor": 0.5,
        "from": datetime(2026, 1, 3, tzinfo=ZONE),
        "to": datetime(2026, 1, 5, tzinfo=ZONE),
    }
    got = shown(a_bank(made, multiplier_mistake=mistake), made)
    per_day = np.diff(got[::96])
    assert per_day[:6] == pytest.approx(24 * KW * np.array([1, 1, 0.5, 0.5, 1, 1]), abs=0.02)


def test_jitter_belongs_to_the_instant_and_keeps_the_order() -> None:
    made = a_park()
    bank = a_bank(made, jitter_s=20)
    sampled = bank.sampled_s("m1", AT_S)
    late = sampled - AT_S
    assert 0 <= late.min() < 1
    assert 19 < late.max() <= 20
    assert 9 < late.mean() < 11
    assert (bank.sampled_s("m1", AT_S[7:9]) == sampled[7:9]).all()
    assert (bank.shown_ms("m1", AT_S) == np.round(sampled * 1000)).all()
    assert (np.diff(a_bank(made, jitter_s=3600).sampled_s("m1", AT_S)) > 0).all()
    assert bank.most_late_s == 20


def test_a_clock_runs_ahead_until_it_is_set_right() -> None:
    made = a_park()
    bank = a_bank(made, clock_drift_s_per_day=6, clock_set_every_days=7)
    ahead = bank.shown_ms("m1", AT_S) / 1000 - bank.sampled_s("m1", AT_S)
    assert 0 <= ahead.min() < 0.1
    assert 41.9 < ahead.max() <= 42
    assert ((np.diff(ahead) < 0).sum()) in (8, 9)
    assert (bank.shown_ms("m1", AT_S) == AT_S * 1000).all()
    assert (np.diff(shown(bank, made)) >= 0).all()
    part = bank.sampled_s("m1", AT_S[777:999])
    assert (part == bank.sampled_s("m1", AT_S)[777:999]).all()


def test_a_gauge_has_the_error_and_the_record_of_its_device() -> None:
    made = a_park()
    gauge = list(points(made))[1]
    bank = a_bank(made, accuracy_percent=1)
    at_s = AT_S.astype(float)
    got = bank.state(gauge, np.full(len(at_s), 80.0), at_s)
    assert 0 < abs(got[0] / 80 - 1) <= 0.01
    exact = a_bank(made).state(gauge, np.full(len(at_s), 80.04), at_s)
    assert (exact == 80.04).all()
    assert (a_bank(made, resolution=0.5).state(gauge, np.full(3, 80.3), at_s[:3]) == 80.5).all()


def test_models_by_role_and_faults() -> None:
    models = MeterModels.model_validate(
        {
            "roles": {"grid_import": {"accuracy_percent": 0.5}},
            "meters": {"nobody": {}, "m1": {"replaced": [{"at": AT, "start": {"x": 1}}]}},
        }
    )
    assert len(list(models.faults(a_park()))) == 2
    grid = a_park(role="grid_import").enterprises[0].meters[0]
    assert models.of(grid.model_copy(update={"key": "m2"})).accuracy_percent == 0.5
    assert models.of(grid).accuracy_percent == 0


AT = "2026-02-01T00:00:00+08:00"
