"""Lines of files to readings: CSV rows and DL/T 645 frames."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.dlt645 import decode_frame
from gateway.reading import Reading, epoch_ms
from gateway.sources import CsvSource, DltSource
from models.errors import PayloadError
from models.periods import sole_instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_NEWEST = datetime(9999, 12, 31, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DLT_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?)"
    r"[\s,;]+(?P<frame>\S.*)",
    re.ASCII,
)


class Parsed(NamedTuple):
    """What a line gives; a fault costs only the value or the line it is about."""

    reading: Reading | None = None
    faults: tuple[str, ...] = ()


Parser = Callable[[str], Parsed]


def parser(source: CsvSource | DltSource, header: str) -> Parser:
    """The function that reads the lines of one file.

    Args:
        header: first line of the file, for CSV files that name their columns.

    Raises:
        PayloadError: `header`: a configured column is not in it.
    """
    if isinstance(source, DltSource):
        return partial(_guarded, partial(_dlt_line, source))
    names = [source.time_column, *source.channels]
    names += [source.meter_column] if source.meter_column else []
    titles = _cells(source, header) if source.header else []
    if source.header and (missing := [n for n in names if n not in titles]):
        raise PayloadError("header", "columns", titles, f"{', '.join(missing)} among them")
    places = {n: titles.index(n) if source.header else int(n) - 1 for n in names}
    return partial(_guarded, partial(_csv_line, source, places))


def _guarded(parse: Parser, line: str) -> Parsed:
    try:
        return parse(line)
    except PayloadError as exc:
        return Parsed(None, (f"{exc.code}: {exc}",))


def _cells(source: CsvSource, line: str) -> list[str]:
    try:
        row = next(csv.reader([line], delimiter=source.delimiter), [])
    except csv.Error as exc:
        raise PayloadError("csv", "line", line, f"a row of cells ({exc})") from exc
    return [cell.strip() for cell in row]


def _csv_line(source: CsvSource, places: dict[str, int], line: str) -> Parsed:
    cells = _cells(source, line)
    if len(cells) <= max(places.values()):
        raise PayloadError("cells", "row", len(cells), f"at least {max(places.values()) + 1} cells")
    at_ms = epoch_ms(instant(cells[places[source.time_column]], source.time_format, source.zone))
    meter = source.meter
    if source.meter_column:
        text = cells[places[source.meter_column]]
        meter = source.meters.get(text)
        if meter is None and source.unlisted == "skip":
            return Parsed()
        if meter is None:
            raise PayloadError("meter", source.meter_column, text, "a text listed in meters")
    values, faults = {}, []
    for column, channel in source.channels.items():
        text = cells[places[column]]
        if text in source.absent:
            continue
        try:
            values[channel] = _number(text, column, source.decimal)
        except PayloadError as exc:
            faults.append(f"{exc.code}: {exc}")
    reading = Reading(meter, at_ms, values) if values and meter else None
    return Parsed(reading, tuple(faults))


def _number(text: str, column: str, decimal: str) -> float:
    plain = text.replace(",", ".") if decimal == "," else text
    if not _NUMBER.fullmatch(plain):
        raise PayloadError("not_a_number", column, text, f"a number with decimal {decimal!r}")
    value = float(plain)
    if not math.isfinite(value):
        raise PayloadError("not_finite", column, text, "a number in the range of a double")
    return value


def _dlt_line(source: DltSource, line: str) -> Parsed:
    match = _DLT_LINE.fullmatch(line.strip())
    if match is None:
        raise PayloadError("line", "line", line, "<time> <hex frame>, see docs/gateway.md")
    answer = decode_frame(match["frame"])
    if answer is None:
        return Parsed()
    at_ms = epoch_ms(instant(match["time"], "iso", source.zone))
    meter = source.meters.get(answer.address)
    if meter is None and source.unlisted == "skip":
        return Parsed()
    if meter is None:
        raise PayloadError("meter", "address", answer.address, "an address listed in meters")
    values = {source.channels[n]: v for n, v in answer.values.items() if n in source.channels}
    return Parsed(Reading(meter, at_ms, values) if values else None)


def instant(text: str, form: str, zone: ZoneInfo | None) -> datetime:
    """The instant that a file means, UTC.

    Args:
        form: iso, epoch_s, epoch_ms or a format of strptime.
        zone: of times that name none.

    Raises:
        PayloadError: another form, no zone, an hour that the zone skips or has twice, or before
            2000 (a clock that was reset).
    """
    try:
        if form in ("epoch_s", "epoch_ms"):
            unit = timedelta(seconds=1) if form == "epoch_s" else timedelta(milliseconds=1)
            at = _EPOCH + int(text) * unit
        else:
            at = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
    except (ValueError, OverflowError) as exc:
        raise PayloadError("time_format", "time", text, f"a time in the form {form}") from exc
    if at.tzinfo is None:
        if zone is None:
            raise PayloadError("no_zone", "time", text, "an offset, or timezone in gateway.yaml")
        only = sole_instant(at, zone)
        if only is None:
            raise PayloadError("local_time", "time", text, f"a time that exists once in {zone}")
        at = only
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = _NEWEST
    if not _OLDEST <= at < _NEWEST:
        raise PayloadError("time_range", "time", text, "a time from 2000 on")
    return at
