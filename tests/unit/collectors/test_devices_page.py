"""docs/devices.md: its examples work and its table is that of the templates."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import yaml

from collectors.formats import template
from collectors.formats.base import Incoming, Options, RawValue
from collectors.formats.template_model import read_templates
from models.sources import Source
from tests.payload_cases import STATELESS, expected, payload

PAGE = (Path(__file__).parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
JSON = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_sources_of_the_page_are_valid() -> None:
    sources = [Source.model_validate(one) for one in yaml.safe_load(YAML[0])["sources"]]
    known = {*template.load_templates(), *STATELESS, "sparkplug"}
    assert {source.format for source in sources} <= known
    channels = {
        channel for source in sources for d in source.devices.values() for channel in d.channels
    }
    assert channels == {"import_energy_0", "export_energy_1"}


def test_the_new_device_type_of_the_page_decodes_its_payload() -> None:
    mine = read_templates({"my-meter.yaml": YAML[1]})["my-meter"]
    case = json.loads(JSON[0])
    received_at = datetime.fromisoformat(case["received_at"])
    message = Incoming(case["topic"], payload(case), received_at, fresh=False)
    out = template.decode(mine, message, Options())
    assert [RawValue(*value) for value in out.values] == expected(case)
    assert out.problems == []


def test_the_table_has_every_template_topic_and_channel() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|(.*)\|$", PAGE, re.MULTILINE))
    for name, found in template.load_templates().items():
        row = rows[name]
        assert found.title.zh in row
        assert found.title.en in row
        for rule in found.rules:
            others = [rule.other] if rule.other else []
            for value in (*rule.values, *rule.keys.values(), *others):
                assert f"`{value.channel}`" in row, name
            for topic in rule.topics:
                assert f"/{topic.text}`" in row, name
