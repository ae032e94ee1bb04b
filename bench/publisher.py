"""The publisher as a process of its own: QoS 1 at full speed, ends when all are acknowledged.

Its own few bytes of MQTT 3.1.1 instead of a client library: filling the broker is not what is
measured, and a library would be slower than the broker.
Source: MQTT 3.1.1, 2.2.3 (lengths), 3.1 (CONNECT), 3.3 (PUBLISH), 3.8 (SUBSCRIBE).
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import time

from bench.workload import Workload

_CHUNK = 500
_CLEAN, _KEEPALIVE_S = 0x02, 600


def connect(port: int, client_id: str, *, clean: bool) -> socket.socket:
    """A connection that the broker has accepted.

    Raises:
        ConnectionError: it refuses.
    """
    sock = socket.create_connection(("127.0.0.1", port), 60)
    flags = _CLEAN if clean else 0
    body = b"\0\4MQTT\4" + struct.pack(">BH", flags, _KEEPALIVE_S) + _text(client_id)
    sock.sendall(_packet(0x10, body))
    _answer(sock, 0x20, b"\0")
    return sock


def subscribe(port: int, client_id: str, topic: str = "park/#") -> None:
    """Leave a persistent session with a QoS-1 subscription at the broker."""
    with connect(port, client_id, clean=False) as sock:
        sock.sendall(_packet(0x82, b"\0\1" + _text(topic) + b"\1"))
        _answer(sock, 0x90, b"\1")
        sock.sendall(b"\xe0\0")


def forget(port: int, client_id: str) -> None:
    """End the session of a client and everything that waits in it."""
    with connect(port, client_id, clean=True) as sock:
        sock.sendall(b"\xe0\0")


def publish(port: int, load: Workload, window: int = 2000) -> float:
    """Publish all messages; returns the seconds until the last acknowledgement."""
    began, acknowledged = time.monotonic(), 0
    with connect(port, "bench-publisher", clean=True) as sock:
        for first in range(0, load.messages, _CHUNK):
            last = min(first + _CHUNK, load.messages)
            sock.sendall(b"".join(_publication(load, n) for n in range(first, last)))
            while last * 4 - acknowledged > window * 4:
                acknowledged += _receive(sock)
        while acknowledged < load.messages * 4:
            acknowledged += _receive(sock)
        sock.sendall(b"\xe0\0")
    return time.monotonic() - began


def _publication(load: Workload, number: int) -> bytes:
    topic, payload = load.message(number)
    return _packet(0x32, _text(topic) + struct.pack(">H", number % 65_000 + 1) + payload)


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | 128 if rest else low])
        if not rest:
            return bytes([kind]) + length + body


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def _receive(sock: socket.socket) -> int:
    """Bytes received: here every packet from the broker is a PUBACK, 4 bytes."""
    return len(_read(sock))


def _answer(sock: socket.socket, kind: int, end: bytes) -> None:
    """Read the answer to a CONNECT or SUBSCRIBE; of a session with messages they may follow it.

    Raises:
        ConnectionError: another packet, or a refusal.
    """
    data = b""
    while len(data) < 2 or len(data) < data[1] + 2:
        data += _read(sock)
    if data[0] != kind or not data[: data[1] + 2].endswith(end):
        raise ConnectionError(f"the broker answers {data[:8].hex(' ')}")


def _read(sock: socket.socket) -> bytes:
    data = sock.recv(65_536)
    if not data:
        raise ConnectionError("the broker has closed the connection of the publisher")
    return data


def main() -> None:
    """Publish the workload of the command line; prints the seconds as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workload", type=Workload.parse, required=True)
    args = parser.parse_args()
    print(json.dumps({"seconds": publish(args.port, args.workload)}))


if __name__ == "__main__":
    main()
