"""What was published and acknowledged, against what is stored."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.chaos.load import Load, Sent

Stored = Mapping[str, Mapping[int, float]]  # "m7.power_kw" -> time [ms] -> value


@dataclass
class Ledger:
    """Message number -> time of first sending, time of acknowledgement [s since 1970]."""

    sent: dict[int, float] = field(default_factory=dict)
    acknowledged: dict[int, float] = field(default_factory=dict)
    reasons: Counter[int] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """The ledger of a publisher; a last line that is not complete yet is left out."""
        made = cls()
        with path.open(encoding="ascii") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    break
                kind, number, at, *rest = line.split()
                if kind == "S":
                    made.sent[int(number)] = float(at)
                else:
                    made.acknowledged[int(number)] = float(at)
                    made.reasons[int(rest[0])] += 1
        return made


@dataclass
class Verdict:
    """The comparison, in readings."""

    published: int = 0
    acknowledged: int = 0
    stored: int = 0
    stored_unacknowledged: int = 0
    twice: int = 0
    lost: list[tuple[int, Sent]] = field(default_factory=list)
    wrong: list[tuple[Sent, float]] = field(default_factory=list)
    foreign: int = 0
    sha256_sent: str = ""
    sha256_stored: str = ""

    @property
    def good(self) -> bool:
        """Every acknowledged reading is there exactly once with the right value."""
        return (
            not (self.lost or self.wrong or self.foreign or self.twice)
            and self.sha256_sent == self.sha256_stored
            and self.acknowledged > 0
        )


def stored_readings(dsn: str) -> tuple[dict[str, dict[int, float]], int]:
    """All readings by channel, and how many rows repeat a channel and time."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    rows = 0
    with psycopg.connect(dsn) as conn:
        names: dict[int, str] = dict(
            conn.execute(
                "SELECT channel_id, m.key || '.' || c.key"
                " FROM channel c JOIN meter m USING (meter_id)"
            ).fetchall()
        )
        with conn.cursor(name="readings", binary=True) as cur:
            cur.itersize = 50_000
            cur.execute(
                "SELECT channel_id, (extract(epoch FROM ts) * 1000)::bigint, value FROM reading"
            )
            for channel_id, ts_ms, value in cur:
                found[names[channel_id]][ts_ms] = value
                rows += 1
    return found, rows - sum(map(len, found.values()))


def unmarked_readings(dsn: str) -> int:
    """Readings that no stale range covers: their intervals would never be computed."""
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            """
            WITH marked AS (
                SELECT channel_id,
                       range_agg(tstzrange(start_at, stop_at, '[]')) AS ranges
                FROM stale_range GROUP BY channel_id)
            SELECT count(*) FROM reading r LEFT JOIN marked m USING (channel_id)
            WHERE m.ranges IS NULL OR NOT m.ranges @> r.ts
            """
        ).fetchone()
    return int(row[0]) if row else -1


def compare(load: Load, ledger: Ledger, stored: Stored, twice: int) -> Verdict:
    """Check every acknowledged reading, and that nothing is stored that was never sent."""
    out = Verdict(twice=twice, stored=sum(map(len, stored.values())))
    sent_sum, stored_sum = hashlib.sha256(), hashlib.sha256()
    nothing: Mapping[int, float] = {}
    for number in sorted(ledger.sent):
        known = number in ledger.acknowledged
        for reading in load.readings(number):
            out.published += 1
            value = stored.get(f"m{reading.meter}.{reading.channel}", nothing).get(reading.ts_ms)
            if known:
                out.acknowledged += 1
                sent_sum.update(repr(reading).encode())
                stored_sum.update(repr(reading._replace(value=value)).encode())  # type: ignore[arg-type]
            if value is None:
                if known:
                    out.lost.append((number, reading))
                continue
            out.stored_unacknowledged += not known
            if value != reading.value:
                out.wrong.append((reading, value))
    out.foreign = out.stored - (out.acknowledged - len(out.lost)) - out.stored_unacknowledged
    out.sha256_sent, out.sha256_stored = sent_sum.hexdigest(), stored_sum.hexdigest()
    return out
