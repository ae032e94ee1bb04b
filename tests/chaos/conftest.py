"""Chaos needs the real servers of the Debian root directory: nothing else survives a kill."""

from __future__ import annotations

import pytest

from tests import services


@pytest.fixture
def real_services() -> None:
    """PostgreSQL with TimescaleDB and Mosquitto 2.1 with persist-sqlite, or a skip."""
    if not services.ROOT:
        services.missing("Debian root directory with its servers (GREENPARK_TEST_ROOT)")
