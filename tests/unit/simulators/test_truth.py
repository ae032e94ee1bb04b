"""The truth beside the messages: balanced days, savings, the same bytes again."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulators.deliver import Deliveries
from simulators.disturbance import disturbance
from simulators.events import Event
from simulators.flows import Flows
from simulators.timegrid import YearGrid
from simulators.truth import Truth, truth_of
from simulators.truth_files import write_truth
from tests.unit.simulators.sample import park
from tests.unit.simulators.test_events import events

START = datetime(2026, 12, 30, tzinfo=park().zone)
STOP = START + timedelta(days=3)  # over the end of the year
EVENTS = events(
    {"kind": "retrofit", "enterprise": "yongzhen", "from": START + timedelta(days=1),
     "saves_ratio": 0.1},
    {"kind": "retrofit", "enterprise": "huize", "from": START, "saves_ratio": 0.2, "of": "water"},
    {"kind": "leak", "enterprise": "huize", "from": START, "to": START + timedelta(hours=10),
     "m3_per_h": 3},
    {"kind": "drop_out", "meter": "hz-grid", "from": START, "to": STOP},
    {"kind": "reset", "meter": "hz-grid", "at": START},
)  # fmt: skip


def flows_of(year: int, told: Sequence[Event]) -> Mapping[str, Flows]:
    """Two made-up enterprises with everything; quarter-hours differ."""
    grid = YearGrid(year, park().zone)
    out: dict[str, Any] = {}
    wave = np.arange(len(grid)) % 96 / 96
    for enterprise in park().enterprises:
        if enterprise.key not in ("yongzhen", "huize"):
            continue
        effect = disturbance(told, enterprise, grid)
        load = 1000 * (1 + wave) * (1.0 if effect.load_ratio is None else effect.load_ratio)
        made = {"yz-pv": 700 * wave / np.pi} if enterprise.key == "yongzhen" else {
            "hz-pv": 2500 * wave, "hz-wind": 100 + 0 * wave
        }  # fmt: skip
        charge, discharge = 50 / np.e * (wave < 0.5), 40.0 * (wave >= 0.5)
        net = load + charge - discharge - sum(made.values())
        water = 10 * (1.0 if effect.water_ratio is None else effect.water_ratio) + 0 * wave
        leak = 0.0 if effect.leak_m3_per_h is None else effect.leak_m3_per_h
        out[enterprise.key] = SimpleNamespace(
            load_kw=load, generation_kw=made, charge_kw=charge, discharge_kw=discharge,
            available_kw={k: v + 30 for k, v in made.items()},
            import_kw=np.maximum(net, 0), export_kw=np.maximum(-net, 0),
            water_m3_per_h=water + leak, product_t_per_h=1 + wave, parts={"gas": 4 + wave},
        )  # fmt: skip
    return out


@cache
def truth() -> Truth:
    counts = Deliveries(dropped_by={("hz-grid", START.astimezone(UTC)): 17})
    return truth_of(
        park(), EVENTS, flows_of, START, STOP, seed=1, digest="d", deliveries=counts
    )  # fmt: skip


def test_every_day_is_balanced_in_memory_and_in_the_file(tmp_path: Path) -> None:
    write_truth(tmp_path, truth())
    with (tmp_path / "energy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["day"] for r in rows[::2]] == ["2026-12-30", "2026-12-31", "2027-01-01"]
    for row in rows:
        out = sum(float(row[f"{k}_kwh"]) for k in ("load", "charge", "export"))
        into = ("import", "direct", "pv", "wind", "discharge")
        assert out == pytest.approx(sum(float(row[f"{k}_kwh"]) for k in into), abs=1e-6)
    energy = truth().energy
    assert (energy["wind_kwh"] == np.where(energy["enterprise"] == "huize", 2400, 0)).all()
    assert energy["curtailed_kwh"].sum() == pytest.approx(3 * 24 * 30 * (1 + 2))
    assert energy["export_kwh"].max() > 0
    generated = energy["pv_kwh"] + energy["wind_kwh"]
    np.testing.assert_allclose(energy["green_kwh"], generated - energy["export_kwh"])


def test_savings_are_the_difference_to_a_park_without_the_retrofit() -> None:
    rows = truth().savings
    energy = rows[rows["of"] == "energy"]["saved"].tolist()
    load_kwh = 1000 * (1 + 95 / 192) * 24
    assert energy == pytest.approx([0, 0.1 * load_kwh, 0.1 * load_kwh])
    water = rows[rows["of"] == "water"]
    assert water["saved"].tolist() == pytest.approx([48, 48, 48])
    assert water["counterfactual"].tolist() == pytest.approx([270, 240, 240])
    assert set(rows["retrofit"]) == {"events.0", "events.1"}


def test_events_tell_what_was_applied_and_what_should_be_found() -> None:
    told = truth().events
    assert told[2]["leaked_m3"] == pytest.approx(30)
    assert told[2]["from"] == "2026-12-29T16:00:00+00:00"
    assert told[2]["facts"] == {"m3_per_h": 3.0}
    assert told[3]["dropped_messages"] == 17
    assert told[4]["expected"] == ["register.reset", "register.held"]
    assert told[4]["meters"] == ["hz-grid"]
    assert told[4]["to"] is None
    assert "hz-water" in told[1]["meters"]


def test_the_same_truth_gives_the_same_bytes_and_no_rests(tmp_path: Path) -> None:
    write_truth(tmp_path / "a", truth())
    write_truth(tmp_path / "b", truth())
    names = ["energy.csv", "events.json", "park.json", "savings.csv"]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    head = json.loads((tmp_path / "a" / "park.json").read_text())
    assert head["from"] == "2026-12-29T16:00:00+00:00"
    totals = head["totals"]
    assert head["physical_green_ratio"] == pytest.approx(totals["green_kwh"] / totals["used_kwh"])
    assert totals["used_kwh"] == pytest.approx(
        totals["load_kwh"] + totals["charge_kwh"] - totals["discharge_kwh"]
    )


def test_a_part_of_a_day_holds_only_its_part() -> None:
    part = truth_of(
        park(), (), flows_of, START + timedelta(hours=23), START + timedelta(hours=25),
        seed=1, digest="",
    )  # fmt: skip
    assert part.energy["water_m3"].tolist() == pytest.approx([10, 10, 10, 10])
    assert part.savings.empty
