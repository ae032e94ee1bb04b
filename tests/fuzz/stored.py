"""Damaged messages through the real writer into PostgreSQL, and a look at what is there then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from app.clock import FixedClock
from collectors.backfill import store_history
from collectors.directory import Directory
from collectors.door import Batch, Door
from collectors.formats.base import Incoming
from collectors.formats.sparkplug_host import SparkplugHost
from models.quantities import read_quantity
from storage.db import Conn, connect
from storage.migrate import migrate
from storage.parks import apply_park, channels
from storage.readings import ReadingTuple
from tests import services
from tests.fuzz.corpus import MOST_BYTES, NOW, TOLERANCE, park
from tests.fuzz.invariants import require
from tests.fuzz.targets import shot

OUTCOMES = ("stored", "duplicate", "conflict", "correction", "quarantined")


class _Watched(Door):
    """A door that remembers what it let in: the first value of each channel and time."""

    def judge(self, messages: Sequence[Incoming]) -> Batch:
        """Judge, and remember."""
        batch = super().judge(messages)
        self.__dict__.setdefault("let_in", []).extend(batch.readings)
        self.__dict__.setdefault("refused", []).extend(batch.quarantined.values())
        return batch


def sample(seed: int, count: int, first: int = 0) -> Iterator[Incoming]:
    """The first `count` messages of the door's cases from number `first` on."""
    number = first - 1
    while count > 0:
        number += 1
        for message in shot(seed, number).messages:
            yield message
            count -= 1


def store_sample(dsn: str, seed: int, count: int) -> Counter[str]:
    """Store a sample in a fresh migrated database and look at every row.

    Raises:
        Violation: garbage is stored, or a counter is not what the tables say.
    """
    with connect(dsn, application="fuzz") as conn:
        with conn.transaction():
            apply_park(conn, park(), NOW)
        door = _Watched(Directory([]), MOST_BYTES, TOLERANCE, sparkplug=SparkplugHost())
        counters = store_history(
            sample(seed, count),
            lambda: connect(dsn, application="fuzz"),
            FixedClock(NOW),
            door=door,
            batch_bytes=100_000,
        )
        _check_rows(conn, door.__dict__["let_in"])
        _check_counters(conn, counters, door.__dict__["refused"])
    conn.close()
    require(counters["messages"] >= count, "messages are missing", counters)
    return counters


def _check_rows(conn: Conn, let_in: list[ReadingTuple]) -> None:
    known = {c.channel_id: c for c in channels(conn)}
    wanted: dict[tuple[int, int], float] = {}
    others: set[tuple[int, int, float, str]] = set()
    for channel_id, ts_us, value, _, correction in let_in:
        if wanted.setdefault((channel_id, ts_us), value) != value:
            kind = "correction" if correction else "conflict"
            others.add((channel_id, ts_us, value, kind))
    rows = conn.execute(
        "SELECT channel_id, (extract(epoch FROM ts) * 1000000)::bigint, value, 'reading'"
        " FROM reading"
        " UNION ALL SELECT channel_id, (extract(epoch FROM ts) * 1000000)::bigint, value, kind"
        " FROM reading_revision"
    ).fetchall()
    for channel_id, _, value, kind in rows:
        ref = known.get(channel_id)
        require(ref is not None, "a value of no channel", (channel_id, value, kind))
        assert ref is not None
        low, high = (
            bound / ref.factor for bound in read_quantity(ref.quantity, ref.kind).plausible
        )
        high = min(high, ref.modulus or high)
        require(low <= value <= high, f"outside {low} to {high}", (ref.path, value, kind))
    stored = {(c, ts): value for c, ts, value, kind in rows if kind == "reading"}
    require(stored == wanted, "stored is not what was let in", set(stored) ^ set(wanted))
    revisions = {row for row in rows if row[3] != "reading"}
    require(revisions == others, "revisions are not what was let in", revisions ^ others)
    bad = conn.execute(
        "SELECT count(*) FROM reading WHERE value IN ('NaN', 'Infinity', '-Infinity')"
        " OR ts < '2000-01-01Z' OR ts > %s OR received_at <> %s",
        (NOW + TOLERANCE, NOW),
    ).fetchone()
    require(bad == (0,), "rows without a number or out of time", bad)


def _check_counters(conn: Conn, counters: Counter[str], refused: list[object]) -> None:
    counted = conn.execute(
        "SELECT (SELECT count(*) FROM reading),"
        " (SELECT count(*) FROM reading_revision WHERE kind = 'conflict'),"
        " (SELECT count(*) FROM reading_revision WHERE kind = 'correction'),"
        " (SELECT coalesce(sum(occurrences), 0) FROM quarantine),"
        " (SELECT count(*) FROM quarantine WHERE reason IN ('internal', 'storage'))"
    ).fetchone()
    require(
        counted
        == (counters["stored"], counters["conflict"], counters["correction"], len(refused), 0),
        f"tables say {counted}",
        counters,
    )
    total = sum(counters[name] for name in OUTCOMES)
    require(counters["received"] == total, "the counters do not add up", counters)
    require(counters["pending"] == 0, "something is pending", counters)


def store_sample_anywhere(seed: int, count: int) -> str:
    """The same in a server of its own; the counters as text."""
    with services.postgres_server() as dsn:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE fuzz"))
        own = psycopg.conninfo.make_conninfo(dsn, dbname="fuzz")
        with connect(own, application="fuzz") as conn:
            migrate(conn)
        conn.close()
        counters = store_sample(own, seed, count)
    said = ", ".join(f"{name} {counters[name]:,}" for name in ("messages", "received", *OUTCOMES))
    return f"database: {said}; every row is in its limits"
