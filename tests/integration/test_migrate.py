"""Migrations: forward only, checksummed, all or nothing."""

from __future__ import annotations

import pytest

from models.errors import SchemaMismatch
from storage import timescale
from storage.db import Conn
from storage.migrate import available, check_schema, migrate


def test_second_run_does_nothing(conn: Conn) -> None:
    assert migrate(conn) == []
    check_schema(conn)


def test_numbers_are_contiguous() -> None:
    assert [m.number for m in available()] == list(range(1, len(available()) + 1))


def test_edited_migration_is_refused(conn: Conn) -> None:
    conn.execute("UPDATE schema_migration SET checksum = 'edited' WHERE number = 2")
    with pytest.raises(SchemaMismatch, match="was edited after it was applied"):
        migrate(conn)


def test_newer_database_is_refused(conn: Conn) -> None:
    conn.execute("INSERT INTO schema_migration (number, name, checksum) VALUES (9000, 'x', 'y')")
    with pytest.raises(SchemaMismatch, match=r"\[9000\]"):
        migrate(conn)


def test_missing_migration_is_named(conn: Conn) -> None:
    last = available()[-1]
    conn.execute("DELETE FROM schema_migration WHERE number = %s", (last.number,))
    with pytest.raises(SchemaMismatch, match=last.name):
        check_schema(conn)


def test_every_column_suffix_has_a_comment_or_a_known_unit(conn: Conn) -> None:
    rows = conn.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'double precision'"
        " AND column_name !~ '_(kwh|kw|m3|t|ratio|wh|s|per_h|buckets)$'"
        " AND col_description((table_schema || '.' || quote_ident(table_name))::regclass,"
        " ordinal_position) IS NULL"
        " AND table_name <> 'indicator_value' AND column_name <> 'estimated_value'"
    ).fetchall()
    assert [r for r in rows if r[0] != "reading_revision"] == []


@pytest.mark.timescaledb
def test_big_tables_are_hypertables(conn: Conn) -> None:
    rows = conn.execute(
        "SELECT hypertable_name FROM timescaledb_information.hypertables"
    ).fetchall()
    assert {r[0] for r in rows} == set(timescale.HYPERTABLES)
    assert timescale.edition(conn) in ("apache", "timescale")
