"""Loads readings and runs the jobs on them, each with its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from app.clock import wall_now
from app.jobs.pipeline import CALCULATIONS
from bench.processes import BenchError
from bench.site import PER_DAY, Block, Series, Site, block, received_at, series, steps_of_day
from models.park import parse_park
from models.periods import to_us
from storage.binary import Columns, copy_stream, pg_times
from storage.db import Conn, named_sql
from storage.jobs import finish_job, start_job
from storage.parks import apply_park, channels
from storage.readings import ReadingTuple, store_batch

METERING = ("intervals", "balances")
"""Jobs that make quarter-hours, roll-ups and balances; the others judge them."""
_CHANNELS_PER_COPY = 20
_DERIVED = (
    "interval, restatement, shaped_gap, channel_hour, channel_day, channel_month, enterprise_hour,"
    " enterprise_day, enterprise_month, balance_day, indicator_value, stale_range, stale_day,"
    " stale_check, stale_indicator, channel_check, finding, alert"
)
SAME = {
    "interval": "channel_id, bucket_start, value, quality, method, edit_id, low, high, last",
    "channel_hour": "x.*",
    "channel_day": "x.*",
    "channel_month": "x.*",
    "enterprise_hour": "x.*",
    "enterprise_day": "x.*",
    "enterprise_month": "x.*",
}
"""What a rebuild has to make again, bit for bit: tables and columns."""

Times = dict[str, float]


def total(times: Mapping[str, float], names: Iterable[str] = METERING) -> float:
    """Seconds of the named jobs."""
    return sum(times[name] for name in names)


@dataclass
class Chain:
    """A database with the park of a site.

    Attributes:
        number: channel of the site -> number in the database.
        stored_days: days whose readings are stored, except those withheld.
        withheld: steps of channels that come late.
    """

    conn: Conn
    site: Site
    say: Callable[[str], None]
    number: dict[int, int] = field(default_factory=dict)
    stored_days: int = 0
    readings: int = 0
    withheld: dict[int, list[int]] = field(default_factory=dict)

    def apply(self) -> None:
        """Write the park; decide what will come late."""
        with self.conn.transaction():
            park = parse_park(self.site.document(), "bench")
            apply_park(self.conn, park, self.site.instant(0))
        self.number = {int(c.meter_key[1:]): c.channel_id for c in channels(self.conn)}
        for stored in (self.site.early_days, self.site.days):
            for age in self.site.late_ages:
                self._withhold(self.site.late, steps_of_day(stored - age))
        for number, step in self.singles():
            self._withhold([number], [step])

    def _withhold(self, numbers: Iterable[int], steps: list[int]) -> None:
        for number in numbers:
            self.withheld.setdefault(number, []).extend(steps)

    def singles(self) -> list[tuple[int, int]]:
        """Channel and step of single readings that come late, at noon."""
        first = (self.site.days - self.site.single_age) * PER_DAY + PER_DAY // 2
        return [(number, first) for number in self.site.singles]

    @property
    def now(self) -> datetime:
        """Two hours after the end of what is stored."""
        return self.site.instant(self.stored_days) + timedelta(hours=2)

    def load(self, until_day: int) -> float:
        """Store the readings of the next days as the collector does; returns seconds."""
        began, first = time.monotonic(), self.stored_days
        for start in range(0, self.site.channels, _CHANNELS_PER_COPY):
            numbers = range(start, min(start + _CHANNELS_PER_COPY, self.site.channels))
            self._store(block(self.site, numbers, first, until_day, self.withheld))
        self.stored_days = until_day
        self.conn.execute("ANALYZE reading, stale_range")
        return time.monotonic() - began

    def _store(self, new: Block) -> None:
        ids = np.array([self.number[n] for n in range(self.site.channels)], dtype=np.int32)
        ts = pg_times(new.at_s.astype(np.float64))
        never = np.zeros(len(new), np.bool_)
        columns = Columns(ids[new.channel], ts, new.value, ts + 20_000_000, never).in_key_order()
        stale = columns.ranges()
        reason = np.full(len(stale[0]), b"reading")
        readings = copy_stream(columns.channel, columns.ts, columns.value, columns.received)
        with self.conn.transaction(), self.conn.cursor() as cur:
            for name, stream in (
                ("copy_readings", readings),
                ("copy_stale", copy_stream(*stale, reason)),
            ):
                with cur.copy(named_sql("readings")[name]) as copy:
                    copy.write(stream)
        self.readings += len(new)

    def run(self, now: datetime | None = None) -> Times:
        """Every job once; seconds by job.

        Raises:
            BenchError: a job left work behind.
        """
        times = {}
        now = now or self.now
        for name, job in CALCULATIONS.items():
            start_job(self.conn, name, wall_now(), now)
            began = time.monotonic()
            detail = job(self.conn, now)
            times[name] = time.monotonic() - began
            finish_job(self.conn, name, wall_now(), detail, None)
            if times[name] > 1:
                self.say(f"  {name}: {times[name]:.1f} s {dict(detail)}")
        left = self.conn.execute(
            "SELECT (SELECT count(*) FROM stale_range), (SELECT count(*) FROM stale_day)"
        ).fetchone()
        if left != (0, 0):
            raise BenchError(f"work is left: {left} stale ranges and days")
        return times

    def settle(self) -> None:
        """Compute what is stored, then what the database does by itself within minutes."""
        self.run()
        self.conn.execute("VACUUM ANALYZE")

    def late_days(self) -> list[Times]:
        """Whole days of ten meters come late, one after the other: what each costs."""
        found = []
        for age in self.site.late_ages:
            steps = steps_of_day(self.stored_days - age)
            found.append(self._late([(n, step) for n in self.site.late for step in steps]))
        return found

    def late_singles(self) -> list[Times]:
        """Single readings come late, one after the other."""
        return [self._late([one]) for one in self.singles()]

    def live_minute(self) -> Times:
        """One new reading of every channel."""
        last = self.site.days * PER_DAY
        return self._late([(n, last) for n in range(self.site.channels)])

    def _late(self, wanted: list[tuple[int, int]]) -> Times:
        known: dict[int, Series] = {n: series(self.site, n) for n in {n for n, _ in wanted}}
        rows = [
            self._reading(n, int(known[n].at_s[step]), float(known[n].value[step]))
            for n, step in wanted
            if known[n].present[step]
        ]
        began = time.monotonic()
        with self.conn.transaction():
            stored = store_batch(self.conn, rows, []).stored
        times = {"store": time.monotonic() - began}
        if stored != len(rows):
            raise BenchError(f"{stored} of {len(rows)} late readings were new")
        self.readings += stored
        return times | self.run()

    def _reading(self, number: int, at_s: int, value: float) -> ReadingTuple:
        return self.number[number], at_s * 1_000_000, value, to_us(received_at(at_s)), False

    def rebuild(self) -> Times:
        """Throw everything away that follows from the readings, and compute it anew."""
        self.conn.execute(f"TRUNCATE {_DERIVED} CASCADE")
        self.conn.execute(
            "INSERT INTO stale_range (channel_id, start_at, stop_at, reason)"
            " SELECT c, d, least(d + interval '1 day', %(stop)s), 'rebuild'"
            " FROM unnest(%(channels)s::int[]) c,"
            " generate_series(%(start)s::timestamptz, %(stop)s, interval '1 day') d ORDER BY 1, 2",
            {
                "channels": sorted(self.number.values()),
                "start": self.site.instant(0),
                "stop": self.site.instant(self.stored_days) + timedelta(hours=1),
            },
        )
        self.conn.execute("ANALYZE stale_range")
        return self.run()

    def checksums(self) -> dict[str, tuple[int, int]]:
        """Rows and a sum over the bits of each table of `SAME`, in any order of the rows."""
        found = {}
        for table, columns in SAME.items():
            row = self.conn.execute(
                f"SELECT count(*), coalesce(sum(hash_record_extended(ROW({columns}), 0)::numeric),"
                f" 0) FROM {table} x"
            ).fetchone()
            assert row is not None  # noqa: S101 - an aggregate has one row
            found[table] = (int(row[0]), int(row[1]))
        return found
