"""A simulated park through codec, writer and every job, day by day, on a database of its own."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

import pandas as pd

from analytics.green.balance import BALANCE_COLUMNS
from app.backfill import arriving
from app.clock import FixedClock
from app.jobs.pipeline import calculate
from app.score.expected import JUDGED
from collectors.backfill import store_history
from models.errors import StorageError
from models.park import Park
from models.periods import day_start, days
from models.roles import Role
from simulators.message import Message
from simulators.source import ParkSimulator
from storage.alerts import AlertFilter, list_alerts
from storage.balances import balance_days, role_days
from storage.db import Conn
from storage.findings import list_findings
from storage.migrate import migrate
from storage.parks import applied_parks, apply_park, enterprise_ids, reading_counts

_BATCH = 96
_MOST_FINDINGS = 100_000
_SETTLING = timedelta(hours=6)  # what happens in the last hours may be told after them


@dataclass
class Observed:
    """What the chain says at the end.

    Attributes:
        energy: index (enterprise, local day), columns of the daily balance; incomplete days have
            fewer `buckets` than `expected_buckets`.
        amounts: water [m3] and product [t] by (enterprise, local day); incomplete days are absent.
        findings, alerts: as their commands list them.
        counters: readings by outcome of the writer.
        sent: what the simulator sent.
        kept: readings in the database by enterprise, conflicting values included.
    """

    energy: pd.DataFrame
    amounts: pd.DataFrame
    findings: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    counters: Counter[str] = field(default_factory=Counter)
    sent: Sent = field(default_factory=lambda: Sent())
    kept: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Sent:
    """Readings that went out, counted at the simulator.

    Attributes:
        readings: by enterprise; `twice` those of messages that had been sent before.
        owner: enterprise by topic.
    """

    readings: Counter[str] = field(default_factory=Counter)
    twice: Counter[str] = field(default_factory=Counter)
    owner: dict[str, str] = field(default_factory=dict)
    _before: set[bytes] = field(default_factory=set)

    def count(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The same messages, counted."""
        for message in messages:
            owner = message.source[0]
            key = blake2b(b"%b\0%b" % (message.topic.encode(), message.payload), digest_size=16)
            self.readings[owner] += message.readings
            if key.digest() in self._before:
                self.twice[owner] += message.readings
            self._before.add(key.digest())
            self.owner[message.topic] = owner
            yield message


def run_chain(
    simulator: ParkSimulator,
    park: Park,
    connect: Callable[[], Conn],
    start: date,
    stop: date,
    told: Callable[[date], None] = lambda day: None,
) -> Observed:
    """Store the messages of each day as they arrive, then run every job at its end.

    Args:
        connect: opens connections to an empty database.
        start, stop: local days, half-open.
        told: called after each day.

    Raises:
        StorageError: a job failed.
    """
    logging.getLogger("alerts").setLevel(logging.ERROR)
    with connect() as conn:
        migrate(conn)
        with conn.transaction():
            # nothing is due before the scenario begins
            apply_park(
                conn, park.model_copy(update={"data_from": start}), day_start(start, park.zone)
            )
    counters: Counter[str] = Counter()
    sent = Sent()
    for day in days(start, stop):
        low, high = (day_start(d, park.zone) for d in (day, day + timedelta(days=1)))
        counters += _pass(sent.count(simulator.messages(low, high, batch=_BATCH)), connect, high)
        told(day)
    late = simulator.messages(high, high + _SETTLING, batch=_BATCH)
    counters += _pass(sent.count(late), connect, high + _SETTLING)
    with connect() as conn:
        return _look(conn, park, start, stop, counters, sent)


def _pass(messages: Iterable[Message], connect: Callable[[], Conn], now: datetime) -> Counter[str]:
    """Store messages, then run every job."""
    counters = store_history(arriving(messages), connect, FixedClock(now))
    _calculate(connect, now)
    return counters


def _calculate(connect: Callable[[], Conn], now: datetime) -> None:
    for name, result in calculate(connect, now).items():
        if "error" in result:
            raise StorageError(f"job {name} at {now.isoformat()}", result["error"])


def _look(
    conn: Conn, park: Park, start: date, stop: date, counters: Counter[str], sent: Sent
) -> Observed:
    applied = next(a for a in applied_parks(conn) if a.park.key == park.key)
    energy, amounts = {}, {}
    for key, number in enterprise_ids(conn, applied.park_id).items():
        energy[key] = balance_days(conn, number, start, stop)
        amounts[key] = pd.DataFrame(
            {
                name: role_days(conn, number, role, start, stop)["value"]
                for name, role in (
                    ("water_m3", Role.WATER_INTAKE),
                    ("product_t", Role.PRODUCTION),
                )
            },
            dtype=float,
        )
    alerts = [
        {
            "enterprise": a.enterprise_key,
            "rule": a.rule,
            "opened_at": a.opened_at,
            "state": a.state,
        }
        for a in list_alerts(conn, AlertFilter(park=park.key, include_resolved=True))
        if a.rule in JUDGED
    ]
    names = ["enterprise", "day"]
    return Observed(
        pd.concat(energy, names=names).astype(dict.fromkeys(BALANCE_COLUMNS, float)),
        pd.concat(amounts, names=names),
        list_findings(conn, _MOST_FINDINGS),
        alerts,
        counters,
        sent,
        reading_counts(conn, applied.park_id),
    )
