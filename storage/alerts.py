"""Alerts and their events; the messages about them are in `storage.outbox`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from models.verdicts import Verdict
from storage.db import Conn, named_sql, translate_db_errors

AlertKey = tuple[str, int | None]


@dataclass(frozen=True)
class OpenAlert:
    """An alert that is not resolved; `opened_at` is the park clock."""

    alert_id: int
    rule: str
    enterprise_id: int | None
    state: str
    severity: str
    evidence: Mapping[str, Any]
    opened_at: datetime

    @property
    def key(self) -> AlertKey:
        """What there is at most one open alert of."""
        return self.rule, self.enterprise_id


@dataclass(frozen=True)
class AlertRow:
    """An alert as people list it; `last_error` is the newest trouble of its messages."""

    alert_id: int
    park_key: str
    enterprise_key: str | None
    rule: str
    state: str
    severity: str
    evidence: Mapping[str, Any]
    opened_at: datetime
    evaluated_at: datetime
    resolved_at: datetime | None
    mails_sent: int
    mails_waiting: int
    mails_failed: int
    last_error: str | None


def open_alerts(conn: Conn, park_id: int) -> dict[AlertKey, OpenAlert]:
    """Open alerts of a park, locked until the transaction ends.

    Raises:
        StorageError: the database did not answer.
    """
    with (
        translate_db_errors("read the open alerts"),
        conn.cursor(row_factory=class_row(OpenAlert)) as cur,
    ):
        cur.execute(named_sql("alerts")["open_alerts"], {"park_id": park_id})
        return {alert.key: alert for alert in cur}


def open_alert(conn: Conn, verdict: Verdict, now: datetime, note: str = "") -> OpenAlert | None:
    """Open an alert as firing, with its first event; `now` is the park clock.

    Returns:
        The alert, or None if another transaction has opened the same one.

    Raises:
        StorageError: the database did not do it.
    """
    row = {
        "rule": verdict.rule,
        "park_id": verdict.park_id,
        "state": "firing",
        "now": now,
        "enterprise_id": verdict.enterprise_id,
        "severity": verdict.severity,
        "evidence": Jsonb(dict(verdict.evidence)),
        "note": note,
    }
    with (
        translate_db_errors(f"open alert {verdict.rule}"),
        conn.cursor(row_factory=class_row(OpenAlert)) as cur,
    ):
        return cur.execute(named_sql("alerts")["open_alert"], row).fetchone()


def update_alert(conn: Conn, alert: OpenAlert, verdict: Verdict, now: datetime) -> None:
    """Keep the newest evidence; a change of severity becomes an event.

    Raises:
        StorageError: the database did not do it.
    """
    with translate_db_errors(f"update alert {alert.alert_id}"):
        conn.execute(
            named_sql("alerts")["update_alert"],
            {
                "alert_id": alert.alert_id,
                "severity": verdict.severity,
                "now": now,
                "evidence": Jsonb(dict(verdict.evidence)),
            },
        )
        if verdict.severity != alert.severity:
            note = f"severity {alert.severity} -> {verdict.severity}"
            _add_event(conn, alert, alert.state, now, note)


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


def resolve_alert(
    conn: Conn, alert: OpenAlert, evidence: Mapping[str, Any], now: datetime, note: str = ""
) -> None:
    """Close an alert that `open_alerts` has locked, with its last event.

    Raises:
        StorageError: the database did not do it.
    """
    with translate_db_errors(f"resolve alert {alert.alert_id}"):
        conn.execute(
            named_sql("alerts")["resolve_alert"],
            {"alert_id": alert.alert_id, "now": now, "evidence": Jsonb(dict(evidence))},
        )
        _add_event(conn, alert, "resolved", now, note)


def _add_event(conn: Conn, alert: OpenAlert, state: str, now: datetime, note: str) -> None:
    conn.execute(
        named_sql("alerts")["add_event"],
        {
            "alert_id": alert.alert_id,
            "now": now,
            "old_state": alert.state,
            "new_state": state,
            "note": note,
        },
    )


def list_alerts(
    conn: Conn, park_id: int | None = None, *, include_resolved: bool = False, limit: int = 1000
) -> list[AlertRow]:
    """Alerts of one park or of all, newest first, with the fate of their messages.

    Raises:
        StorageError: the database did not answer.
    """
    with (
        translate_db_errors("list the alerts"),
        conn.cursor(row_factory=class_row(AlertRow)) as cur,
    ):
        return cur.execute(
            named_sql("alerts")["list_alerts"],
            {"park_id": park_id, "include_resolved": include_resolved, "limit": limit},
        ).fetchall()
