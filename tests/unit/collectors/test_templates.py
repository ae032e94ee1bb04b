"""Device templates: every shipped one against its payloads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collectors.formats import template
from models.quantities import QUANTITIES
from tests.payload_cases import CASES, FOLDER, KEYS, STATELESS, expected, run


def case_id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", CASES, ids=case_id)
def test_payload_gives_exactly_what_its_file_says(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    assert set(case) <= KEYS
    assert len(case["source"]) > 10
    values, problems = run(path.parent.name, case)
    assert sorted(values) == sorted(expected(case))
    assert sorted(problems) == sorted(case.get("problems", []))


def test_every_template_has_a_payload_that_gives_values() -> None:
    names = set(template.load_templates())
    assert len(names) >= 11
    good = {
        path.parent.name for path in CASES if json.loads(path.read_text(encoding="utf-8"))["expect"]
    }
    assert names - good == set(), "a device type needs tests/data/payloads/<name>/<case>.json"
    assert good - names - set(STATELESS) == set(), f"{FOLDER}: payloads of no template"


@pytest.mark.parametrize("name", sorted(template.load_templates()))
def test_every_rule_of_a_template_is_reached_by_a_payload(name: str) -> None:
    topics = [json.loads(p.read_text(encoding="utf-8"))["topic"] for p in FOLDER.glob(f"{name}/*")]
    for found, rules in template.load_templates()[name].patterns:
        if rules:
            assert any(found.match(topic) for topic in topics), found.text


def test_units_and_kinds_of_templates_are_those_of_the_catalogue() -> None:
    """The models check it; here against the catalogue without them."""
    seen = 0
    for found in template.load_templates().values():
        for one in found.rules:
            for value in (*one.values, *one.keys.values()):
                quantity = QUANTITIES[value.quantity or ""]
                assert value.unit in quantity.accepted, (found.name, value.channel)
                assert (value.kind == "register") == quantity.is_flow, (found.name, value.channel)
                seen += 1
    assert seen > 100
