"""Rows for people and programs: table, JSON or CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from rich.table import Table

from app.wiring import console


class Format(StrEnum):
    """Output format of reading commands."""

    table = "table"
    json = "json"
    csv = "csv"


def show(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], form: Format, empty: str
) -> None:
    """Print rows; `empty` tells a person what it means that there are none.

    JSON and CSV are written row by row: `rows` may be longer than memory.
    """
    if form is Format.json:
        _write_json(rows, columns)
        return
    if form is Format.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows([_cell(r.get(c)) for c in columns] for r in rows)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*[_short(row.get(c)) for c in columns])
    console.print(table if table.row_count else empty)


def _write_json(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    before = "[\n"
    for row in rows:
        text = json.dumps(
            {c: row.get(c) for c in columns}, default=_plain, ensure_ascii=False, indent=1
        )
        sys.stdout.write(before + " " + text.replace("\n", "\n "))
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return value


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(_cell(value))
