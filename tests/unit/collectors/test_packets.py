"""Messages out of a stream of packets, wherever the network cuts it."""

from __future__ import annotations

import itertools
import struct
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import FixedClock
from collectors.formats.base import Incoming
from collectors.inbox import Inbox
from collectors.packets import PacketSocket, ProtocolError
from collectors.subscriptions import Subscriptions
from collectors.transport import Transport
from models.broker import BrokerAddress
from tests.integration.wire import packet, publish

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Line:
    """A socket that gives the pieces one by one; `sent` is what was written."""

    def __init__(self, *pieces: bytes, room: int = 1_000_000) -> None:
        self.pieces, self.room, self.sent = list(pieces), room, b""

    def recv(self, _size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)

    def send(self, data: Any) -> int:
        if not self.room:
            raise BlockingIOError
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.sent += taken
        return len(taken)


def received(*pieces: bytes, v5: bool = True) -> tuple[list[tuple[str, bytes, int]], bytes]:
    """Messages and what was handed to paho."""
    sock = PacketSocket(Line(*pieces), v5=v5)
    messages: list[Incoming] = []
    control = b""
    for _ in pieces:
        sock.read()
        while True:
            messages += sock.messages(NOW, 3, fresh=True)
            if not sock.control or sock.eof:
                break
            control += sock.recv(100_000)
    return [(m.topic, m.payload, m.mid) for m in messages], control


PINGRESP = b"\xd0\x00"
STREAM = b"".join(
    [
        PINGRESP,
        publish(1, b"a", b"t/1"),
        publish(2, b"b" * 200, b"t/2"),
        packet(0x90, b"\0\1\0\1"),
        publish(3, b"c" * 20_000, b"t/3"),
        publish(4, b"", b"t/4"),
        PINGRESP,
    ]
)
EXPECTED = [("t/1", b"a", 1), ("t/2", b"b" * 200, 2), ("t/3", b"c" * 20_000, 3), ("t/4", b"", 4)]
CONTROL = PINGRESP + packet(0x90, b"\0\1\0\1") + PINGRESP


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_the_same_messages_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in itertools.pairwise(edges) if a < b]
    assert received(*pieces) == (EXPECTED, CONTROL)


def test_messages_behind_a_control_packet_wait_for_it() -> None:
    """CONNACK changes the connection's number: what follows belongs to the new one."""
    sock = PacketSocket(Line(publish(1, b"a") + b"\x20\3\0\0\0" + publish(2, b"b")), v5=True)
    sock.read()
    assert [m.mid for m in sock.messages(NOW, 1, fresh=True)] == [1]
    assert sock.messages(NOW, 1, fresh=True) == []
    assert sock.recv(1) + sock.recv(10) == b"\x20\3\0\0\0"
    assert [(m.mid, m.generation) for m in sock.messages(NOW, 2, fresh=True)] == [(2, 2)]


def test_version_3_has_no_properties() -> None:
    body = struct.pack(">H", 3) + b"t/1" + struct.pack(">H", 9) + b"\x05xyz"
    assert received(packet(0x32, body), v5=False)[0] == [("t/1", b"\x05xyz", 9)]


def test_properties_are_skipped_and_qos_0_has_no_id() -> None:
    expiry = b"\x05\x02" + struct.pack(">I", 60)
    body = struct.pack(">H", 3) + b"t/1" + expiry + b"xyz"
    assert received(packet(0x30, body))[0] == [("t/1", b"xyz", 0)]


def test_retained_messages_are_not_fresh() -> None:
    sock = PacketSocket(Line(publish(1, b"a") + publish(2, b"b", first=0x33)), v5=True)
    sock.read()
    assert [m.fresh for m in sock.messages(NOW, 1, fresh=True)] == [True, False]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x32\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x32\x02\x00\x09",  # the topic is longer than the packet
        packet(0x32, b"\0\3t/1\0\1\x20x"),  # so are the properties
        b"\x32\x00",
        b"\x32\x04\x00\x01a\x00",  # QoS 1 without its packet id
    ],
)
def test_lengths_that_contradict_each_other(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        received(raw)


@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    try:
        messages, _ = received(raw)
    except ProtocolError:
        return
    assert sum(len(p) for _, p, _ in messages) <= len(raw)


def test_acknowledgements_are_whole_packets_even_when_the_socket_is_full() -> None:
    line = Line(room=6)
    sock = PacketSocket(line, v5=True)
    sock.acknowledge([1, 2, 0xFFFF])
    assert sock.want_write
    assert sock.send(b"\xc0\0") == 2  # paho's ping comes behind, never in between
    line.room = 100
    sock.flush()
    assert line.sent == b"\x40\2\0\1\x40\2\0\2\x40\2\xff\xff\xc0\0"
    assert not sock.want_write


def test_the_end_of_the_connection_is_told_to_paho() -> None:
    sock = PacketSocket(Line(b""), v5=True)
    with pytest.raises(BlockingIOError):
        sock.recv(1)
    sock.read()
    assert sock.control
    assert sock.recv(1) == b""


def test_what_may_have_waited_at_the_broker_is_not_fresh() -> None:
    made = Transport(BrokerAddress("h", 1), "c", Subscriptions(), 100, Inbox(10), FixedClock(NOW))
    made._connected_at = time.monotonic() - 4.9
    assert not made._fresh()  # the session may have had a queue
    made._connected_at = time.monotonic() - 5.1
    assert made._fresh()
    made.in_flight = 50  # the broker fills the window as long as it has a queue
    assert not made._fresh()
    made.close()
