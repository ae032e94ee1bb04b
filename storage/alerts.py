"""Alerts, their history and silences; what people are told of them is in `storage.outbox`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from models.verdicts import AlertKey
from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class Alert:
    """An alert that is not resolved (or just became so); all instants are of the park clock.

    Attributes:
        alert_id: 0 until it is stored.
        about: key of the meter, project... that it is about; empty: the subject as a whole.
        opened_at: the breach began; `fired_at`: it lasted long enough to tell people.
        clear_since: good since then, but not for long enough to be resolved.
        changes: when it went bad or good lately; many mean that it flaps.
        muted_by: why nobody is told at present.
        told_at, told_severity: when people were told of it, and how bad it was then.
    """

    alert_id: int
    rule: str
    enterprise_id: int | None
    about: str
    state: str
    severity: str
    evidence: Mapping[str, Any]
    opened_at: datetime
    evaluated_at: datetime
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    changes: Sequence[datetime] = ()
    is_flapping: bool = False
    muted_by: str | None = None
    told_at: datetime | None = None
    told_severity: str | None = None
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def key(self) -> AlertKey:
        """What there is at most one open alert of."""
        return self.rule, self.enterprise_id, self.about


@dataclass(frozen=True)
class AlertRow:
    """An alert as people list it; `last_error` is the newest trouble of its messages."""

    alert_id: int
    park_key: str
    enterprise_key: str | None
    rule: str
    about: str
    state: str
    severity: str
    evidence: Mapping[str, Any]
    opened_at: datetime
    evaluated_at: datetime
    resolved_at: datetime | None
    fired_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assignee: str | None
    is_flapping: bool
    muted_by: str | None
    told_at: datetime | None
    mails_sent: int
    mails_waiting: int
    mails_failed: int
    last_error: str | None


@dataclass(frozen=True)
class Event:
    """One line of an alert's history."""

    alert_id: int
    at: datetime
    old_state: str | None
    new_state: str
    note: str = ""
    actor: str = ""


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are listed; None is any. Pending ones are those that nobody is told of yet."""

    park: str | None = None
    enterprise: str | None = None
    rule: str | None = None
    severity: str | None = None
    alert_ids: Sequence[int] | None = None
    include_resolved: bool = False
    include_pending: bool = False


EVERY_OPEN = AlertFilter()


@dataclass(frozen=True)
class Silence:
    """Alerts of which nobody is told for a time; None matches everything (park clock)."""

    silence_id: int
    park_key: str
    rule: str | None
    enterprise_id: int | None
    enterprise_key: str | None
    about: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str

    def covers(self, key: AlertKey, at: datetime) -> bool:
        """True if an alert with this key is muted at `at`."""
        rule, enterprise_id, about = key
        return (
            self.starts_at <= at < self.ends_at
            and self.rule in (None, rule)
            and self.enterprise_id in (None, enterprise_id)
            and self.about in (None, about)
        )


_COLUMNS = tuple(Alert.__dataclass_fields__)


def _json(alert: Alert) -> dict[str, Any]:
    """The columns of an alert as JSON can hold them."""
    row: dict[str, Any] = {}
    for name in _COLUMNS:
        value = getattr(alert, name)
        row[name] = value.isoformat() if isinstance(value, datetime) else value
    return row | {
        "evidence": dict(alert.evidence),
        "changes": [at.isoformat() for at in alert.changes],
    }


def open_alerts(conn: Conn, park_id: int) -> dict[AlertKey, Alert]:
    """Alerts of a park that are not resolved, locked until the transaction ends.

    Raises:
        StorageError: the database did not answer.
    """
    with (
        translate_db_errors("read the open alerts"),
        conn.cursor(row_factory=class_row(Alert)) as cur,
    ):
        cur.execute(named_sql("alerts")["open_alerts"], {"park_id": park_id})
        return {alert.key: alert for alert in cur}


def recent_changes(conn: Conn, park_id: int, since: datetime) -> dict[AlertKey, list[datetime]]:
    """When alerts that were resolved since an instant had gone bad or good."""
    with translate_db_errors("read recent alerts"):
        rows = conn.execute(
            named_sql("alerts")["recent_changes"], {"park_id": park_id, "since": since}
        ).fetchall()
    return {(rule, number, about): changes for rule, number, about, changes in rows}


def insert_alerts(conn: Conn, park_id: int, alerts: Sequence[Alert]) -> dict[AlertKey, int]:
    """Store new alerts; returns the numbers of those that no other transaction opened first.

    Raises:
        StorageError: the database did not do it.
    """
    if not alerts:
        return {}
    with translate_db_errors(f"open {len(alerts)} alerts"):
        rows = conn.execute(
            named_sql("alerts")["insert_alerts"],
            {"park_id": park_id, "rows": Jsonb([_json(a) for a in alerts])},
        ).fetchall()
    return {(rule, number, about): alert_id for alert_id, rule, number, about in rows}


def update_alerts(conn: Conn, alerts: Sequence[Alert]) -> None:
    """Write alerts that `open_alerts` has locked.

    Raises:
        StorageError: the database did not do it.
    """
    if alerts:
        with translate_db_errors(f"update {len(alerts)} alerts"):
            conn.execute(
                named_sql("alerts")["update_alerts"], {"rows": Jsonb([_json(a) for a in alerts])}
            )


def touch_alerts(conn: Conn, alert_ids: Collection[int], now: datetime) -> None:
    """Note that these alerts were evaluated and stay as they are.

    Raises:
        StorageError: the database did not do it.
    """
    if alert_ids:
        with translate_db_errors("touch alerts"):
            conn.execute(
                named_sql("alerts")["touch_alerts"], {"alert_ids": list(alert_ids), "now": now}
            )


def drop_pending(conn: Conn, alert_ids: Collection[int]) -> None:
    """Remove alerts that never fired."""
    if alert_ids:
        with translate_db_errors("drop pending alerts"):
            conn.execute(named_sql("alerts")["drop_pending"], {"alert_ids": list(alert_ids)})


def add_events(conn: Conn, events: Iterable[Event]) -> None:
    """Append to the history of alerts.

    Raises:
        StorageError: the database did not do it.
    """
    rows = [{**vars(event), "at": event.at.isoformat()} for event in events]
    if rows:
        with translate_db_errors("note what happened to alerts"):
            conn.execute(named_sql("alerts")["add_events"], {"rows": Jsonb(rows)})


def list_alerts(conn: Conn, chosen: AlertFilter = EVERY_OPEN, limit: int = 1000) -> list[AlertRow]:
    """Alerts, newest first, with the fate of their messages.

    Raises:
        StorageError: the database did not answer.
    """
    params = {**vars(chosen), "limit": limit}
    params["alert_ids"] = None if chosen.alert_ids is None else list(chosen.alert_ids)
    with (
        translate_db_errors("list the alerts"),
        conn.cursor(row_factory=class_row(AlertRow)) as cur,
    ):
        return cur.execute(named_sql("alerts")["list_alerts"], params).fetchall()


def alert_events(conn: Conn, alert_id: int) -> list[dict[str, Any]]:
    """History of one alert, oldest first."""
    with translate_db_errors("read an alert"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("alerts")["alert_events"], {"alert_id": alert_id}).fetchall()


@dataclass(frozen=True)
class Acknowledged:
    """What an acknowledgement found: `is_changed` False: it was not firing (any more)."""

    alert_id: int
    rule: str
    old_state: str
    is_changed: bool
    acknowledged_at: datetime | None = field(default=None)
    acknowledged_by: str | None = field(default=None)


def open_by_severity(conn: Conn) -> dict[str, int]:
    """Number of alerts that people were told of and that are not resolved."""
    with translate_db_errors("count alerts"):
        return dict(conn.execute(named_sql("alerts")["open_by_severity"]).fetchall())


def acknowledge(
    conn: Conn, alert_ids: Sequence[int], by: str, now: datetime, note: str = ""
) -> list[Acknowledged]:
    """Firing alerts become acknowledged: no more reminders and escalation.

    Returns:
        Every alert that exists, as it was found.

    Raises:
        StorageError: the database did not do it.
    """
    params = {"alert_ids": list(alert_ids), "by": by, "now": now, "note": note}
    with (
        translate_db_errors("acknowledge alerts"),
        conn.cursor(row_factory=class_row(Acknowledged)) as cur,
    ):
        return cur.execute(named_sql("alerts")["acknowledge"], params).fetchall()


def comment(
    conn: Conn, alert_id: int, by: str, now: datetime, note: str, assignee: str | None = None
) -> bool:
    """Add a remark and, if named, who looks after it; False: there is no such alert."""
    params = {"alert_id": alert_id, "by": by, "now": now, "note": note, "assignee": assignee}
    with translate_db_errors(f"comment alert {alert_id}"):
        return conn.execute(named_sql("alerts")["comment"], params).fetchone() is not None


def add_silence(conn: Conn, park_id: int, silence: Mapping[str, Any]) -> int:
    """Store a silence (rule, enterprise_id, about, starts_at, ends_at, reason, by, now)."""
    with translate_db_errors("add a silence"):
        row = conn.execute(
            named_sql("alerts")["add_silence"], {**silence, "park_id": park_id}
        ).fetchone()
    return int(row[0]) if row else 0


def end_silence(conn: Conn, silence_id: int, by: str, now: datetime) -> bool:
    """End a silence now; False: there is none that lasts."""
    params = {"silence_id": silence_id, "by": by, "now": now}
    with translate_db_errors(f"end silence {silence_id}"):
        return conn.execute(named_sql("alerts")["end_silence"], params).fetchone() is not None


def list_silences(conn: Conn, now: datetime, park_id: int | None = None) -> list[Silence]:
    """Silences that last or are to come."""
    with translate_db_errors("list silences"), conn.cursor(row_factory=class_row(Silence)) as cur:
        return cur.execute(
            named_sql("alerts")["list_silences"], {"park_id": park_id, "now": now}
        ).fetchall()


def trends(
    conn: Conn,
    park_id: int,
    keys: Sequence[tuple[str, str, int | None, date]],
    points: int = 60,
) -> list[list[tuple[date, float | None]]]:
    """Newest values of indicators, oldest first, for each (indicator, kind, enterprise, stop).

    The days are the ends of the half-open periods.
    """
    out: list[list[tuple[date, float | None]]] = [[] for _ in keys]
    if not keys:
        return out
    rows = [
        {"indicator": indicator, "kind": kind, "enterprise_id": number, "stop": stop.isoformat()}
        for indicator, kind, number, stop in keys
    ]
    with translate_db_errors("read trends"):
        found = conn.execute(
            named_sql("alerts")["trends"],
            {"park_id": park_id, "keys": Jsonb(rows), "points": points},
        ).fetchall()
    for number, stop, value in found:
        out[number - 1].append((stop, value))
    return out


def rule_runs(conn: Conn, park_id: int) -> dict[str, dict[str, Any]]:
    """When each rule was last asked (park clock), and its answers in numbers of subjects."""
    with translate_db_errors("read the runs of rules"), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(named_sql("alerts")["rule_runs"], {"park_id": park_id}).fetchall()
    return {row["rule"]: row for row in rows}


def note_rule_runs(
    conn: Conn, park_id: int, counts: Mapping[str, Mapping[str, int]], now: datetime
) -> None:
    """Note the answers (breaches, clears, cannot_tell) of the rules that were asked."""
    rows = [{"rule": rule, **numbers} for rule, numbers in counts.items()]
    with translate_db_errors("note the runs of rules"):
        conn.execute(
            named_sql("alerts")["note_rule_runs"],
            {"park_id": park_id, "rows": Jsonb(rows), "now": now},
        )
