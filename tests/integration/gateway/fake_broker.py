"""An MQTT 5 broker that says no when it is told to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

NOT_AUTHORIZED = 0x87


class FakeBroker:
    """Answers CONNECT and PUBLISH with the given reason codes.

    Attributes:
        largest: a longer packet makes it break the connection, as brokers do.
        connections: how often somebody came.
    """

    def __init__(self, connack: int = 0, puback: int = 0, largest: int = 1_000_000) -> None:
        self.connack, self.puback, self.largest = connack, puback, largest
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self.connections += 1
                with client, suppress(OSError, EOFError):
                    while True:
                        self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        kind = _take(client, 1)[0]
        length, shift = 0, 0
        while True:
            byte = _take(client, 1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if length > self.largest:
            raise EOFError
        body = _take(client, length)
        if kind >> 4 == 1:
            client.sendall(bytes([0x20, 3, 0, self.connack, 0]))
        elif kind >> 4 == 3:
            topic = int.from_bytes(body[:2], "big")
            client.sendall(bytes([0x40, 4, *body[2 + topic : 4 + topic], self.puback, 0]))

    def close(self) -> None:
        self._server.close()


def _take(client: socket.socket, number: int) -> bytes:
    data = b""
    while len(data) < number:
        more = client.recv(number - len(data))
        if not more:
            raise EOFError
        data += more
    return data
