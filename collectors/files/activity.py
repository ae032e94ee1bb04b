"""Files of reported activity data: CSV (UTF-8 or GBK) and Excel, a value per row.

Every faulty row is told with its number; nothing of a faulty file is used.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from collectors.files.numbers import NumberReader
from models.activity import ITEMS, Reported
from models.errors import ConfigError

COLUMNS = ("enterprise", "item", "month", "value")
MORE = ("unit", "detail", "note")
_MOST_TEXT = 200
_NUMBERS = NumberReader(".", ",", ())


@dataclass(frozen=True)
class ActivityRows:
    """Rows of a file; `blank`: rows of a template that nobody filled in."""

    rows: list[Reported]
    blank: int


def read_activity(content: bytes, name: str) -> ActivityRows:
    """Parse a file with the columns of `COLUMNS`, and `MORE` if there.

    Raises:
        ConfigError: with every faulty row, and a value that is told twice.
    """
    table = _table(content, name)
    header = [str(cell or "").strip().lower() for cell in next(table, [])]
    missing = [c for c in COLUMNS if c not in header]
    if missing:
        expected = ", ".join((*COLUMNS, *MORE))
        fault = f"column(s) missing: {', '.join(missing)}; expected: {expected}"
        raise ConfigError(name, [f"{fault}; see greenpark template production.xlsx"])
    rows: list[Reported] = []
    faults: list[str] = []
    lines: dict[tuple[str, str, date, str], int] = {}
    blank = 0
    for number, cells in enumerate(table, start=2):
        fields = dict(zip(header, cells, strict=False))
        if not any(str(cell or "").strip() for cell in cells):
            continue
        if _NUMBERS.is_missing(fields.get("value")):
            blank += 1
            continue
        try:
            row = _row(number, fields)
        except ValueError as exc:
            faults.append(f"line {number}: {exc}")
            continue
        first = lines.setdefault((row.enterprise, row.item, row.month, row.detail), number)
        if first != number:
            what = f"{row.item} of {row.enterprise} in {row.month:%Y-%m}"
            faults.append(f"line {number}: {what} was told in line {first}; expected once")
        rows.append(row)
    if faults:
        raise ConfigError(name, faults)
    return ActivityRows(rows, blank)


def _table(content: bytes, name: str) -> Iterator[Sequence[Any]]:
    if name.lower().endswith((".xlsx", ".xlsm", ".xls", ".ods")):
        try:
            book = CalamineWorkbook.from_filelike(io.BytesIO(content))
            yield from book.get_sheet_by_index(0).to_python(skip_empty_area=False)
        except (CalamineError, OSError, ValueError) as exc:
            raise ConfigError(name, [f"is no readable workbook: {exc}"]) from exc
        return
    text = None
    for encoding in ("utf-8-sig", "gb18030"):  # what Excel in China writes
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None:
        raise ConfigError(name, ["is neither UTF-8 nor GB 18030 text, nor a workbook"])
    try:
        yield from csv.reader(io.StringIO(text), strict=True)
    except csv.Error as exc:
        raise ConfigError(name, [f"is not a CSV file: {exc}"]) from exc


def _row(number: int, fields: dict[str, Any]) -> Reported:
    text = {c: str(fields.get(c) or "").strip() for c in ("enterprise", "item", *MORE)}
    for column, value in text.items():
        if len(value) > _MOST_TEXT or not value.isprintable():
            msg = f"{column}: got {value[:40]!r}, expected printable text of {_MOST_TEXT} at most"
            raise ValueError(msg)
    if not text["enterprise"]:
        msg = "enterprise is empty; expected its key"
        raise ValueError(msg)
    item = ITEMS.get(text["item"])
    if item is None:
        msg = f"item: got {text['item']!r}, expected one of: {', '.join(ITEMS)}"
        raise ValueError(msg)
    if text["unit"] not in ("", item.unit):
        msg = f"unit of {item.key}: got {text['unit']!r}, expected {item.unit}"
        raise ValueError(msg)
    return Reported(
        number,
        text["enterprise"],
        item.key,
        _month(fields.get("month")),
        text["detail"],
        _value(fields.get("value"), item.key, item.most),
        text["note"],
    )


def _value(cell: Any, key: str, most: float) -> float:
    told = _NUMBERS.json(cell)
    try:
        value = float(told)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        msg = f"value of {key}: got {str(cell)[:40]!r}, expected a number of 0 to {most:g}"
        raise ValueError(msg)
    return value


def _month(cell: Any) -> date:
    if isinstance(cell, datetime | date):  # Excel turns 2026-03 into a day
        return date(cell.year, cell.month, 1)
    text = str(cell or "").strip()
    try:
        if len(text) == 7:
            return date.fromisoformat(f"{text}-01")
    except ValueError:
        pass
    msg = f"month: got {text[:40]!r}, expected a month such as 2026-03"
    raise ValueError(msg)
