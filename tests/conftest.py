"""Fixtures: one real PostgreSQL per session, a fresh migrated database and broker on request."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from app.embedded import Broker
from storage.db import Conn, connect
from storage.migrate import migrate
from tests import services

REPO = Path(__file__).resolve().parent.parent
DATA = REPO.parent / "shared" / "data"

for _name in [n for n in os.environ if n.startswith("GREENPARK_")]:
    if not _name.startswith(("GREENPARK_TEST_", "GREENPARK_REQUIRE_")):
        del os.environ[_name]  # a developer's settings must not steer the tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, with the reason; where required, let it fail."""
    for item in items:
        if item.get_closest_marker("fulldata") and not DATA.exists() and not services.REQUIRED:
            item.add_marker(pytest.mark.skip(reason="full measured data sets are not here"))
        if item.get_closest_marker("timescaledb") and not services.ROOT and not services.REQUIRED:
            item.add_marker(pytest.mark.skip(reason="no TimescaleDB: GREENPARK_TEST_ROOT not set"))


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A running PostgreSQL server with a migrated template database."""
    with services.postgres_server() as dsn:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute("CREATE DATABASE greenpark_template")
        template = psycopg.conninfo.make_conninfo(dsn, dbname="greenpark_template")
        with connect(template, application="tests") as conn:
            migrate(conn)
        with psycopg.connect(dsn, autocommit=True) as admin:  # background workers keep out too
            admin.execute("ALTER DATABASE greenpark_template ALLOW_CONNECTIONS false")
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'greenpark_template'"
            )
        yield dsn


_numbers = itertools.count(1)


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """DSN of a fresh migrated database, dropped afterwards."""
    name = f"greenpark_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        made = "CREATE DATABASE {} TEMPLATE greenpark_template STRATEGY file_copy"
        admin.execute(sql.SQL(made).format(sql.Identifier(name)))
    yield psycopg.conninfo.make_conninfo(server_dsn, dbname=name)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def conn(dsn: str) -> Iterator[Conn]:
    """A connection to the fresh database."""
    with connect(dsn, application="tests") as connection:
        yield connection
    connection.close()


@pytest.fixture
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A running broker of its own; with the mark `mosquitto` only a durable one will do."""
    made = services.make_broker(tmp_path)
    if request.node.get_closest_marker("mosquitto") and not made.durable:
        services.missing("Mosquitto 2.1 with persist-sqlite (acknowledged messages survive kill)")
    made.start()
    yield made
    made.stop()
    services.discard(made)
