"""Pages that must not fall behind the code."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import COMMANDS, make_app
from app.commands import indicator_lists
from app.jobs.intervals import CODES
from app.settings import Settings
from dashboards.overview import AREA
from dashboards.queries import named_sql
from models import indicators
from models.park import Park
from models.quantities import QUANTITIES
from models.rules import rule_definitions
from tests.architecture.tree import REPO, short, sources, syntax, tracked

DOCS = REPO / "docs"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def table(text: str) -> dict[str, str]:
    """First cell (without back quotes) -> the row, of every table row of a page."""
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.M)
    return dict(rows)


def test_every_setting_is_documented_with_its_default() -> None:
    rows = table(page("settings.md"))
    wanted = {f"GREENPARK_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(wanted) - set(rows) == set(), "missing in docs/settings.md"
    assert {r for r in rows if r.startswith("GREENPARK_")} - set(wanted) == set(), "unknown setting"
    for name, field in wanted.items():
        default = field.default
        if hasattr(default, "get_secret_value"):
            default = default.get_secret_value()
        shown = "empty" if default in ("", None) else f"`{default}`"
        assert shown in rows[name], f"{name}: default {shown} is not in its row"


def test_park_schema_is_what_the_code_generates() -> None:
    committed = json.loads(page("park.schema.json"))
    assert committed == Park.model_json_schema(), "run: make schema"
    made = CliRunner().invoke(make_app(), ["schema"])
    assert made.output == page("park.schema.json"), "run: make schema"


def test_catalogue_of_indicators_is_what_the_code_generates() -> None:
    assert page("catalogue.md") == indicator_lists.page(), "run: make schema"


def reason_codes() -> set[str]:
    """First arguments of `PayloadError(...)` in the collectors, and the writer's own code."""
    codes = set()
    for path in sources("collectors"):
        text = path.read_text(encoding="utf-8")
        codes |= set(re.findall(r'PayloadError\(\s*"(\w+)"', text))
        codes |= set(re.findall(r'\bcode = "(\w+)"', text))
        codes |= set(re.findall(r'"code": "(\w+)"', text))
        for line in text.splitlines():
            if re.search(r"\bcode = ", line):
                codes |= set(re.findall(r'"([a-z_]+)"', line))
    return codes


def test_every_refusal_code_is_documented_with_a_remedy() -> None:
    codes = reason_codes()
    assert {"json", "schema", "no_zone", "ownership", "out_of_range", "storage", "more"} <= codes
    text = page("mqtt.md")
    rows = table(text[text.index("## Refusals") :])
    assert codes - set(rows) == set(), "missing in docs/mqtt.md"
    assert set(rows) - codes == set(), "docs/mqtt.md names codes that nothing raises"
    for code, row in rows.items():
        cells = [c.strip() for c in row.split("|")]
        assert len(cells) == 2, code
        assert all(len(c) > 10 for c in cells), code


def test_every_indicator_rule_and_panel_is_described() -> None:
    text = page("indicators.md")
    keys = [v for k, v in vars(indicators).items() if k.isupper() and isinstance(v, str)]
    assert len(keys) >= 4
    assert [k for k in keys if f"`{k}`" not in text] == []
    assert [k for k in rule_definitions() if f"`{k}`" not in page("rules.md")] == []
    panels = {"share_now", "gap_now", "required_now", "energy_intensity", "water_intensity"}
    assert panels <= set(named_sql(AREA))


@pytest.mark.parametrize("name", ["quantities", "units"])
def test_park_page_lists_what_park_yaml_accepts(name: str) -> None:
    text = page("park.md")
    for quantity in QUANTITIES.values():
        wanted = [quantity.key] if name == "quantities" else list(quantity.accepted)
        assert [w for w in wanted if f"`{w}`" not in text] == [], quantity.key


def test_every_command_is_in_the_readmes() -> None:
    group = typer.main.get_command(make_app())
    commands = set(group.commands)  # type: ignore[attr-defined]
    for readme in ("README.md", "README.zh-CN.md"):
        text = (REPO / readme).read_text(encoding="utf-8")
        assert [c for c in sorted(commands) if f"greenpark {c}" not in text] == [], readme


def test_readmes_have_the_same_shape() -> None:
    shapes = []
    for readme in ("README.md", "README.zh-CN.md"):
        text = (REPO / readme).read_text(encoding="utf-8")
        code = re.findall(r"^```(\w*)$", text, re.M)
        shapes.append(
            (
                len(re.findall(r"^## ", text, re.M)),
                len(re.findall(r"^### ", text, re.M)),
                len(re.findall(r"^\|", text, re.M)),
                code,
            )
        )
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("path", [p for p in tracked() if p.suffix == ".md"], ids=short)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    broken = [
        target
        for target, _ in LINK.findall(text)
        if "://" not in target
        and not target.startswith("mailto:")
        and not (path.parent / target).exists()
    ]
    assert broken == []


def test_changelog_names_this_version() -> None:
    text = (REPO / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.count("## [Unreleased]") == 1
    assert f"## [{version('greenpark')}]" in text
    for migration in (REPO / "storage" / "migrations").glob("*.sql"):
        assert migration.name[:4] in text, f"{migration.name}: no SCHEMA entry"


def test_findings_are_documented() -> None:
    codes = {
        m
        for p in sources("analytics", "app", "collectors", "storage")
        for m in re.findall(r"(?:Finding|noticed)\(\s*\"([\w.]+)\"", p.read_text(encoding="utf-8"))
    } | set(CODES)
    assert "reading.sealed" in codes
    text = page("operations.md")
    assert [c for c in sorted(codes) if f"`{c}`" not in text] == []
    assert syntax(REPO / "app" / "cli.py")


def test_the_program_finds_each_command_in_its_module() -> None:
    for module, names in COMMANDS.items():
        for name in names:
            group = typer.main.get_command(make_app(name))
            assert set(group.commands) == set(names), module  # type: ignore[attr-defined]
