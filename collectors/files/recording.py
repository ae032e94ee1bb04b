"""A recording of MQTT traffic: JSON lines with the time of arrival and the exact payload."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from collectors.formats.base import Incoming, from_us, rfc3339_us
from models.errors import ConfigError, PayloadError

TORN = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a .gz raises that was cut off, is damaged or is none."""


class _Line(msgspec.Struct, gc=False):
    """One message; keys that are not known here are ignored."""

    arrival_ts: str
    topic: str
    payload: str | None = None
    payload_b64: str | None = None
    retain: bool = False


_DECODER = msgspec.json.Decoder(_Line)


def recorded(arrived_at: datetime, topic: str, payload: bytes, *, retain: bool = False) -> str:
    """The line of a message, without its end.

    A payload that is UTF-8 is kept as text, any other as `payload_b64`; both come back byte by
    byte.
    """
    stamp = arrived_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    line: dict[str, object] = {"arrival_ts": stamp, "topic": topic}
    try:
        line["payload"] = payload.decode()
    except UnicodeDecodeError:
        line["payload_b64"] = base64.b64encode(payload).decode()
    if retain:
        line["retain"] = True
    return json.dumps(line, ensure_ascii=False)


def read_line(line: bytes) -> Incoming:
    """The message of a line; a retained one is not fresh: it waited at the broker.

    Raises:
        PayloadError: it is no such line.
    """
    try:
        found = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise PayloadError("json", "line", line[:80], f"a line of greenpark capture ({exc})") from (
            exc
        )
    arrived_at = from_us(rfc3339_us(found.arrival_ts, "arrival_ts"))
    if (found.payload is None) == (found.payload_b64 is None):
        raise PayloadError("schema", "payload", None, "either payload or payload_b64")
    if found.payload is not None:
        payload = found.payload.encode()
    else:
        try:
            payload = base64.b64decode(found.payload_b64 or "", validate=True)
        except (binascii.Error, ValueError) as exc:
            raise PayloadError("schema", "payload_b64", str(exc), "base64") from exc
    return Incoming(found.topic, payload, arrived_at, fresh=not found.retain)


def read_recording(
    lines: Iterable[bytes], bad: Callable[[int, PayloadError], None]
) -> Iterator[Incoming]:
    """The messages of a recording; empty lines are passed over.

    Args:
        bad: told the number of a line that cannot be used, and why; the rest goes on.
    """
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield read_line(line)
            except PayloadError as exc:
                bad(number, exc)
    except TORN as exc:  # a .gz that was cut off: what came before is good
        bad(number + 1, PayloadError("json", "file", str(exc), "a whole gzip file"))


class Recording:
    """The lines of a file, unpacked when its name ends with .gz; `-` is standard input.

    Raises:
        ConfigError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._raw: IO[bytes]
        if str(path) == "-":
            self._raw = sys.stdin.buffer
        else:
            try:
                self._raw = path.open("rb")
            except OSError as exc:
                raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
        self.size = None if str(path) == "-" else path.stat().st_size
        self.lines: Iterable[bytes] = self._raw
        if path.suffix == ".gz":
            self.lines = gzip.GzipFile(fileobj=self._raw)  # closed with it

    @property
    def position(self) -> int:
        """Bytes of the file read so far; 0 for standard input."""
        if self.size is None:
            return 0
        return self.size if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
