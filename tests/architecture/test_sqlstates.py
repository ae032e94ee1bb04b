"""Every error that psycopg knows becomes one of ours, and the right one."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg

from models.errors import Invalid, StorageError, Unavailable
from storage.db import translate, translate_db_errors

KNOWN = sorted(
    (cls for cls in vars(pg).values() if isinstance(cls, type) and issubclass(cls, psycopg.Error)),
    key=lambda cls: (cls.sqlstate or "", cls.__name__),
)
WITH_STATE = [cls for cls in KNOWN if cls.sqlstate]
RETRY = ("08", "40", "53", "57")  # connection, rolled back, resources, operator
REFUSED = ("21", "22", "23", "42")  # data and statements that no repetition makes better


def test_the_walk_sees_them_all() -> None:
    assert len(WITH_STATE) > 200
    assert {"08006", "40P01", "53100", "57P01", "22003", "23505", "42P01"} <= {
        cls.sqlstate for cls in WITH_STATE
    }


@pytest.mark.parametrize("cls", KNOWN, ids=lambda c: f"{c.sqlstate or '-'}-{c.__name__}")
def test_every_class_is_mapped(cls: type[psycopg.Error]) -> None:
    error = translate(cls("boom"), "store 5 readings")
    assert type(error) in (Unavailable, Invalid)
    assert str(error) == "store 5 readings: boom"
    state = cls.sqlstate or ""
    if state[:2] in RETRY:
        assert error.retryable
    if state[:2] in REFUSED:
        assert not error.retryable


@pytest.mark.parametrize(
    ("cls", "retryable"),
    [
        (psycopg.OperationalError, True),  # "server closed the connection unexpectedly"
        (psycopg.InterfaceError, True),  # "the connection is closed"
        (pg.ConnectionTimeout, True),
        (pg.ReadOnlySqlTransaction, True),  # a standby, or the disk is full
        (pg.LockNotAvailable, True),
        (pg.QueryCanceled, True),
        (psycopg.DataError, False),
        (psycopg.ProgrammingError, False),
        (pg.UniqueViolation, False),
        (pg.NumericValueOutOfRange, False),
        (pg.UndefinedTable, False),
    ],
)
def test_retry_or_not(cls: type[psycopg.Error], retryable: bool) -> None:
    assert translate(cls("x"), "act").retryable is retryable


def test_the_border_keeps_the_cause_and_lets_others_pass() -> None:
    cause = pg.DiskFull("no space")
    with (
        pytest.raises(Unavailable, match=r"^write: no space$") as caught,
        translate_db_errors("write"),
    ):
        raise cause
    assert caught.value.__cause__ is cause
    with pytest.raises(KeyError), translate_db_errors("write"):
        raise KeyError("ours")
    assert issubclass(Unavailable, StorageError)
