"""Files for `greenpark import`: damaged NEM12 and tables, their messages at the door."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from collectors.files.mapping import Nem12Mapping, TableMapping
from collectors.files.nem12 import Nem12Reader
from collectors.files.rows import TableReader
from collectors.files.tables import open_table
from collectors.formats.base import Incoming
from models.errors import ConfigError
from tests.fuzz import mutate
from tests.fuzz.corpus import NOW, channel_refs, park
from tests.fuzz.shot import Shot, judged

Rng = random.Random
Lines = list[bytes]

_NEM12 = Nem12Mapping(park="fuzz", streams={"NMI1/E1": "a-half/in", "NMI2/B1": "a-half/out"})
_DAY = b"300,20260228," + b",".join(b"%d.5" % n for n in range(48)) + b",A,,,,"
_MIXED = b"300,20260227," + b",".join(b"1" for _ in range(48)) + b",V,,,20260228010203,"
_NEM12_LINES = [
    b"100,NEM12,202603010000,A,B",
    b"200,NMI1,E1B1,1,E1,N1,M1,kWh,30,20260401",
    _DAY,
    _MIXED,
    b"400,1,20,S14,32,",
    b"400,21,48,A,,",
    b"200,NMI2,E1B1,2,B1,N1,M1,MWh,30,",
    _DAY,
    b"500,S,RETNSRVCEORDS1,20260228,",
    b"900",
]
_TABLES: list[tuple[TableMapping, Lines]] = [
    (
        TableMapping(
            park="fuzz",
            time={"column": ["time"]},
            columns={
                "e": {"meter": "a-grid", "channel": "import_kwh", "unit": "MWh"},
                "p": "a-grid/power_kw",
            },
            missing=["--", -9999],
        ),
        [b"time,e,p", b"2026-02-28T10:00:00+08:00,1.5,3", b"2026-02-28T10:15:00Z,--,1e3"],
    ),
    (
        TableMapping(
            park="fuzz",
            encoding="gbk",
            decimal=",",
            thousands=".",
            time={
                "column": ["d", "t"],
                "format": "%d.%m.%Y %H:%M",
                "timezone": "Europe/Berlin",
                "stamp": "end",
                "midnight": "own_date",
                "fold": "order",
            },
            long={"meter": {"column": "m"}, "channel": {"column": "c"}, "value": "v"},
            where=[{"column": "c", "none_of": ["skip"]}],
        ),
        [
            b"d;t;m;c;v",
            b"26.10.2025;02:30;a-grid;import_kwh;1.234,5",
            b"26.10.2025;02:30;a-grid;import_kwh;1.235,5",
            "28.02.2026;24:00;a-grid;电;0".encode("gbk"),
        ],
    ),
]
_CELLS = (
    *(b"", b'"', b'""', b"\0", b"\r", b"\n", b"--", b"NaN", b"Infinity", b"1_0", b"0x1", b"1.2.3"),
    *(b"9" * 5_000, b"1e999999", b"-1e999999", b"x" * 9_000, b"\xef\xbc\x91", b"\xff", b"=1+1"),
)


def _damaged(rng: Rng, lines: Lines, mark: bytes) -> bytes:
    found = list(lines)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        at = rng.randrange(len(found))
        kind = rng.random()
        if kind < 0.6:
            cells = found[at].split(mark)
            cells[rng.randrange(len(cells))] = rng.choice((*_CELLS, *mutate.NUMBERS, *mutate.TIMES))
            found[at] = mark.join(cells)
        elif kind < 0.7:
            del found[at]
        elif kind < 0.85:
            found.insert(at, rng.choice(lines))
        else:
            found[at] = mutate.raw_bytes(rng, found[at], rng.choice(lines))
        if not found:
            break
    return rng.choice((b"\n", b"\n", b"\r\n")).join(found) + b"\n"


def _all(messages: Iterable[Incoming]) -> Counter[str]:
    """Judge the messages; a file that cannot be read says so as a fault of configuration."""
    counts: Counter[str] = Counter()
    try:
        for message in messages:
            counts += judged([message])
    except ConfigError as exc:
        counts["config"] += len(exc.faults)
    return counts


def nem12_shot(rng: Rng, codec: str) -> Shot:
    """A damaged NEM12 file."""
    text = _damaged(rng, _NEM12_LINES, b",")
    return Shot(codec, [("file", text)], lambda: nem12_run(text))


def nem12_run(text: bytes) -> Counter[str]:
    """Import a NEM12 file."""
    lines = (line.decode("ascii", "backslashreplace") for line in text.splitlines(True))
    return _all(Nem12Reader(_NEM12, list(channel_refs()), "x.csv").messages(lines, NOW))


def table_shot(rng: Rng, codec: str) -> Shot:
    """A damaged CSV file, wide or long."""
    number = rng.randrange(len(_TABLES))
    mapping, lines = _TABLES[number]
    text = _damaged(rng, lines, b";" if mapping.long else b",")
    return Shot(codec, [("file", text)], lambda: table_run(number, text))


def table_run(number: int, text: bytes) -> Counter[str]:
    """Import a CSV file with one of the mappings."""
    return _all(_table(_TABLES[number][0], text))


def _table(mapping: TableMapping, text: bytes) -> Iterator[Incoming]:
    path = _file()
    path.write_bytes(text)
    table = open_table(path, mapping)
    try:
        reader = TableReader(mapping, table, list(channel_refs()), park().zone, path.name)
        yield from reader.messages(NOW)
    finally:
        table.close()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="greenpark-fuzz-")


def _file() -> Path:
    return Path(_folder().name) / "table.csv"


MAKERS: dict[str, Callable[[Rng, str], Shot]] = {"nem12": nem12_shot, "tables": table_shot}
