"""Rows of the CSV files that bring trades, their hourly curves, and events of certificates."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple, TypeVar, cast, get_args

from models.errors import ConfigError
from models.ledger import Basis, CurveRow, SerialEvent, SerialEventName

Row = TypeVar("Row")


class TradeRow(NamedTuple):
    """One month of a contract; energy is an integer number of Wh.

    Attributes:
        settled_wh: None: not settled yet, or settled as the least of the three amounts. A told
            settlement counts as it is: what was generated and used is not kept beside it.
        contracted_wh, generated_wh, used_wh: agreed; fed in by the generator; used by the buyer.
    """

    line: int
    enterprise: str
    contract: str
    month: date
    kind: Literal["green", "nuclear"]
    settled_wh: int | None
    contracted_wh: int | None = None
    generated_wh: int | None = None
    used_wh: int | None = None

    @property
    def least_wh(self) -> int | None:
        """The least of the three amounts (三者取小), if all are known."""
        three = (self.contracted_wh, self.generated_wh, self.used_wh)
        known = [amount for amount in three if amount is not None]
        return min(known) if len(known) == len(three) else None


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
THREE_COLUMNS = ("contracted_kwh", "generated_kwh", "used_kwh")
CURVE_COLUMNS = ("enterprise", "contract", "hour_start", "kwh")
EVENT_COLUMNS = ("event", "enterprise", "series", "serial_first", "serial_last", "month", "on")
_MORE_EVENT_COLUMNS = ("basis", "contract", "to", "claim_year")
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

    `settled_kwh` may be empty or absent if `THREE_COLUMNS` tell what was agreed, generated, used.

    Raises:
        ConfigError: with every faulty line; nothing of the file may be used.
    """
    has_three = THREE_COLUMNS[0] in columns_of(content, source)
    needed = TRADE_COLUMNS[:4] if has_three else TRADE_COLUMNS
    return _read(content, source, needed, _trade, ("settled_kwh", *THREE_COLUMNS))


def read_certificates(content: bytes, source: str) -> list[CertificateRow]:
    """Parse a certificates file: UTF-8 CSV with the columns of `CERTIFICATE_COLUMNS`.

    Raises:
        ConfigError: with every faulty line; nothing of the file may be used.
    """
    return _read(content, source, CERTIFICATE_COLUMNS, _certificate)


def read_events(content: bytes, source: str) -> list[SerialEvent]:
    """Parse events of certificates: `EVENT_COLUMNS`, optionally basis, contract, to, claim_year.

    Raises:
        ConfigError: with every faulty line; nothing of the file may be used.
    """
    return _read(content, source, EVENT_COLUMNS, _event, _MORE_EVENT_COLUMNS)


def read_curve(content: bytes, source: str) -> list[CurveRow]:
    """Parse the hourly curve of trades: `CURVE_COLUMNS`, a time with offset at a full hour.

    Raises:
        ConfigError: with every faulty line, and an hour that is told twice.
    """
    rows = _read(content, source, CURVE_COLUMNS, _curve)
    lines: dict[tuple[str, str, datetime], int] = {}
    faults = []
    for row in rows:
        key = (row.enterprise, row.contract, row.hour_start)
        if key in lines:
            faults.append(
                f"line {row.line}: hour {row.hour_start.isoformat()} of {row.contract} "
                f"was told in line {lines[key]}; expected each hour once"
            )
        lines[key] = row.line
    if faults:
        raise ConfigError(source, faults)
    return rows


def columns_of(content: bytes, source: str) -> list[str]:
    """Names in the first line of a file.

    Raises:
        ConfigError: it is not a UTF-8 CSV file.
    """
    return _lines(content, source)[0]


def _lines(content: bytes, source: str) -> tuple[list[str], list[dict[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as exc:
        raise ConfigError(source, [f"is not a UTF-8 CSV file: {exc}"]) from exc
    return list(reader.fieldnames or []), lines


def _read(
    content: bytes,
    source: str,
    columns: tuple[str, ...],
    parse: Callable[[int, dict[str, str]], Row],
    optional: tuple[str, ...] = (),
) -> list[Row]:
    header, lines = _lines(content, source)
    missing = [c for c in columns if c not in header]
    if missing:
        raise ConfigError(
            source, [f"column(s) missing: {', '.join(missing)}; expected: {', '.join(columns)}"]
        )
    rows, faults = [], []
    for number, fields in enumerate(lines, start=2):
        try:
            cells = {c: (fields.get(c) or "").strip() for c in (*columns, *optional)}
            if None in fields or any(not cells[c] for c in columns):
                msg = "every column needs a value, and no more than the header names"
                raise ValueError(msg)
            odd = [c for c in cells if not cells[c].isprintable()]
            if odd:
                msg = f"{odd[0]}: got {cells[odd[0]]!r}, expected printable text"
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
    settled, *three = (_wh(cells, c) if cells[c] else None for c in ("settled_kwh", *THREE_COLUMNS))
    if settled is None and three[0] is None:
        msg = "settled_kwh and contracted_kwh are empty; expected one of them"
        raise ValueError(msg)
    if settled is not None:
        three[1:] = [None, None]
    return TradeRow(
        line,
        cells["enterprise"],
        cells["contract"],
        _month(cells["month"]),
        cast("Literal['green', 'nuclear']", cells["kind"]),
        settled,
        *three,
    )


def _wh(cells: dict[str, str], column: str) -> int:
    try:
        energy_wh = Decimal(cells[column]) * 1000
    except InvalidOperation:
        msg = f"{column}: got {cells[column]!r}, expected a number"
        raise ValueError(msg) from None
    if not energy_wh.is_finite() or energy_wh < 0 or energy_wh != int(energy_wh):
        msg = f"{column}: got {cells[column]!r}, expected whole Wh of 0 or more"
        raise ValueError(msg)
    if energy_wh >= 2**62:
        msg = f"{column}: got {cells[column]!r}, expected an energy that an enterprise can have"
        raise ValueError(msg)
    return int(energy_wh)


def _certificate(line: int, cells: dict[str, str]) -> CertificateRow:
    first, last = _range(cells)
    month = _month(cells["month"])
    cancelled = _day(cells, "cancelled_on")
    if cancelled <= month:
        msg = f"cancelled_on: got {cancelled}, expected a day after the generation month began"
        raise ValueError(msg)
    return CertificateRow(line, cells["enterprise"], cells["series"], first, last, month, cancelled)


def _event(line: int, cells: dict[str, str]) -> SerialEvent:
    for column, known in (("event", get_args(SerialEventName)), ("basis", ("", *get_args(Basis)))):
        if cells[column] not in known:
            expected = ", ".join(k for k in known if k)
            msg = f"{column}: got {cells[column]!r}, expected one of: {expected}"
            raise ValueError(msg)
    year = cells["claim_year"]
    if year and not (year.isascii() and year.isdigit() and len(year) == 4):
        msg = f"claim_year: got {year!r}, expected a year such as 2026"
        raise ValueError(msg)
    first, last = _range(cells)
    month, on = _month(cells["month"]), _day(cells, "on")
    if on <= month:
        msg = f"on: got {on}, expected a day after the generation month began"
        raise ValueError(msg)
    return SerialEvent(
        line,
        cast("SerialEventName", cells["event"]),
        cells["enterprise"],
        cells["series"],
        first,
        last,
        month,
        on,
        cast("Basis | None", cells["basis"] or None),
        cells["contract"] or None,
        cells["to"] or None,
        int(year) if year else None,
    )


def _curve(line: int, cells: dict[str, str]) -> CurveRow:
    text = cells["hour_start"]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or (at.minute, at.second, at.microsecond) != (0, 0, 0):
        msg = f"hour_start: got {text!r}, expected a full hour such as 2026-03-01T08:00:00+08:00"
        raise ValueError(msg)
    return CurveRow(
        line, cells["enterprise"], cells["contract"], at.astimezone(UTC), _wh(cells, "kwh")
    )


def _range(cells: dict[str, str]) -> tuple[int, int]:
    first, last = (_serial(cells, c) for c in ("serial_first", "serial_last"))
    if not 0 <= first <= last < 2**62 or last - first >= 10**12:
        msg = f"serials: got {first} to {last}, expected first <= last"
        raise ValueError(msg)
    return first, last


def _day(cells: dict[str, str], column: str) -> date:
    try:
        return date.fromisoformat(cells[column])
    except ValueError:
        msg = f"{column}: got {cells[column]!r}, expected a day such as 2026-11-20"
        raise ValueError(msg) from None


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
