"""The page about validation names every check and every threshold with its default."""

from __future__ import annotations

import re

from app.jobs.validation_checks import CODES
from app.jobs.validation_windows import STRETCHES
from models.park import ValidationSettings
from tests.architecture.tree import REPO, sources

PAGE = (REPO / "docs" / "validation.md").read_text(encoding="utf-8")
TABLE = (REPO / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_code_of_the_checks_is_described_and_withdrawn() -> None:
    made = set()
    for path in sources("analytics"):
        text = path.read_text(encoding="utf-8")
        made |= set(re.findall(r'"((?:validation|clock)\.\w+)"', text))
    assert made == {*CODES, *STRETCHES}  # what is made is also withdrawn
    assert [c for c in sorted(made) if f"`{c}`" not in PAGE] == []
    assert [c for c in sorted(made) if f"`{c}`" not in TABLE] == []


def test_every_threshold_is_described() -> None:
    fields = set(ValidationSettings.model_fields)
    assert [f for f in sorted(fields) if not re.search(rf"`[^`\n]*\b{f}\b[^`\n]*`", PAGE)] == []
