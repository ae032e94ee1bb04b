"""Events of a scenario: what is refused, what they do to flows, files that extend others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from models.errors import ConfigError
from simulators.disturbance import covered, disturbance, wind_speed_ratio
from simulators.events import Event, event_faults, transport
from simulators.scenario_document import read_scenario_document
from simulators.timegrid import YearGrid
from tests.unit.simulators.sample import DONGHE, park

EVENTS: TypeAdapter[tuple[Event, ...]] = TypeAdapter(tuple[Event, ...])
DAY = {"from": "2026-03-01T00:00:00+08:00", "to": "2026-03-02T00:00:00+08:00"}


def events(*documents: dict[str, Any]) -> tuple[Event, ...]:
    return EVENTS.validate_python(documents)


def faults(*documents: dict[str, Any]) -> list[str]:
    return list(event_faults(events(*documents), park()))


def of_baolu(*documents: dict[str, Any]) -> Any:
    baolu = next(e for e in park().enterprises if e.key == "baolu")
    return disturbance(events(*documents), baolu, YearGrid(2026, park().zone))


def test_the_default_faults_fit_the_sample_park_and_hold_every_kind() -> None:
    document = read_scenario_document(DONGHE / "faults.yaml")
    assert document["park"] == "donghe"
    made = events(*document["events"])
    assert list(event_faults(made, park())) == []
    schema = EVENTS.json_schema()
    assert {e.kind for e in made} == set(schema["items"]["discriminator"]["mapping"])
    assert len(transport(made)) == 5


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"kind": "leak", "enterprise": "nobody", "m3_per_h": 1, **DAY}, "enterprise is 'nobody'"),
        ({"kind": "leak", "enterprise": "parkco", "m3_per_h": 1, **DAY}, "water_intake"),
        ({"kind": "stuck", "meter": "bl-gird", **DAY}, "meter is 'bl-gird', expected one of: bl-"),
        ({"kind": "stuck", "meter": "bl-grid", "channel": "x", **DAY}, "channel is 'x', expected"),
        ({"kind": "curtailment", "meter": "bl-grid", "to_ratio": 0, **DAY}, "no generator"),
        (
            {"kind": "reset", "meter": "bl-grid", "channel": "power_kw", "at": DAY["from"]},
            "expected register",
        ),
        (
            {"kind": "reset", "meter": "bl-grid", "at": DAY["from"], "to_value": 1e6},
            "modulus 1e+06",
        ),
        ({"kind": "drop_out", **DAY}, "expected enterprise or meter"),
        ({"kind": "late", "meter": "bl-grid", "enterprise": "baolu", **DAY}, "one of them"),
        (
            {"kind": "late", "meter": "bl-grid", "arrives_at": DAY["from"], **DAY},
            "or later; move it",
        ),
        (
            {"kind": "disconnect", "from": DAY["to"], "to": DAY["from"]},
            "expected a time after from",
        ),
    ],
)
def test_an_event_that_does_not_fit_is_told_with_its_place(
    document: dict[str, Any], told: str
) -> None:
    (fault,) = faults(document)
    assert fault.startswith(f"events.0 ({document['kind']} of ")
    assert told in fault


def test_contradictions_are_told_and_neighbours_are_not() -> None:
    out = {"kind": "drop_out", "enterprise": "baolu", **DAY}
    late = {"kind": "late", "meter": "bl-grid", **DAY}
    (fault,) = faults(out, late)
    assert "events.1 (late of bl-grid): overlaps events.0" in fault
    assert faults(out, late | {"meter": "st-grid"}) == []
    assert faults(out, late | {"from": DAY["to"], "to": "2026-03-03T00:00:00+08:00"}) == []
    stuck = {"kind": "stuck", "meter": "bl-grid", "channel": "import_kwh", **DAY}
    assert len(faults(stuck, stuck)) == 1
    assert faults(stuck, stuck | {"channel": "import_kvarh"}) == []


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "earthquake", **DAY},
        {"kind": "disconnect", "from": "2026-03-01T00:00:00", "to": DAY["to"]},
        {"kind": "disconnect", "colour": "red", **DAY},
        {"kind": "spike", "meter": "bl-grid", "per_day": 1, **DAY},
        {"kind": "spike", "meter": "bl-grid", "per_day": 1, "factor": 2, "add": 1, **DAY},
    ],
)
def test_documents_of_another_form_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        events(document)


def test_part_of_a_quarter_hour_counts_in_proportion() -> None:
    grid = YearGrid(2026, park().zone)
    (event,) = events(
        {
            "kind": "disconnect",
            "from": "2026-01-01T00:10:00+08:00",
            "to": "2026-01-01T00:45:00+08:00",
        }
    )
    share = covered(event, grid)
    assert share is not None
    np.testing.assert_allclose(share[:4], [1 / 3, 1, 1, 0])
    assert share.sum() == pytest.approx(7 / 3)
    assert covered(event, YearGrid(2027, park().zone)) is None


def test_physical_events_become_factors_of_their_own_enterprise() -> None:
    since = {"from": "2026-12-31T00:00:00+08:00"}
    saved = {"kind": "retrofit", "enterprise": "baolu", "saves_ratio": 0.1, **since}
    leak = {"kind": "leak", "enterprise": "baolu", "m3_per_h": 2, **since}
    outage = {"kind": "outage", "enterprise": "baolu", "remaining_ratio": 0.75, **DAY}
    cut = {"kind": "curtailment", "meter": "bl-direct-pv", "to_ratio": 0.4, **DAY}
    made = of_baolu(saved, saved, leak, leak, outage, cut, saved | {"of": "water"})
    assert made.load_ratio[-1] == pytest.approx(0.81)
    assert made.load_ratio[0] == 1.0
    assert made.leak_m3_per_h.sum() / 4 == pytest.approx(24 * 4)
    assert (made.activity_ratio == 0.75).sum() == 96
    assert made.water_ratio[-1] == pytest.approx(0.9)
    assert made.allowed_ratio["bl-direct-pv"].min() == pytest.approx(0.4)
    others = of_baolu(saved | {"enterprise": "huize"}, cut | {"meter": "hz-pv"})
    assert others.load_ratio is None
    assert others.allowed_ratio == {}


def test_a_drought_of_wind_has_a_factor_in_its_year_only() -> None:
    drought = events({"kind": "wind_drought", "speed_ratio": 0.3, **DAY})
    ratio = wind_speed_ratio(drought, YearGrid(2026, park().zone))
    assert ratio is not None
    assert ratio.min() == pytest.approx(0.3)
    assert (ratio < 1).sum() == 96
    assert wind_speed_ratio(drought, YearGrid(2027, park().zone)) is None


def test_a_file_extends_another(tmp_path: Path) -> None:
    base, above = tmp_path / "base.yaml", tmp_path / "above.yaml"
    base.write_text("park: p\nsite: {a: 1, b: 2}\nholidays: [1]\nevents: [{kind: x}]\n")
    above.write_text("extends: base.yaml\nsite: {b: 3}\nholidays: []\nevents: [{kind: y}]\n")
    assert read_scenario_document(above) == {
        "park": "p",
        "site": {"a": 1, "b": 3},
        "holidays": [],
        "events": [{"kind": "x"}, {"kind": "y"}],
    }


def test_a_weather_file_lies_beside_the_scenario_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    base, above = tmp_path / "sub" / "base.yaml", tmp_path / "above.yaml"
    base.write_text("site: {weather_file: tmy.csv, latitude: 40}\n")
    above.write_text("extends: sub/base.yaml\nsite: {latitude: 41}\n")
    merged = {"weather_file": str(tmp_path / "sub" / "tmy.csv"), "latitude": 41}
    assert read_scenario_document(above) == {"site": merged}
    base.write_text("site: {weather_file: /measured/tmy.csv}\n")
    assert read_scenario_document(base) == {"site": {"weather_file": "/measured/tmy.csv"}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("extends: me.yaml", "leads back"),
        ("extends: gone.yaml", "cannot be read"),
        ("extends: [a]", "expected the name of a file"),
        ("- a", "got a list"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_merged_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "me.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_scenario_document(path)
