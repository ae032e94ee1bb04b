"""Files that grow, are rotated, truncated or replaced: every complete line once, across restarts.

A file is known by device and inode, and by the bytes before the place where it was left: after a
rename it goes on there, other content under the same name starts at its beginning.
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.queue import Position, Queue
from gateway.reading import Reading
from gateway.rows import Parser, parser
from gateway.sources import CsvSource, DltSource
from models.errors import PayloadError

log = logging.getLogger(__name__)

_CHUNK = 65_536  # also the longest line
_TAIL = 256
_REJECTS = ".rejects"


class _Read(NamedTuple):
    readings: list[Reading]
    rejected: list[str]


def follow(
    source: CsvSource | DltSource,
    queue: Queue,
    now: Callable[[], datetime],
    stop: Callable[[], bool],
) -> list[str]:
    """Queue every new complete line of the files of a source.

    Returns:
        What kept a file from being read; the other files were read.
    """
    faults = []
    try:
        paths = _files(source.path, queue.positions(source.name))
    except OSError as exc:  # a file went away while we looked
        return [f"{source.path}: {exc}"]
    if not paths:
        faults.append(f"no file matches {source.path}")
    for path in paths:
        try:
            while not stop() and _next(source, queue, path, now()):
                pass
        except (OSError, PayloadError) as exc:
            faults.append(f"{path.name}: {exc}")
    return faults


def _files(pattern: Path, known: list[Position]) -> list[Path]:
    """Files of the pattern, and renamed ones beside them that are not finished; oldest first."""
    found = {Path(p) for p in glob.glob(str(pattern)) if not p.endswith(_REJECTS)}  # noqa: PTH207
    identities = {p.file for p in known}
    for folder in {p.parent for p in found}:
        found |= {
            Path(e.path)
            for e in os.scandir(folder)
            if e.is_file() and not e.name.endswith(_REJECTS) and _identity(e.stat()) in identities
        }
    files = [p for p in found if p.is_file()]
    return sorted(files, key=lambda p: (p.stat().st_mtime_ns, p.name))


def _identity(stat: os.stat_result) -> str:
    return f"{stat.st_dev}:{stat.st_ino}"


def _next(source: CsvSource | DltSource, queue: Queue, path: Path, now: datetime) -> bool:
    """One step; False when there is no complete new line."""
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        start = _left_at(file, stat, path, queue.positions(source.name))
        if start >= stat.st_size:
            return False
        first = file.readline(_CHUNK)
        file.seek(start)
        chunk = file.read(_CHUNK)
        end = chunk.rfind(b"\n") + 1
        if not end and len(chunk) < _CHUNK:
            return False  # a half-written line waits
        end = end or len(chunk)
        read = _parse(source, first, chunk[:end].split(b"\n"), skip_first=start == 0)
        file.seek(max(0, start + end - _TAIL))
        tail = file.read(min(_TAIL, start + end))
    _write_rejects(path, read.rejected)
    position = Position(_identity(stat), str(path), start + end, tail)
    queue.put(source.name, read.readings, now, position, len(read.rejected))
    return True


def _left_at(file: BinaryIO, stat: os.stat_result, path: Path, known: list[Position]) -> int:
    """Where to go on; also in a copy or under another name, when the bytes before it agree."""
    same = [p for p in known if p.file == _identity(stat)]
    named = [p for p in known if p.path == str(path)]
    try:
        for position in (*same, *named, *known):
            if position.offset <= stat.st_size:
                file.seek(position.offset - len(position.tail))
                if file.read(len(position.tail)) == position.tail:
                    return position.offset
        return 0
    finally:
        file.seek(0)


def _parse(
    source: CsvSource | DltSource, first: bytes, lines: list[bytes], *, skip_first: bool
) -> _Read:
    with_header = isinstance(source, CsvSource) and source.header
    header = _text(first, source.encoding) if with_header else ""
    parse = parser(source, header)
    read = _Read([], [])
    for raw in lines[1:] if with_header and skip_first else lines:
        _line(raw, source.encoding, parse, read)
    return read


def _line(raw: bytes, encoding: str, parse: Parser, read: _Read) -> None:
    try:
        line = _text(raw, encoding)
    except PayloadError as exc:
        read.rejected.append(f"{exc.code}: {exc}\t{raw!r}")
        return
    if not line.strip():
        return
    parsed = parse(line)
    read.rejected.extend(f"{fault}\t{line}" for fault in parsed.faults)
    if parsed.reading:
        read.readings.append(parsed.reading)


def _text(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff").rstrip("\r\n")
    except UnicodeDecodeError as exc:
        raise PayloadError("encoding", "line", raw[:60], f"text in {encoding}") from exc


def _write_rejects(path: Path, rejected: list[str]) -> None:
    if not rejected:
        return
    beside = path.with_name(path.name + _REJECTS)
    log.warning(
        "%s: %d bad line(s), the first: %s; all in %s", path, len(rejected), rejected[0], beside
    )
    try:
        with beside.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in rejected)
    except OSError as exc:
        log.warning("%s cannot be written: %s; bad lines: %s", beside, exc, rejected)


def last_reading(source: CsvSource | DltSource) -> tuple[Reading | None, list[str]]:
    """The newest reading that the files show, without remembering anything."""
    paths = _files(source.path, [])
    if not paths:
        return None, [f"no file matches {source.path}"]
    with paths[-1].open("rb") as file:
        first = file.readline(_CHUNK)
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, size - _CHUNK))
        chunk = file.read()
    lines = chunk[: chunk.rfind(b"\n") + 1].split(b"\n")
    try:
        read = _parse(source, first, lines if not start else lines[1:], skip_first=not start)
    except PayloadError as exc:
        return None, [str(exc)]
    faults = [f"{len(read.rejected)} bad line(s): {read.rejected[-1]}"] if read.rejected else []
    return (read.readings[-1] if read.readings else None), faults or (
        [] if read.readings else [f"no reading in {paths[-1]}"]
    )
