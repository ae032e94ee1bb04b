"""The socket between paho and the broker: messages are taken out here, in bulk.

paho reads three times per packet and builds a dozen objects for each; at thousands of messages a
second that is most of the work. Here one read brings hundreds of PUBLISH packets, which go to the
collector; everything else (CONNACK, SUBACK, PINGRESP, ...) is handed on to paho.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from collectors.formats.base import Incoming

_READ_BYTES = 262_144
_WAITING = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PUBLISH, _QOS, _QOS_2, _RETAIN = 0x30, 0x06, 0x04, 0x01
_PUBACK = 0x4002_0000
_new = tuple.__new__  # half the price of calling the class, for the one place where it counts


class ProtocolError(ConnectionError):
    """The broker sent bytes that are no MQTT packet; the connection is given up."""


class PacketSocket:
    """Looks like a non-blocking socket to paho, and gives messages to the network thread.

    Attributes:
        eof: the broker has closed the connection.
        control: paho has packets to read.
    """

    def __init__(self, sock: Any, *, v5: bool) -> None:
        self._sock = sock
        self._v5 = v5
        self._raw = b""
        self._at = 0
        self._control = b""
        self._out = bytearray()
        self.eof = False

    # What paho uses.

    def recv(self, size: int) -> bytes:
        """Bytes of packets that are not messages; empty at the end of the connection."""
        if not self._control and not self.eof:
            raise BlockingIOError
        data, self._control = self._control[:size], self._control[size:]
        return data

    def send(self, data: bytes | bytearray) -> int:
        """Take all of `data`, so that packets are never mixed, and send what fits."""
        self._out += data
        self.flush()
        return len(data)

    def fileno(self) -> int:
        """Number for select."""
        return int(self._sock.fileno())

    def setblocking(self, flag: bool) -> None:
        """As of a socket."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """As of a socket."""
        self._sock.close()

    # What the network thread uses.

    @property
    def control(self) -> bool:
        """True when paho has something to read."""
        return bool(self._control) or self.eof

    @property
    def want_write(self) -> bool:
        """True when bytes wait for room in the socket."""
        return bool(self._out)

    def pending(self) -> bool:
        """True when TLS has decrypted bytes that select cannot see."""
        pending = getattr(self._sock, "pending", None)
        return bool(pending and pending())

    def flush(self) -> None:
        """Send what fits.

        Raises:
            OSError: the connection is broken.
        """
        with suppress(*_WAITING):
            while self._out:
                del self._out[: self._sock.send(self._out)]

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send a PUBACK for each packet id, in one go."""
        self.send(struct.pack(f">{len(mids)}I", *[_PUBACK | mid for mid in mids]))

    def read(self) -> None:
        """Take what the network has."""
        try:
            data = self._sock.recv(_READ_BYTES)
        except _WAITING:
            return
        except OSError:
            data = b""
        self.eof = not data
        self._raw = self._raw[self._at :] + data
        self._at = 0

    def messages(self, received_at: datetime, generation: int, *, fresh: bool) -> list[Incoming]:
        """The messages up to the next packet for paho, or up to what has arrived.

        Raises:
            ProtocolError: lengths that contradict each other.
        """
        found: list[Incoming] = []
        raw, at, end = self._raw, self._at, len(self._raw)
        while not self._control and end - at >= 2:
            header, length, body = raw[at], raw[at + 1], at + 2
            if length > 127:
                if end - at > 2 and raw[body] < 128:  # most messages: 128 to 16,383 bytes
                    length += (raw[body] << 7) - 128
                    body += 1
                else:
                    length, body = _varint(raw, at + 1)
            stop = body + length
            if body == 0 or stop > end:
                break
            if header & 0xF0 != _PUBLISH or header & _QOS == _QOS_2:
                self._control = raw[at:stop]
                at = stop
                break
            at, mid = stop, 0
            topic_end = body + 2 + (raw[body] << 8 | raw[body + 1]) if length > 2 else stop + 1
            start = topic_end
            if header & _QOS:
                start += 2
                if start <= stop:
                    mid = raw[topic_end] << 8 | raw[topic_end + 1]
            if self._v5 and start < stop:
                properties = raw[start]
                start += 1
                if properties > 127:
                    properties, start = _varint(raw, start - 1)
                    start = start or stop + 1  # it ends beyond the packet
                start += properties
            if start > stop:
                message = f"PUBLISH of {length} bytes is longer than it says"
                raise ProtocolError(message)
            topic = raw[body + 2 : topic_end].decode("utf-8", "replace")
            is_fresh = fresh and not header & _RETAIN
            found.append(
                _new(Incoming, (topic, raw[start:stop], received_at, is_fresh, mid, generation))
            )
        self._at = at
        return found


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Value and end of a variable byte integer; end 0: not all of it is here yet.

    Source: MQTT 5.0, 1.5.5.
    """
    value = 0
    for shift in range(4):
        if at + shift >= len(raw):
            return 0, 0
        byte = raw[at + shift]
        value |= (byte & 127) << (7 * shift)
        if byte < 128:
            return value, at + shift + 1
    message = "a variable byte integer of more than 4 bytes"
    raise ProtocolError(message)
