"""What is fired at: the door with each codec, the packet stream, recordings, lines of a gateway."""

from __future__ import annotations

import json
import math
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from collectors.door import Door
from collectors.files.recording import read_recording, recorded
from collectors.formats.base import Incoming
from collectors.formats.sparkplug_host import SparkplugHost
from collectors.packets import PacketSocket, ProtocolError
from gateway.rows import parser
from gateway.sources import CsvSource, DltSource
from models.errors import PayloadError
from tests.fuzz import mutate
from tests.fuzz.corpus import MOST_BYTES, NOW, Seed, encoded, make_door, seeds, sparkplug_births
from tests.fuzz.invariants import OLDEST_US, Violation, check, check_state, require

Rng = random.Random


@dataclass
class Shot:
    """One case: what to do with it, and what it was made of.

    Attributes:
        pieces: for the report, name and bytes.
        run: gives what was accepted and refused, by code.
        messages: of the door, for the database.
    """

    codec: str
    pieces: list[tuple[str, bytes]]
    run: Callable[[], Counter[str]]
    messages: list[Incoming] = field(default_factory=list)


@cache
def _door() -> Door:
    return make_door()


def judged(messages: list[Incoming]) -> Counter[str]:
    """Judge messages one by one, the Sparkplug nodes as after a start."""
    door, counts = _door(), Counter[str]()
    door.sparkplug = SparkplugHost()
    for message in messages:
        counts += check([message], door.judge([message]))
    check_state(door)
    return counts


def door_shot(rng: Rng, codec: str) -> Shot:
    """A damaged message of a codec; for Sparkplug after births, some of them damaged."""
    messages = []
    if codec == "sparkplug" and rng.random() < 0.9:
        for name, raw in sparkplug_births():
            damaged = mutate.sparkplug(rng, raw) if rng.random() < 0.2 else raw
            messages.append(Incoming(name, damaged, NOW))
    for _ in range(1 if codec != "sparkplug" else rng.choice((1, 1, 2))):
        seed = rng.choice(seeds()[codec])
        name = mutate.topic(rng, seed.topic) if rng.random() < 0.06 else seed.topic
        payload = mutate.body(rng, seed)
        messages.append(Incoming(name, payload[: MOST_BYTES + 1], NOW, rng.random() < 0.9))
    return Shot(codec, [(m.topic, m.payload) for m in messages], lambda: judged(messages), messages)


class _Line:
    """A socket that gives a stream in pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = list(pieces)

    def recv(self, _size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)


def _received(pieces: list[bytes], *, v5: bool) -> tuple[list[Incoming], bytes, bool]:
    """Messages, bytes for paho, and whether the connection was given up."""
    sock, found, control = PacketSocket(_Line(pieces), v5=v5), list[Incoming](), b""
    for _ in range(len(pieces)):
        sock.read()
        for _ in range(1_000_000):
            try:
                found += sock.messages(NOW, 1, fresh=True)
            except ProtocolError:
                return found, control, True
            if not sock.control or sock.eof:
                break
            taken = sock.recv(100_000)
            require(bool(taken), "control without bytes")
            control += taken
        else:
            raise Violation("packets: no end")
    return found, control, False


def packet_shot(rng: Rng, codec: str) -> Shot:
    """A stream of packets with damaged bytes, in one piece and in several."""
    v5, stream = rng.random() < 0.7, b""
    for _ in range(rng.choice((1, 3, 8))):
        seed = rng.choice(rng.choice(list(seeds().values())))
        stream += _packet(rng, seed, v5=v5)
    if rng.random() < 0.85:
        stream = mutate.raw_bytes(rng, stream, b"\xd0\x00\x90\x03\0\1\0" + stream)
    cuts = [rng.randrange(len(stream) + 1) for _ in range(rng.choice((1, 2, 9)))]
    return cut_shot(codec, stream, cuts, v5=v5)


def cut_shot(codec: str, stream: bytes, cuts: list[int], *, v5: bool) -> Shot:
    """A stream that must give the same messages in one piece and in several."""
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(edges)]

    def run() -> Counter[str]:
        whole, control, broken = _received([stream] if stream else [], v5=v5)
        parts, control_2, broken_2 = _received(pieces, v5=v5)
        require(broken == broken_2, f"cut at {edges}: given up {broken_2}, in one piece", broken)
        if not broken:
            require((whole, control) == (parts, control_2), f"cut at {edges}: not the same", parts)
        total = sum(len(m.topic.encode("utf-8", "ignore")) + len(m.payload) for m in whole)
        most = len(stream) * 3  # a byte that is not UTF-8 becomes a character of three
        require(total <= most, "messages hold more than was sent", total)
        return Counter(accepted=len(whole), protocol_error=int(broken))

    return Shot(codec, [("v5" if v5 else "v3", stream), *(("cut", p) for p in pieces)], run)


def _packet(rng: Rng, seed: Seed, *, v5: bool) -> bytes:
    chance = rng.random()
    if chance < 0.2:
        return rng.choice((b"\xd0\x00", b"\x90\x04\0\1\0\1", b"\x40\x02\0\1", b"\x20\x03\0\0\0"))
    qos, name = rng.choice((0, 1, 1, 1)), seed.topic.encode()
    body = struct.pack(">H", len(name)) + name + (struct.pack(">H", rng.randrange(65_536)) * qos)
    payload = encoded(seed)[:20_000]
    if v5:
        size = rng.choice((0, 0, 0, 5, 127, 128, 300))
        told = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
        body += told + b"x" * size
        if chance > 0.95:  # a length that goes on beyond the packet
            body, payload = body + b"\x80" * rng.randrange(5), b""
    body += payload
    length, rest = b"", len(body)
    while True:
        length += bytes([rest & 127 | (128 if rest > 127 else 0)])
        rest >>= 7
        if not rest:
            return bytes([0x30 | qos << 1 | rng.choice((0, 0, 1))]) + length + body


def recording_shot(rng: Rng, codec: str) -> Shot:
    """A damaged line of `greenpark capture`."""
    seed = rng.choice(rng.choice(list(seeds().values())))
    line = recorded(NOW, seed.topic, encoded(seed), retain=rng.random() < 0.2)
    as_seed = Seed(codec, "", line.encode())
    text = mutate.json_text(rng, as_seed) if rng.random() < 0.7 else as_seed.json
    if rng.random() < 0.5:
        text = mutate.raw_bytes(rng, text, seed.json)

    def run() -> Counter[str]:
        bad: list[PayloadError] = []
        found = list(read_recording([text], lambda _, exc: bad.append(exc)))
        require(len(found) + len(bad) <= 1, "one line, several messages")
        for message in found:
            message.topic.encode()
            require(isinstance(message.payload, bytes), "no bytes", message)
            judged([message._replace(received_at=NOW)])
        return Counter(p.code for p in bad) + Counter(accepted=len(found))

    return Shot(codec, [("line", text)], run)


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


def makers() -> dict[str, Callable[[Rng, str], Shot]]:
    """All targets by name."""
    return {
        **dict.fromkeys(sorted(seeds()), door_shot),
        "packets": packet_shot,
        "recording": recording_shot,
        "rows": row_shot,
    }


@cache
def _names() -> list[str]:
    return [*makers(), "native", "native", "senml", "sparkplug", "thingsboard"]


def shot(seed: int, number: int) -> Shot:
    """The case of a number: always the same one."""
    rng = random.Random(seed * 1_000_000_007 + number)
    codec = rng.choice(_names())
    return makers()[codec](rng, codec)
