"""Rows of the CSV files that bring settled trades and cancelled certificates."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple, TypeVar, cast

from models.errors import ConfigError

Row = TypeVar("Row")


class TradeRow(NamedTuple):
    """One settled month of a contract; energy is an integer number of Wh."""

    line: int
    enterprise: str
    contract: str
    month: date
    kind: Literal["green", "nuclear"]
    settled_wh: int


class CertificateRow(NamedTuple):
    """A range of cancelled certificates (GEC), one serial = 1 MWh, of one month of generation."""

    line: int
    enterprise: str
    series: str
    serial_first: int
    serial_last: int
    month: date
    cancelled_on: date


TRADE_COLUMNS = ("enterprise", "contract", "month", "kind", "settled_kwh")
CERTIFICATE_COLUMNS = (
    "enterprise",
    "series",
    "serial_first",
    "serial_last",
    "month",
    "cancelled_on",
)


def read_trades(content: bytes, source: str) -> list[TradeRow]:
    """Parse a trades file: UTF-8 CSV with the columns of `TRADE_COLUMNS`.

    Raises:
        ConfigError: with every faulty line; nothing of the file may be used.
    """
    return _read(content, source, TRADE_COLUMNS, _trade)


def read_certificates(content: bytes, source: str) -> list[CertificateRow]:
    """Parse a certificates file: UTF-8 CSV with the columns of `CERTIFICATE_COLUMNS`.

    Raises:
        ConfigError: with every faulty line; nothing of the file may be used.
    """
    return _read(content, source, CERTIFICATE_COLUMNS, _certificate)


def _read(
    content: bytes,
    source: str,
    columns: tuple[str, ...],
    parse: Callable[[int, dict[str, str]], Row],
) -> list[Row]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as exc:
        raise ConfigError(source, [f"is not a UTF-8 CSV file: {exc}"]) from exc
    missing = [c for c in columns if c not in (reader.fieldnames or [])]
    if missing:
        raise ConfigError(
            source, [f"column(s) missing: {', '.join(missing)}; expected: {', '.join(columns)}"]
        )
    rows, faults = [], []
    for number, fields in enumerate(lines, start=2):
        try:
            cells = {c: (fields[c] or "").strip() for c in columns}
            if None in fields or any(not v for v in cells.values()):
                msg = "every column needs a value, and no more than the header names"
                raise ValueError(msg)
            rows.append(parse(number, cells))
        except (ValueError, InvalidOperation) as exc:
            faults.append(f"line {number}: {exc}")
    if faults:
        raise ConfigError(source, faults)
    return rows


def _trade(line: int, cells: dict[str, str]) -> TradeRow:
    if cells["kind"] not in ("green", "nuclear"):
        msg = f"kind: got {cells['kind']!r}, expected green or nuclear"
        raise ValueError(msg)
    try:
        settled_wh = Decimal(cells["settled_kwh"]) * 1000
    except InvalidOperation:
        msg = f"settled_kwh: got {cells['settled_kwh']!r}, expected a number"
        raise ValueError(msg) from None
    if not settled_wh.is_finite() or settled_wh < 0 or settled_wh != int(settled_wh):
        msg = f"settled_kwh: got {cells['settled_kwh']!r}, expected whole Wh of 0 or more"
        raise ValueError(msg)
    return TradeRow(
        line,
        cells["enterprise"],
        cells["contract"],
        _month(cells["month"]),
        cast("Literal['green', 'nuclear']", cells["kind"]),
        int(settled_wh),
    )


def _certificate(line: int, cells: dict[str, str]) -> CertificateRow:
    first, last = (_serial(cells, c) for c in ("serial_first", "serial_last"))
    if not 0 <= first <= last < 2**62:
        msg = f"serials: got {first} to {last}, expected first <= last"
        raise ValueError(msg)
    month = _month(cells["month"])
    try:
        cancelled = date.fromisoformat(cells["cancelled_on"])
    except ValueError:
        msg = f"cancelled_on: got {cells['cancelled_on']!r}, expected a day such as 2026-11-20"
        raise ValueError(msg) from None
    if cancelled <= month:
        msg = f"cancelled_on: got {cancelled}, expected a day after the generation month began"
        raise ValueError(msg)
    return CertificateRow(line, cells["enterprise"], cells["series"], first, last, month, cancelled)


def _serial(cells: dict[str, str], column: str) -> int:
    if not cells[column].isascii() or not cells[column].isdigit():
        msg = f"{column}: got {cells[column]!r}, expected digits"
        raise ValueError(msg)
    return int(cells[column])


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        msg = f"month: got {text!r}, expected a month such as 2026-03"
        raise ValueError(msg) from None
