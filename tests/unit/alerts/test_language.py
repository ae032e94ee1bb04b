"""Translations are complete; numbers and times are written as people expect."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import alerts
from alerts.language import CATALOGUES, Speech

FOLDER = Path(alerts.__file__).parent


def msgids() -> set[str]:
    """Every text that the program can say."""
    found = set()
    for path in FOLDER.rglob("*"):
        with path.open("rb") if path.is_file() else BytesIO() as file:
            if path.suffix == ".py":
                messages = extract("python", file, {"N_": None})
            elif path.suffix == ".j2":
                messages = extract(babel_extract, file, {"_": None})
            else:
                continue
            found |= {str(message) for _, message, _, _ in messages}
    return found


def catalogue(name: str) -> Catalog:
    with (FOLDER / "locale" / name / "LC_MESSAGES" / "greenpark.po").open("rb") as file:
        return read_po(file, abort_invalid=True)


@pytest.mark.parametrize("name", CATALOGUES.values())
def test_every_text_is_translated(name: str) -> None:
    entries = {str(m.id): m for m in catalogue(name) if m.id}
    assert len(entries) > 50
    assert set(entries) == msgids()
    assert [m.id for m in entries.values() if m.fuzzy or not str(m.string).strip()] == []


@pytest.mark.parametrize("name", CATALOGUES.values())
def test_translations_use_known_placeholders(name: str) -> None:
    faults = [m.id for m in catalogue(name) if m.id and any(m.check())]
    assert faults == []


@pytest.mark.parametrize(
    ("value", "unit", "beside", "zh"),
    [
        (0.43125, "ratio", None, "43.1 %"),
        (0.4315, "ratio", None, "43.2 %"),
        (1.0, "ratio", None, "100.0 %"),
        (None, "ratio", 0.5, "–"),
        (13345.4, "kWh/t", 13300.0, "13,345 kWh/t"),
        (512.34, "kWh/t", 480.0, "512.3 kWh/t"),
        (99.96, "kWh/t", 100.0, "100.0 kWh/t"),
        (3.2, "m3/t", 3.1416, "3.200 m³/t"),
        (0.0, "m3/t", 0.0, "0 m³/t"),
    ],
)
def test_amount(value: float | None, unit: str, beside: float | None, zh: str) -> None:
    assert Speech("zh-CN").amount(value, unit, beside) == zh
    assert Speech("en").amount(value, unit, beside) == zh


@pytest.mark.parametrize(
    ("value", "target", "unit", "en"),
    [
        (0.431, 0.475, "ratio", "−4.4 percentage points"),
        (512.0, 480.0, "kWh/t", "+6.7 %"),  # 32 / 480 = 6.67 %
        (None, 480.0, "kWh/t", "–"),
        (3.0, 0.0, "m3/t", "–"),
    ],
)
def test_gap(value: float | None, target: float, unit: str, en: str) -> None:
    assert Speech("en").gap(value, target, unit) == en


def test_instant_is_in_the_zone_of_the_park() -> None:
    instant = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    zone = ZoneInfo("Asia/Shanghai")
    assert Speech("zh-CN").instant(instant, zone) == "2027年1月1日 00:30（UTC+08:00）"
    assert Speech("en").instant(instant, zone) == "1 January 2027, 00:30 (UTC+08:00)"


def test_unknown_language_is_english() -> None:
    assert Speech("fr").text("Target") == "Target"
    assert set("".join(Speech("fr").percent(0.5))) <= set(string.digits + ". %")
