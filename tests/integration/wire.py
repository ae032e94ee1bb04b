"""A broker whose every packet the test reads and writes itself."""

from __future__ import annotations

import socket
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PINGREQ, DISCONNECT = 12, 14


def packet(first: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        length += bytes([rest & 127 | (128 if rest > 127 else 0)])
        rest >>= 7
        if not rest:
            return bytes([first]) + length + body


def publish(
    mid: int, payload: bytes, topic: bytes = b"park/testpark/alpha/a-grid", *, first: int = 0x32
) -> bytes:
    """An MQTT 5 PUBLISH with QoS 1."""
    return packet(
        first, struct.pack(">H", len(topic)) + topic + struct.pack(">H", mid) + b"\0" + payload
    )


class Peer:
    """The broker's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(10)

    def read(self) -> tuple[int, int, bytes]:
        """Kind, first byte and body of the next packet."""
        first = self._take(1)[0]
        length, shift = 0, 0
        while True:
            byte = self._take(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first >> 4, first, self._take(length)

    def expect(self, kind: int) -> bytes:
        got, first, body = self.read()
        assert got == kind, f"packet {first:#x} {body!r} instead of kind {kind}"
        return body

    def send(self, *packets: bytes) -> None:
        self.sock.sendall(b"".join(packets))

    def welcome(self, *, session_present: bool, reason: int = 0) -> bytes:
        """Answer CONNECT and the subscription; returns the body of CONNECT."""
        connect = self.expect(CONNECT)
        self.send(packet(0x20, bytes([session_present, reason, 0])))
        if not reason:
            self.grant()
        return connect

    def grant(self, reason: int = 1) -> bytes:
        """Answer SUBSCRIBE; returns its body."""
        body = self.expect(SUBSCRIBE)
        self.send(packet(0x90, body[:2] + b"\0" + bytes([reason])))
        return body

    def acked(self, number: int) -> list[int]:
        """Packet ids of the next PUBACKs."""
        return [int.from_bytes(self.expect(PUBACK)[:2], "big") for _ in range(number)]

    def close(self) -> None:
        self.sock.close()

    def _take(self, number: int) -> bytes:
        data = b""
        while len(data) < number:
            more = self.sock.recv(number - len(data))
            if not more:
                raise EOFError
            data += more
        return data


class Wire:
    """Waits for the collector."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(15)
        self.port: int = self._server.getsockname()[1]

        self._peers: list[Peer] = []

    def accept(self) -> Peer:
        self._peers.append(Peer(self._server.accept()[0]))
        return self._peers[-1]

    def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self._server.close()
