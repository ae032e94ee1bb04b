"""Rows for programs: written as they come, the same text however many there are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.output import Format, show

AT = datetime(2026, 3, 1, 16, tzinfo=UTC)
ROWS = [
    {"at": AT, "name": "园区", "value": 1.5, "more": {"day": date(2026, 3, 2)}},
    {"at": AT, "name": "b", "value": None, "unseen": 1},
]
COLUMNS = ["at", "name", "value", "more"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_one_list(capsys: pytest.CaptureFixture[str], count: int) -> None:
    show(iter(ROWS[:count]), COLUMNS, Format.json, "")
    text = capsys.readouterr().out
    plain = [
        {"at": AT.isoformat(), "name": "园区", "value": 1.5, "more": {"day": "2026-03-02"}},
        {"at": AT.isoformat(), "name": "b", "value": None, "more": None},
    ]
    assert text == json.dumps(plain[:count], ensure_ascii=False, indent=1) + "\n"


def test_csv_has_empty_cells_where_nothing_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    show(iter(ROWS), COLUMNS, Format.csv, "")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        COLUMNS,
        [AT.isoformat(), "园区", "1.5", '{"day": "2026-03-02"}'],
        [AT.isoformat(), "b", "", ""],
    ]


@pytest.mark.parametrize("form", [Format.json, Format.csv])
def test_rows_are_written_before_the_next_is_read(
    capsys: pytest.CaptureFixture[str], form: Format
) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for n in range(3):
            assert f"row-{n - 1}" in capsys.readouterr().out + "row--1"
            yield {"name": f"row-{n}"}

    show(rows(), ["name"], form, "")
    assert "row-2" in capsys.readouterr().out


def test_nothing_is_explained_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    show(iter([]), COLUMNS, Format.table, "nothing was refused")
    assert "nothing was refused" in capsys.readouterr().out
