"""Several collectors: one per client id, the standby takes over, shards move without loss."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from app.clock import RealClock
from app.embedded import Broker
from collectors.service import Collector, CollectorSettings, Superseded
from collectors.shards import Shard
from models.broker import BrokerAddress
from models.errors import Unavailable
from models.park import Park
from storage.db import Conn, connect
from tests.integration.test_collector import Sender, count, wait_for


class Running:
    """A collector in a thread; `error` is what its run ended with."""

    def __init__(self, dsn: str, broker: Broker, settings: CollectorSettings) -> None:
        self.open = True
        self.dsn = dsn
        self.collector = Collector(
            BrokerAddress(broker.host, broker.port, broker.protocol),
            self._connect,
            RealClock(),
            settings,
        )
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _connect(self, application: str) -> Conn:
        if not self.open:
            raise Unavailable("connect to the database", "no way there")
        return connect(self.dsn, application=application)

    def _run(self) -> None:
        try:
            self.collector.run()
        except BaseException as exc:
            self.error = exc

    def serves(self, *filters: str) -> bool:
        granted, _ = self.collector.subscriptions.known()
        return self.collector.transport.connected and set(filters) <= granted

    def stop(self) -> None:
        self.collector.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def start(dsn: str, applied: Park, broker: Broker) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def make(
        client_id: str = "one", *, shard: Shard | None = None, retire: bool = False
    ) -> Running:
        settings = CollectorSettings(
            client_id, shard=shard or Shard(), linger_s=0.02, retire=retire
        )
        made.append(Running(dsn, broker, settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def sender(broker: Broker) -> Iterator[Sender]:
    made = Sender(broker)
    yield made
    made.close()


def send(sender: Sender, enterprise: str, meter: str, minute: int) -> None:
    ts = f"2026-03-01T{8 + minute // 60:02d}:{minute % 60:02d}:00+08:00"
    payload = json.dumps({"ts": ts, "values": {"import_kwh": minute}}).encode()
    sender.send(f"park/testpark/{enterprise}/{meter}", payload)


def test_the_standby_waits_and_takes_over(
    start: Callable[..., Running], sender: Sender, conn: Conn
) -> None:
    first = start()
    wait_for(lambda: first.serves("park/#"), "the first one serves")
    second = start()
    send(sender, "alpha", "a-grid", 1)
    wait_for(lambda: count(conn, "reading") == 1, "stored by the first")
    assert second.collector.transport.generation == 0
    first.stop()
    wait_for(lambda: second.serves("park/#"), "the second one serves")
    send(sender, "alpha", "a-grid", 2)
    wait_for(lambda: second.collector.writer.counters["stored"] == 1, "stored by the second")


def test_a_standby_can_be_stopped(start: Callable[..., Running]) -> None:
    first = start()
    wait_for(lambda: first.serves("park/#"), "the first one serves")
    second = start()
    second.stop()
    assert second.error is None


@pytest.mark.mosquitto
def test_whoever_lost_the_database_may_not_commit_for_its_successor(
    start: Callable[..., Running], sender: Sender, conn: Conn
) -> None:
    first = start()
    wait_for(lambda: first.serves("park/#"), "the first one serves")
    second = start()
    first.open = False
    conn.execute(
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = %s",
        [first.collector._application],
    )
    wait_for(lambda: second.serves("park/#"), "the second one takes over")
    first.open = True
    first.thread.join(20)
    assert isinstance(first.error, Superseded)
    send(sender, "alpha", "a-grid", 1)
    wait_for(lambda: count(conn, "reading") == 1, "stored once")


def test_a_collector_is_not_locked_out_by_its_own_broken_connection(
    start: Callable[..., Running], sender: Sender, conn: Conn
) -> None:
    first = start()
    wait_for(lambda: first.serves("park/#"), "it serves")
    ghost = first.collector.writer._conn
    first.collector.writer._conn = None  # as after a cut that the server has not noticed
    send(sender, "alpha", "a-grid", 1)
    wait_for(lambda: count(conn, "reading") == 1, "stored over a new connection")
    assert first.error is None
    assert ghost is not None
    ghost.close()


@pytest.mark.mosquitto
def test_from_one_collector_to_two_and_back_without_a_gap(
    start: Callable[..., Running], sender: Sender, conn: Conn
) -> None:
    minutes = iter(range(600))

    def send_some() -> None:
        for _ in range(5):
            minute = next(minutes)
            send(sender, "alpha", "a-grid", minute)
            send(sender, "beta", "b-grid", minute)

    single = start("single")
    wait_for(lambda: single.serves("park/#"), "one for all")
    send_some()
    shards = [start("shard", shard=Shard(n, 2)) for n in (1, 2)]
    wait_for(lambda: all(s.collector.transport.connected for s in shards), "two more")
    send_some()
    single.stop()
    send_some()  # waits in the session of the single one, and goes to the shards
    retired = start("single", retire=True)
    retired.thread.join(60)
    assert not retired.thread.is_alive()
    assert retired.error is None
    send_some()
    wait_for(lambda: count(conn, "reading") == 40, "nothing lost on the way to two")
    back = start("single")
    wait_for(lambda: back.serves("park/#"), "one for all again")
    assert not [r for s in shards if (r := s.stop())]
    send_some()
    leaving = [start("shard", shard=Shard(n, 2), retire=True) for n in (1, 2)]
    for one in leaving:
        one.thread.join(60)
        assert not one.thread.is_alive()
    send_some()
    wait_for(lambda: count(conn, "reading") == 60, "nothing lost on the way back")
    assert count(conn, "quarantine") == 0
    held = conn.execute("SELECT client_id, filter FROM collector_subscription").fetchall()
    assert held == [("single", "park/#")]
