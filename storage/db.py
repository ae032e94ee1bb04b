"""Connections, named SQL and the border at which database errors become ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg
from psycopg import errors as pg

from models.errors import Invalid, StorageError, Unavailable

Conn = psycopg.Connection[tuple[Any, ...]]

# Classes that pass by themselves or after an operator acted: keep the data and try again.
_RETRY_CLASSES = ("08", "40", "53", "55", "57", "58")
_RETRY_STATES = ("25006",)  # read-only transaction: a standby, or a full disk

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.M | re.S)


def connect(dsn: str, *, application: str) -> Conn:
    """Open a connection in autocommit; whoever writes opens `conn.transaction()`.

    The session speaks UTC and names itself.

    Raises:
        Unavailable: the server cannot be reached or refuses connections.
    """
    with translate_db_errors("connect to the database"):
        conn = psycopg.connect(
            dsn,
            autocommit=True,
            application_name=application,
            connect_timeout=10,
            keepalives_idle=30,
        )
        conn.execute("SET TIME ZONE 'UTC'")
        return conn


@contextmanager
def translate_db_errors(action: str) -> Iterator[None]:
    """Turn psycopg errors into `Unavailable` or `Invalid`, naming the action."""
    try:
        yield
    except psycopg.Error as exc:
        raise translate(exc, action) from exc


def translate(exc: psycopg.Error, action: str) -> StorageError:
    """Our error for a psycopg error: retryable infrastructure trouble or refused data."""
    state = exc.sqlstate
    if state is None:
        lost = isinstance(exc, psycopg.OperationalError | psycopg.InterfaceError)
        return (Unavailable if lost else Invalid)(action, exc)
    if isinstance(exc, pg.QueryCanceled) or state[:2] in _RETRY_CLASSES or state in _RETRY_STATES:
        return Unavailable(action, exc)
    return Invalid(action, exc)


@cache
def named_sql(area: str) -> dict[str, LiteralString]:
    """Blocks of `storage/sql/<area>.sql` by name."""
    text = files("storage").joinpath("sql", f"{area}.sql").read_text(encoding="utf-8")
    return {name: cast("LiteralString", body.strip()) for name, body in _BLOCK.findall(text)}
