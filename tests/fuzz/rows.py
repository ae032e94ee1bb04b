"""Lines of a gateway's files: CSV rows and DL/T 645 frames."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from functools import cache
from typing import Any

from gateway.rows import parser
from gateway.sources import CsvSource, DltSource
from models.errors import PayloadError
from tests.fuzz import mutate
from tests.fuzz.invariants import OLDEST_US, require
from tests.fuzz.shot import Shot

Rng = random.Random

_CSV: list[tuple[dict[str, Any], str, str]] = [
    (
        {"meter": "m", "time_column": "time", "channels": {"e": "import_kwh", "p": "power_kw"}},
        "time,e,p",
        "2026-03-01T00:10:00Z,123.5,4",
    ),
    (
        {
            "meter_column": "1",
            "meters": {"A": "m"},
            "time_column": "2",
            "time_format": "%d.%m.%Y %H:%M",
            "timezone": "Europe/Berlin",
            "header": False,
            "delimiter": ";",
            "decimal": ",",
            "channels": {"3": "import_kwh"},
        },
        "",
        "A;01.03.2026 00:10;12,5",
    ),
    (
        {"meter": "m", "time_column": "t", "time_format": "epoch_ms", "channels": {"v": "v"}},
        "t,v",
        "1772324100000,1e3",
    ),
]
_DLT = {
    "meters": {"000000000001": "m"},
    "channels": {"forward_active_energy": "import_kwh", "voltage_a": "u", "active_power": "p"},
    "timezone": "Asia/Shanghai",
}
_CHARACTERS = (
    "\u3000",
    "\x1c",
    "\u2028",
    "\x85",
    "\0",
    '"',
    "'",
    ";",
    ",",
    "\ud800",
    "１",
    "٣",
    "-",
    "e",
    "1e999",
    "nan",
    "9" * 400,
    "9" * 5000,
    "--",
    "\n",
    "+",
    ".",
    " " * 5_000,
)


@cache
def _parsers() -> list[tuple[Any, str, list[str]]]:
    made: list[tuple[Any, str, list[str]]] = []
    for more, header, row in _CSV:
        made.append((CsvSource(name="c", kind="csv", path="x.csv", **more), header, [row]))
    frames = [
        _frame(0x00010000, "00123456"),
        _frame(0x0001FF00, "0012345600000001" * 2),
        _frame(0x02010100, "2305"),
        _frame(0x02030000, "800123"),
        _frame(0x04000101, "01"),
    ]
    lines = [f"2026-03-01 08:10:00 {frame}" for frame in frames]
    made.append((DltSource(name="d", kind="dlt645", path="x.log", **_DLT), "", lines))
    return made


def _frame(data_id: int, digits: str) -> str:
    data = data_id.to_bytes(4, "little") + bytes.fromhex(digits)[::-1]
    frame = (
        b"\x68\x01\0\0\0\0\0\x68\x91" + bytes([len(data)]) + bytes((b + 0x33) & 255 for b in data)
    )
    return (frame + bytes([sum(frame) & 255, 0x16])).hex(" ")


def row_shot(rng: Rng, codec: str) -> Shot:
    """A damaged line of a CSV or DL/T 645 file, with its header."""
    source, header, rows = rng.choice(_parsers())
    text = _line(rng, rng.choice(rows))
    first = _line(rng, header) if rng.random() < 0.05 else header
    if isinstance(source, DltSource) and rng.random() < 0.5:
        text = _mended(text)

    def run() -> Counter[str]:
        try:
            parse = parser(source, first)
        except PayloadError as exc:
            return Counter([exc.code])
        reading, faults = parse(text)
        require(all(len(fault) <= 2_000 for fault in faults), "a long fault", faults)
        if reading is not None:
            require(reading.ts_ms * 1000 >= OLDEST_US, "time", reading)
            require(all(map(math.isfinite, reading.values.values())), "not finite", reading)
            require(json.loads(reading.body())["m"] == "m", "another meter", reading)
        return Counter(f.split(":")[0] for f in faults) + Counter(accepted=int(reading is not None))

    return Shot(codec, [("header", repr(first).encode()), ("row", repr(text).encode())], run)


def _line(rng: Rng, line: str) -> str:
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        at = rng.randrange(len(line) + 1)
        upto = at + rng.choice((0, 0, 1, 4))
        if rng.random() < 0.3:  # a whole cell
            at = max(line.rfind(mark, 0, at) for mark in ",;") + 1
            upto = min(stop if (stop := line.find(m, at)) >= 0 else len(line) for m in ",;")
        words = (
            rng.choice(_CHARACTERS),
            chr(rng.randrange(32, 127)),
            f"{rng.randrange(256):02x}",
            rng.choice(mutate.TIMES).decode(),
            rng.choice(mutate.NUMBERS).decode(),
            "",
        )
        line = line[:at] + rng.choice(words) + line[upto:]
    return line


def _mended(line: str) -> str:
    """The line with the right checksum, so that more than the checksum is tested."""
    head, blank, tail = line.partition(" 68 ")
    try:
        frame = bytearray.fromhex(blank + tail)
    except ValueError:
        return line
    if len(frame) < 12:
        return line
    frame[9] = min(len(frame) - 12, 255)
    frame[-1], frame[-2] = 0x16, sum(frame[:-2]) & 255
    return f"{head} {frame.hex()}"
