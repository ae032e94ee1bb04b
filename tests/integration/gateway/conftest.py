"""Gateways behind a gate, a listener at the broker."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.embedded import Broker
from tests.integration.gateway.edge import Edge, Gate, Listener, document, edge

Start = Callable[..., Edge]


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    made = Listener(broker)
    yield made
    made.close()


@pytest.fixture
def gate(broker: Broker) -> Iterator[Gate]:
    made = Gate(broker)
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path, broker: Broker, gate: Gate) -> Iterator[Start]:
    """Starts gateways behind the gate; all are stopped at the end."""
    running: list[Edge] = []

    def make(*devices: dict[str, Any], protocol: str = "", **resend: float) -> Edge:
        config = document(tmp_path, gate.port, protocol or broker.protocol, *devices, **resend)
        running.append(edge(config).start())
        return running[-1]

    yield make
    for made in running:
        made.stop()


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Gateway processes that do not outlive the test."""
    made: list[subprocess.Popen[bytes]] = []
    yield made
    for one in made:
        one.kill()
        one.wait()
