"""The JSON against Grafana's own schemas, where a copy of them lies beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dashboards.build import build_all

SCHEMAS = Path(__file__).resolve().parents[4] / "shared" / "reference" / "grafana-jsonschema"
Json = dict[str, Any]

pytestmark = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="Grafana's JSON schemas are not here")


def load(name: str) -> Json:
    schema: Json = json.loads((SCHEMAS / f"{name}.jsonschema.json").read_text())
    definitions = schema.get("definitions", {})
    for owner, field in (("MatcherConfig", "options"), ("DynamicConfigValue", "value")):
        for full_name, definition in definitions.items():
            if full_name.endswith(owner):
                definition["properties"][field] = {}  # `any` is written as `object` there
    return schema


def faults(schema: Json, part: str | None, value: object) -> list[str]:
    if part is not None:
        schema = {**schema, "$ref": f"#/definitions/{part}"}
    found = Draft7Validator(schema).iter_errors(value)
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in found]


@pytest.mark.parametrize("path", build_all(), ids=str)
def test_dashboard(path: Path) -> None:
    assert faults(load("dashboard"), None, json.loads(build_all()[path])) == []


@pytest.mark.parametrize("path", build_all(), ids=str)
def test_panel_options_and_field_settings(path: Path) -> None:
    for panel in json.loads(build_all()[path])["panels"]:
        schema = load(panel["type"].replace("-", ""))
        assert faults(schema, "Options", panel.get("options", {})) == [], panel["title"]
        custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
        if custom is not None and "FieldConfig" in schema["definitions"]:
            assert faults(schema, "FieldConfig", custom) == [], panel["title"]
