"""What is fired at: the door with each codec, the packet stream, recordings, files."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise

from collectors.files.recording import read_recording, recorded
from collectors.formats.base import Incoming
from collectors.packets import PacketSocket, ProtocolError
from models.errors import PayloadError
from tests.fuzz import files, mutate
from tests.fuzz.corpus import MOST_BYTES, NOW, Seed, encoded, seeds, sparkplug_births
from tests.fuzz.invariants import Violation, require
from tests.fuzz.rows import row_shot
from tests.fuzz.shot import Shot, judged

Rng = random.Random


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
        if chance > 0.9:  # a length that goes on beyond the packet
            told, size, payload = b"\x80" * rng.choice((1, 2, 3, 4)), 0, b""
        body += told + b"x" * size
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


def makers() -> dict[str, Callable[[Rng, str], Shot]]:
    """All targets by name."""
    return {
        **dict.fromkeys(sorted(seeds()), door_shot),
        "packets": packet_shot,
        "recording": recording_shot,
        "rows": row_shot,
        **files.MAKERS,
    }


@cache
def _names() -> list[str]:
    return [*makers(), "native", "native", "senml", "sparkplug", "thingsboard"]


def shot(seed: int, number: int) -> Shot:
    """The case of a number: always the same one."""
    rng = random.Random(seed * 1_000_000_007 + number)
    codec = rng.choice(_names())
    return makers()[codec](rng, codec)
