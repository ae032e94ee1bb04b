"""A small applied park and a collector that runs in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import make_app
from app.clock import RealClock
from app.embedded import Broker
from app.settings import settings
from collectors.service import Collector, CollectorSettings
from models.broker import BrokerAddress
from models.park import Park, load_park
from storage.db import Conn, connect
from storage.parks import apply_park

PARK_FILE = Path(__file__).parent.parent / "data" / "park.yaml"


@pytest.fixture
def park() -> Park:
    """The small test park."""
    return load_park(PARK_FILE)


@pytest.fixture
def applied(conn: Conn, park: Park) -> Park:
    """The small test park, applied to the fresh database."""
    with conn.transaction():
        apply_park(conn, park, datetime(2026, 1, 1, tzinfo=UTC))
    return park


@pytest.fixture
def collector(dsn: str, applied: Park, broker: Broker) -> Iterator[Callable[[], Collector]]:
    """Starts collectors in threads; all are stopped at the end."""
    running: list[tuple[Collector, threading.Thread]] = []

    def start() -> Collector:
        made = Collector(
            BrokerAddress(broker.host, broker.port, broker.protocol),
            lambda application: connect(dsn, application=application),
            RealClock(),
            CollectorSettings("test-collector", linger_s=0.02),
        )
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        running.append((made, thread))
        return made

    yield start
    for made, thread in running:
        made.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """The program on the test database; its output."""
    monkeypatch.setenv("GREENPARK_DSN", dsn)
    settings.cache_clear()

    def command(*words: str) -> str:
        result = CliRunner().invoke(make_app(words[0]), list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    yield command
    settings.cache_clear()
