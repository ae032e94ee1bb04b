"""CSV, Excel and Parquet as a header and rows of cells, a piece at a time."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from collectors.files.mapping import TableMapping
from collectors.files.recording import TORN
from models.errors import ConfigError

Row = tuple[int, Sequence[Any]]

EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PARQUET = (".parquet", ".pq")
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 1_000_000
_PARQUET_ROWS = 65_536


@dataclass
class Table:
    """A header and the rows below it.

    Attributes:
        rows: line (or row) number as the file's own program shows it, and cells: text in CSV.
        size, position: how much there is and how much was read, in bytes or rows.
    """

    header: list[str]
    rows: Iterator[Row]
    size: int
    position: Callable[[], int]
    close: Callable[[], None] = lambda: None

    def places(self, names: Iterable[str], source: str) -> dict[str, int]:
        """Column name -> place.

        Raises:
            ConfigError: names every column that is missing or there twice.
        """
        faults = []
        for name in names:
            number = self.header.count(name)
            if number != 1:
                known = ", ".join(repr(h) for h in self.header if h)
                what = f"no column {name!r}" if not number else f"{number} columns {name!r}"
                faults.append(f"has {what}; its columns are: {known}")
        if faults:
            raise ConfigError(source, faults)
        return {name: self.header.index(name) for name in names}


def open_table(path: Path, mapping: TableMapping) -> Table:
    """Open a file by the end of its name; anything unknown is CSV.

    Raises:
        ConfigError: it cannot be read, or is not what its name says.
    """
    suffixes = [s.lower() for s in path.suffixes]
    try:
        if suffixes and suffixes[-1] in EXCEL:
            return _excel(path, mapping)
        if suffixes and suffixes[-1] in PARQUET:
            return _parquet(path)
        return _csv(path, mapping)
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise ConfigError(str(path), [f"cannot be read: {reason}"]) from exc


def _csv(path: Path, mapping: TableMapping) -> Table:
    raw = path.open("rb")
    try:
        return _csv_rows(path, raw, mapping)
    except (ConfigError, OSError):
        raw.close()
        raise


def _csv_rows(path: Path, raw: IO[bytes], mapping: TableMapping) -> Table:
    unpacked = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
    text = io.TextIOWrapper(cast("IO[bytes]", unpacked), mapping.encoding, newline="")
    lines = _decoded(text, path, mapping.encoding)
    skipped = mapping.skip_rows
    for _ in range(skipped):
        next(lines, None)
    first = next(lines, "")
    delimiter = mapping.delimiter or max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(_again(first, lines), delimiter=delimiter)
    header = list(mapping.header) or [h.strip() for h in next(reader, [])]

    def rows() -> Iterator[Row]:
        try:
            for cells in reader:
                yield reader.line_num + skipped, cells
        except csv.Error as exc:
            place = f"line {reader.line_num + skipped}"
            raise ConfigError(str(path), [f"{place} is not CSV: {exc}"]) from exc

    size = path.stat().st_size
    return Table(header, rows(), size, lambda: size if raw.closed else raw.tell(), raw.close)


def _decoded(text: IO[str], path: Path, encoding: str) -> Iterator[str]:
    try:
        with text:
            yield from text
    except UnicodeError as exc:
        fault = f"is not {encoding}: {exc}; set encoding in the mapping, e.g. gb18030 or cp1252"
        raise ConfigError(str(path), [fault]) from exc
    except TORN as exc:
        raise ConfigError(str(path), [f"is cut off or damaged: {exc}"]) from exc


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _excel(path: Path, mapping: TableMapping) -> Table:
    import python_calamine  # only who reads Excel pays for it

    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        name = _sheet(book.sheet_names, mapping.sheet, path)
        cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except python_calamine.CalamineError as exc:
        raise ConfigError(str(path), [f"is not a workbook that can be read: {exc}"]) from exc
    header = list(mapping.header)
    first = mapping.skip_rows
    if not header:
        header = [str(c).strip() for c in (cells[first] if first < len(cells) else [])]
        first += 1
    read = 0

    def rows() -> Iterator[Row]:
        nonlocal read
        for read, row in enumerate(cells[first:], first + 1):
            yield read, [_rounded(c) if isinstance(c, datetime) else c for c in row]

    return Table(header, rows(), len(cells), lambda: read)


def _sheet(names: Sequence[str], wanted: str | int | None, path: Path) -> str:
    """Name of the sheet; by name, by place from 0, or the first."""
    if isinstance(wanted, str) and wanted in names:
        return wanted
    place = wanted or 0
    if isinstance(place, int) and 0 <= place < len(names):
        return names[place]
    raise ConfigError(str(path), [f"has no sheet {wanted!r}; its sheets are: {', '.join(names)}"])


def _rounded(at: datetime) -> datetime:
    """Excel keeps days as binary fractions: 00:15 can come out as 00:14:59.999999."""
    rest = at.microsecond % 1000
    return at + timedelta(microseconds=(1000 - rest) if rest >= 500 else -rest)


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as exc:
        raise ConfigError(str(path), [f"is not a Parquet file: {exc}"]) from exc
    read = 0

    def rows() -> Iterator[Row]:
        nonlocal read
        for piece in file.iter_batches(batch_size=_PARQUET_ROWS):
            columns = [_plain(column).to_pylist() for column in piece.columns]
            for cells in zip(*columns, strict=True):
                read += 1
                yield read, cells

    return Table(file.schema_arrow.names, rows(), file.metadata.num_rows, lambda: read, file.close)


def _plain(column: Any) -> Any:
    """Times of a nanosecond to those of a microsecond: Python has no finer ones."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column
