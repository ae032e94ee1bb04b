"""Every trap of MQTT that loses readings in other collectors, seen on the wire."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from app.clock import RealClock
from collectors.service import Collector, CollectorSettings
from models.broker import BrokerAddress
from models.errors import ConfigError, Unavailable
from models.park import Park
from storage.db import Conn, connect
from tests.integration import wire
from tests.integration.test_collector import count, wait_for


class Gate:
    """Opens database connections, or not."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.open = dsn, True

    def __call__(self, application: str) -> Conn:
        if not self.open:
            raise Unavailable("connect to the database", "the gate is shut")
        return connect(self.dsn, application=application)

    def shut(self, conn: Conn) -> None:
        self.open = False
        conn.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE application_name LIKE 'greenpark collect%'"
        )


class Stand:
    """A collector against a wire; `error` is what its run ended with."""

    def __init__(self, dsn: str, **settings: object) -> None:
        self.wire = wire.Wire()
        self.gate = Gate(dsn)
        self.collector = Collector(
            BrokerAddress("127.0.0.1", self.wire.port),
            self.gate,
            RealClock(),
            CollectorSettings("trap", linger_s=0.01, window=100, **settings),  # type: ignore[arg-type]
        )
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.collector.run()
        except BaseException as exc:
            self.error = exc

    def connected(self, *, session_present: bool = False) -> wire.Peer:
        """The broker's end of the next connection, welcomed and subscribed."""
        peer = self.wire.accept()
        peer.welcome(session_present=session_present)
        return peer

    def stop(self) -> None:
        self.collector.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.wire.close()


@pytest.fixture
def stand(dsn: str, applied: Park) -> Iterator[Callable[..., Stand]]:
    made: list[Stand] = []

    def make(**settings: object) -> Stand:
        made.append(Stand(dsn, **settings))
        return made[-1]

    yield make
    for one in made:
        one.gate.open = True
        one.stop()


def reading(minute: int, value: float = 1.0) -> bytes:
    ts = f"2026-03-01T08:{minute:02d}:00+08:00"
    return json.dumps({"ts": ts, "values": {"import_kwh": value}}).encode()


def test_the_session_outlives_the_connection_and_the_window_is_bounded(
    stand: Callable[..., Stand],
) -> None:
    made = stand()
    connect_body = made.wire.accept().expect(wire.CONNECT)
    assert connect_body[7] & 0x02 == 0  # clean start would wipe queue and subscription
    properties = connect_body[11 : 11 + connect_body[10]]
    assert struct.pack(">BI", 0x11, 30 * 86_400) in properties  # session expiry
    assert struct.pack(">BH", 0x21, 100) in properties  # receive maximum


def test_subscribes_at_qos_1_and_wants_no_replay_of_retained_messages(
    stand: Callable[..., Stand],
) -> None:
    made = stand()
    peer = made.wire.accept()
    peer.expect(wire.CONNECT)
    peer.send(wire.packet(0x20, b"\0\0\0"))
    body = peer.grant()
    assert b"park/#" in body
    options = body[-1]
    assert options & 0x03 == 1  # QoS 2 would be confirmed before it is stored
    assert options >> 4 & 0x03 == 1  # retained messages only for a new subscription


def test_acknowledged_after_the_commit_in_order_of_arrival(
    stand: Callable[..., Stand], conn: Conn
) -> None:
    made = stand()
    peer = made.connected()
    peer.send(*[wire.publish(mid, reading(mid)) for mid in (7, 3, 50, 4)])
    assert peer.acked(4) == [7, 3, 50, 4]
    assert count(conn, "reading") == 4


def test_nothing_is_acknowledged_while_the_database_is_away(
    stand: Callable[..., Stand], conn: Conn
) -> None:
    made = stand()
    peer = made.connected()
    made.gate.shut(conn)
    peer.send(wire.publish(1, reading(1)))
    wait_for(lambda: made.collector.writer.counters["retries"] >= 2, "two tries")
    peer.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        peer.read()
    peer.sock.settimeout(10)
    made.gate.open = True
    assert peer.acked(1) == [1]
    assert count(conn, "reading") == 1


def test_an_acknowledgement_never_reaches_another_connection(
    stand: Callable[..., Stand], conn: Conn
) -> None:
    """The broker lost its session and numbers from 1 again: an old PUBACK would lose a message."""
    made = stand()
    first = made.connected()
    made.gate.shut(conn)
    first.send(*[wire.publish(mid, reading(mid)) for mid in (1, 2, 3)])
    wait_for(lambda: made.collector.writer.counters["retries"] >= 1, "they wait for the database")
    first.close()
    made.gate.open = True
    second = made.wire.accept()  # only when the database has confirmed whose turn it is
    wait_for(lambda: count(conn, "reading") == 3, "the first batch, its PUBACKs are due")
    second.welcome(session_present=False)
    second.send(wire.publish(1, reading(11)))
    assert second.acked(1) == [1]  # the first PUBACK is for what came on this connection
    assert count(conn, "reading") == 4
    wait_for(lambda: count(conn, "finding") == 1, "the loss of the session is told")
    assert conn.execute("SELECT code FROM finding").fetchone() == ("collector.session_lost",)


def test_no_acknowledgement_before_connack(stand: Callable[..., Stand], conn: Conn) -> None:
    """A PUBACK written before CONNECT or CONNACK is a protocol error, again and again."""
    made = stand()
    first = made.connected()
    made.gate.shut(conn)
    first.send(wire.publish(1, reading(1)))
    wait_for(lambda: made.collector.writer.counters["retries"] >= 1, "it waits")
    first.close()
    made.gate.open = True
    second = made.wire.accept()
    second.expect(wire.CONNECT)
    wait_for(lambda: count(conn, "reading") == 1, "stored, its PUBACK is due")
    second.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        second.read()
    second.sock.settimeout(10)
    second.send(wire.packet(0x20, b"\1\0\0"))
    second.grant()
    second.send(wire.publish(1, reading(1), first=0x3A))  # the broker sends it again, DUP
    assert second.acked(1) == [1]
    wait_for(lambda: made.collector.writer.counters["duplicate"] == 1, "known already")


def test_no_reconnect_while_the_client_id_may_be_another_s(
    stand: Callable[..., Stand], conn: Conn
) -> None:
    made = stand()
    first = made.connected()
    made.gate.shut(conn)
    wait_for(lambda: made.collector.writer.counters["retries"] >= 1, "it has noticed")
    first.close()
    wait_for(lambda: made.collector.writer.counters["retries"] >= 4, "time to reconnect")
    assert made.collector.transport.generation == 1
    made.wire._server.settimeout(0.1)
    with pytest.raises(TimeoutError):
        made.wire.accept()
    made.wire._server.settimeout(15)
    made.gate.open = True
    made.wire.accept().welcome(session_present=True)


def test_what_cannot_be_used_is_acknowledged_and_does_not_come_back_for_ever(
    stand: Callable[..., Stand], conn: Conn
) -> None:
    made = stand()
    peer = made.connected()
    peer.send(
        wire.publish(1, b"poison"),
        wire.publish(2, reading(1), b"park/\xff\xfe/x/y"),
        wire.publish(3, reading(1)),
    )
    assert peer.acked(3) == [1, 2, 3]
    reasons = conn.execute("SELECT reason FROM quarantine ORDER BY quarantine_id").fetchall()
    assert reasons == [("json",), ("unknown_park",)]


def test_packets_cut_anywhere(stand: Callable[..., Stand], conn: Conn) -> None:
    made = stand()
    peer = made.connected()
    stream = b"".join(wire.publish(mid, reading(mid)) for mid in range(1, 6))
    for at in range(0, len(stream), 7):
        peer.send(stream[at : at + 7])
    assert peer.acked(5) == [1, 2, 3, 4, 5]


def test_nonsense_from_the_broker_costs_the_connection_only(
    stand: Callable[..., Stand], conn: Conn
) -> None:
    made = stand()
    first = made.connected()
    first.send(b"\x32\xff\xff\xff\xff\xff")  # a length of more than four bytes
    with suppress(EOFError):
        while True:
            first.read()
    second = made.connected(session_present=True)
    second.send(wire.publish(1, reading(1)))
    assert second.acked(1) == [1]


def test_a_subscription_that_is_refused_ends_the_collector(stand: Callable[..., Stand]) -> None:
    made = stand()
    peer = made.wire.accept()
    peer.expect(wire.CONNECT)
    peer.send(wire.packet(0x20, b"\0\0\0"))
    peer.grant(0x87)
    made.thread.join(15)
    assert isinstance(made.error, ConfigError)
    assert "refuses the subscription 'park/#': Not authorized" in str(made.error)


def test_a_login_that_is_refused_ends_the_collector(stand: Callable[..., Stand]) -> None:
    made = stand()
    made.wire.accept().welcome(session_present=False, reason=0x86)
    made.thread.join(15)
    assert isinstance(made.error, ConfigError)
    assert "Bad user name or password" in str(made.error)


def test_two_clients_with_one_id_are_told_apart(stand: Callable[..., Stand]) -> None:
    made = stand()
    for _ in range(3):
        peer = made.wire.accept()
        peer.welcome(session_present=True)
        peer.send(wire.packet(0xE0, b"\x8e\0"))  # DISCONNECT: session taken over
    made.thread.join(15)
    assert isinstance(made.error, ConfigError)
    assert "another client uses our client id 'trap'" in str(made.error)


def test_a_defect_in_the_writer_ends_the_process(stand: Callable[..., Stand]) -> None:
    """A dead thread in a process that looks alive is the worst of all: the supervisor must see."""
    made = stand()
    peer = made.connected()

    def defect(*_: object) -> None:
        raise ZeroDivisionError

    made.collector.writer.commit = defect  # type: ignore[method-assign, assignment]
    peer.send(wire.publish(1, reading(1)))
    made.thread.join(15)
    assert isinstance(made.error, ZeroDivisionError)


def test_large_messages_are_bounded_by_bytes_too(stand: Callable[..., Stand], conn: Conn) -> None:
    made = stand(max_payload_bytes=200_000)
    peer = made.connected()
    made.gate.shut(conn)
    made.collector.inbox._most_bytes = 1_000_000
    big = b"[" + b",".join([reading(1)] * 1000) + b"]"
    sender = threading.Thread(
        target=lambda: peer.send(*[wire.publish(n + 1, big) for n in range(99)])
    )
    sender.start()  # 6.5 MB: most of it has to wait in the sockets
    wait_for(lambda: made.collector.inbox.full, "the inbox says stop")
    assert len(made.collector.inbox) * len(big) < 3_000_000
    made.gate.open = True
    assert len(peer.acked(99)) == 99
    sender.join()
