"""Seeded damage: to JSON by its pieces, to protobuf by its fields, to anything by its bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from collectors.formats import template
from models.sparkplug import Payload
from tests.fuzz.corpus import NOW_MS, Seed, encoded, seeds

Rng = random.Random

_PIECES = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_S, _MS = NOW_MS // 1000, NOW_MS
_BORDERS = (946_684_800_000, 253_402_300_800_000, _MS, _MS + 300_000, 0, 2**31 * 1000)
NUMBERS: tuple[bytes, ...] = (
    tuple(
        str(n).encode()
        for n in (
            *(b + d for b in _BORDERS for d in (-1, 0, 1)),
            *((b + d) // 1000 for b in _BORDERS for d in (-1000, 0, 1000)),
            *(b * 1000 for b in _BORDERS),
            *(
                s * 2**p + d
                for p in (7, 8, 15, 16, 31, 32, 53, 63, 64)
                for d in (-1, 0)
                for s in (-1, 1)
            ),
        )
    )
    + tuple(
        b"0 -0 -0.0 1 -1 0.5 1.0000001 1e400 -1e400 1e308 -1e308 5e-324 1E+2 1e-400 1e999999999 01 "
        b"+1 .5 1. 0x10 1_0 NaN -NaN nan Infinity -Infinity inf 999999 1000000 1000000.0001 "
        b"9999999999 10000000000 10000000000.1 1e12 1e13 1499.9 -60.5".split()
    )
    + (b"9" * 400, b"9" * 5_000, b"0." + b"0" * 500 + b"1", b"-" + b"1" * 310, b"1" * 4_301)
)
TIMES = (
    *b"2026-03-01T00:10:00Z 2026-03-01T08:15:00+08:00 2026-03-01T00:35:00.000001Z "
    b"2026-03-01T08:15:00 2026-03-01 20260301T000000Z 2026-W09-7T00:00:00Z 1999-12-31T23:59:59Z "
    b"2000-01-01T00:00:00+23:59 9999-12-31T23:59:59-23:59 0001-01-01T00:00:00+23:59 "
    b"2026-02-30T00:00:00Z 2026-03-01T24:00:00Z 2026-06-30T23:59:60Z 2026-03-01T00:00:00+24:00 "
    b"2026-03-29T02:30:00 2026-10-25T02:30:00 260329023000 251026023000 260228120000 "
    b"2026-03-01T00:10:00.123456789Z 2026-03-01t00:10:00z 20260301001000 99991231235959".split(),
    "２０２６-03-01T00:10:00Z".encode(),
    b"2026-03-01 00:10:00",
)
WORDS = (
    *TIMES,
    *(
        b"12.3",
        b"--",
        b"-",
        b"null",
        b"nan",
        b"",
        b"true",
        b"1e400",
        b"0",
        b" 7 ",
        b"1e5",
        b"9" * 400,
    ),
    *(rb"\u0000", rb"\ud800", rb"\udc00\ud800", rb"\ud83d\ude00", rb"\x", b"\0", b"\n"),
    *(b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\x80", "电能".encode(), "电能".encode("gbk")),
    *("１２".encode(), "٣".encode(), b"a/b/../c", b"+/#", b"{n}", b"%s%n", b"../../x", b"a" * 300),
)
MAGIC = (b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\x80" * 11)


class Span(NamedTuple):
    """A piece of JSON text: key, scalar, container or member (key and value)."""

    kind: str
    start: int
    stop: int
    in_list: bool = False


def spans(text: bytes) -> list[Span]:
    """The pieces of compact JSON text."""
    found: list[Span] = []
    stack: list[tuple[int, int | None]] = []
    key: int | None = None
    for piece in _PIECES.finditer(text):
        token, start, stop = piece[0], piece.start(), piece.end()
        if token in b"[{":
            stack.append((start, key))
            key = None
        elif token in b":,":
            continue
        elif text[stop : stop + 1] == b":":
            found.append(Span("key", start, stop))
            key = start
        else:
            begin, kind = start, "scalar"
            if token in b"]}":
                if not stack:
                    continue
                (begin, key), kind = stack.pop(), "container"
            inside = bool(stack) and text[stack[-1][0] : stack[-1][0] + 1] == b"["
            found.append(Span(kind, begin, stop, inside))
            if key is not None:
                found.append(Span("member", key, stop))
            key = None
    return found


@cache
def _spans_of(seed: Seed) -> list[Span]:
    return spans(seed.json)


@cache
def keys() -> tuple[bytes, ...]:
    """Keys of all messages and of the paths of all templates."""
    found = {
        s.json[p.start : p.stop]
        for all_ in seeds().values()
        for s in all_
        if s.codec != "sparkplug"
        for p in _spans_of(s)
        if p.kind == "key"
    }
    for device_type in template.load_templates().values():
        for text in re.findall(r"text='([^']*)'", repr(device_type)):
            found |= {f'"{level}"'.encode() for level in text.split("/") if level}
    return tuple(sorted(found))


def token(rng: Rng) -> bytes:
    """A JSON value, or what pretends to be one."""
    kind = rng.random()
    if kind < 0.3:
        return repr(round(rng.uniform(-5, 1000), 3)).encode()
    if kind < 0.55:
        return rng.choice(NUMBERS)
    if kind < 0.85:
        return b'"' + rng.choice(WORDS) + b'"'
    if kind < 0.95:
        return rng.choice((b"null", b"true", b"false", b"[]", b"{}", b"[1]", b'{"a":1}'))
    return deep(rng, b"1")


def deep(rng: Rng, core: bytes) -> bytes:
    """`core` in many brackets; the interpreter stops near 1,000."""
    many = rng.choice((3, 60, 400, rng.randint(900, 1010), rng.randint(970, 1000)))
    if rng.random() < 0.7:
        return b"[" * many + core + b"]" * many
    return b'{"a":' * many + core + b"}" * many


def huge(rng: Rng) -> bytes:
    """A value of 50 to 200 kB."""
    many = rng.choice((10_000, 25_000, 60_000))
    return rng.choice(
        (
            b'"' + b"x" * many * 3 + b'"',
            b'"' + b"9" * many * 3 + b'"',
            b"9" * many * 3,
            b"0." + b"9" * many * 3,
            b"[" + b",".join([b"0"] * many) + b"]",
            b"[" + b",".join([b"{}"] * many) + b"]",
            b"{" + b",".join(b'"%d":0' % n for n in range(many // 3)) + b"}",
            deep(rng, b"0") if many < 20_000 else b"[" * many + b"]" * many,
        )
    )


def _repeated(rng: Rng, text: bytes, span: Span, most: int) -> bytes:
    part = text[span.start : span.stop]
    many = min(rng.choice((2, 3, 60, 999, 1_000, 1_001, 3_000)), most // (len(part) + 8))
    if span.kind != "member":
        return b",".join([part] * max(many, 1))
    if rng.random() < 0.3 or many < 3:
        return part + b"," + part  # the same key twice
    key, rest = part[1 : part.index(b'"', 1)], part[part.index(b'"', 1) :]
    stem = key.rstrip(b"0123456789")
    return b",".join(b'"%s%d%s' % (stem, n, rest) for n in range(many))


def _changed(rng: Rng, text: bytes, span: Span, *, blow_up: bool) -> bytes:
    part = text[span.start : span.stop]
    kind, chance = span.kind, rng.random()
    if kind == "key" and blow_up:
        return b'"' + b"k" * rng.choice((1_000, 60_000, 200_000)) + b'"'
    if kind == "key":
        return rng.choice(keys()) if chance < 0.6 else b'"' + rng.choice(WORDS) + b'"'
    repeatable = span.in_list or kind == "member"
    if repeatable and chance < (0.5 if blow_up else 0.06):
        return _repeated(rng, text, span, 200_000 if blow_up else 4_000)
    value = huge(rng) if blow_up and chance < 0.9 else token(rng)
    if kind == "member":
        if chance < 0.25:
            return b'"":0'  # as good as deleted
        key = rng.choice(keys()) if chance < 0.8 else part[: part.index(b":")]
        return (
            key + b":" + value + b"," + part if chance < 0.9 else part + b"," + key + b":" + value
        )
    return b"[" + part + b"]" if chance > 0.97 else value


_EPOCH = re.compile(rb"\b1[67]\d{8}(\d{3})?\b")


def retimed(rng: Rng, text: bytes) -> bytes:
    """The text with other epoch times of the same length, so that not all are duplicates."""
    at_s = rng.randrange(1_600_000_000, _S)
    return _EPOCH.sub(lambda f: b"%d" % (at_s * 1000 if f[1] else at_s), text)


def json_text(rng: Rng, seed: Seed, *, blow_up: bool = False) -> bytes:
    """Good JSON with one to three pieces exchanged."""
    text, found = seed.json, _spans_of(seed)
    if not found:
        return text
    if rng.random() < 0.5:
        text = retimed(rng, text)
    stop = len(text) + 1
    picked = rng.choices(found, k=2 if blow_up else rng.choice((1, 1, 1, 2, 3)))
    for span in sorted(picked, key=lambda s: -s.stop):
        if span.stop <= stop:  # what overlaps with a piece already exchanged stays
            text = (
                text[: span.start] + _changed(rng, text, span, blow_up=blow_up) + text[span.stop :]
            )
            stop = span.start
    return text


def raw_bytes(rng: Rng, data: bytes, other: bytes = b"") -> bytes:
    """Bit flips, cuts, splices, magic bytes: one to four of them."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(made) + 1)
        upto = min(at + rng.choice((1, 2, 8, 64)), len(made))
        kind = rng.randrange(8)
        if kind == 0 and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(made):
            made[at] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del made[at:upto]
        elif kind == 3:
            made[at:at] = made[at:upto] * rng.choice((1, 1, 5))
        elif kind == 4:
            made[at:at] = rng.choice(MAGIC)
        elif kind == 5:
            del made[at:]
        elif kind == 6:
            made[at:at] = rng.randbytes(rng.choice((1, 4, 16)))
        else:
            made[at:] = other[rng.randrange(len(other) + 1) :]
    return bytes(made)


_FIELDS: dict[str, Callable[[Rng], Any]] = {
    "name": lambda r: r.choice(
        ("", "energy", "power", "raw", "bdSeq", "n\0", "é" * 600, "x", "a/b")
    ),
    "alias": lambda r: r.choice((0, 1, 2, 3, 4, 5, 2**64 - 1)),
    "timestamp": lambda r: r.choice((0, _MS, _S, _MS + 10**9, 2**64 - 1, 946_684_799_999)),
    "datatype": lambda r: r.choice((0, 1, 3, 4, 8, 9, 10, 12, 34, 35, 2**32 - 1)),
    "is_null": lambda r: r.random() < 0.5,
    "is_historical": lambda r: r.random() < 0.5,
    "int_value": lambda r: r.choice((0, 1, 255, 2**31, 2**32 - 1)),
    "long_value": lambda r: r.choice((0, 1, 2**53 + 1, 2**63, 2**64 - 1)),
    "float_value": lambda r: r.choice((0.0, 1.5, float("nan"), float("inf"), 3e38, -1.0)),
    "double_value": lambda r: r.choice((0.0, 2.5, float("nan"), -float("inf"), 1e308, 1e12)),
    "string_value": lambda r: r.choice(("", "on", "5", "\0")),
}
_VARINTS = (b"\x00", b"\x7f", b"\x80\x01", b"\xff\x7f", b"\x80" * 9 + b"\x01", b"\xff" * 10)


def sparkplug(rng: Rng, raw: bytes) -> bytes:
    """A Sparkplug payload with other fields, metrics twice, or other variable integers."""
    if rng.random() < 0.25:
        at = rng.randrange(len(raw) + 1)
        return raw[:at] + rng.choice(_VARINTS) + raw[at + rng.randrange(3) :]
    made = Payload.FromString(raw)
    made.timestamp = rng.randrange(1_600_000_000_000, _MS)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.3 or not made.metrics:
            made.seq = rng.choice((0, 1, 2, 3, 255, 256, 2**64 - 1))
            made.timestamp = _FIELDS["timestamp"](rng)
            continue
        if rng.random() < 0.2:
            made.metrics.add().CopyFrom(rng.choice(made.metrics))
        name = rng.choice(list(_FIELDS))
        setattr(rng.choice(made.metrics), name, _FIELDS[name](rng))
    return bytes(made.SerializeToString())


def topic(rng: Rng, text: str) -> str:
    """Another topic: of someone else, of another depth, of strange characters, very long."""
    levels = text.split("/")
    at = rng.randrange(len(levels))
    some = rng.choice(rng.choice(list(seeds().values()))).topic.split("/")
    kind = rng.randrange(7)
    if kind == 0:
        return "/".join(some)
    if kind == 1:
        levels[at] = rng.choice(some)
    elif kind == 2:
        del levels[at]
    elif kind == 3:
        levels.insert(at, rng.choice(("", "x", "beta", "\0", "\ufffd", "电", "$SYS", "+", "#")))
    elif kind == 4:
        levels[at] = rng.choice(("beta", "b-grid", "a-water", "é" * 300, "x" * 60_000))
    elif kind == 5:
        levels[at] += rng.choice((" ", "\n", "\0", "1", "\u202e", "\U0010ffff"))
    else:
        levels = levels[: at + 1]
    return "/".join(levels)


def body(rng: Rng, seed: Seed) -> bytes:
    """A damaged payload of a seed."""
    chance = rng.random()
    if chance < 0.04:
        return encoded(seed)
    if chance < 0.07:
        return encoded(rng.choice(rng.choice(list(seeds().values()))))
    if seed.codec == "sparkplug":
        raw = sparkplug(rng, seed.json)
    elif chance < 0.2:
        raw = encoded(seed)
    else:
        raw = json_text(rng, seed, blow_up=chance > 0.996)
        if seed.text_encoding and chance < 0.9:
            raw = raw.decode(errors="replace").encode(seed.text_encoding, "replace")
        if chance < 0.23:
            return _recoded(rng, raw)
    if chance < 0.4:
        raw = raw_bytes(rng, raw, encoded(rng.choice(seeds()[seed.codec])))
    return raw


def _recoded(rng: Rng, raw: bytes) -> bytes:
    """A byte order mark, or a text encoding that was not agreed."""
    if rng.random() < 0.4:
        return b"\xef\xbb\xbf" * rng.choice((1, 1, 2)) + raw
    encoding = rng.choice(("gbk", "utf-16", "utf-32-le", "utf-7", "big5"))
    return raw.decode(errors="replace").encode(encoding, "replace")
