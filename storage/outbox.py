"""What people are to be told (notices), and the outbox in which messages wait for delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors

Address = tuple[str, str]
"""Channel and recipient."""


@dataclass(frozen=True)
class NewNotice:
    """That somebody is to be told of a change of an alert; `at` is the park clock."""

    alert_id: int
    change: str
    at: datetime
    channel: str
    recipient: str
    recipient_name: str
    language: str
    reason: str
    way: str


@dataclass(frozen=True)
class AlertFacts:
    """An alert as messages show it (park clock)."""

    alert_id: int
    rule: str
    enterprise_id: int | None
    about: str
    state: str
    severity: str
    evidence: Mapping[str, Any]
    opened_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    is_flapping: bool


@dataclass(frozen=True)
class Waiting(AlertFacts):
    """A notice that is in no message yet, with its alert."""

    notice_id: int
    change: str
    at: datetime
    channel: str
    recipient: str
    recipient_name: str
    language: str
    reason: str
    way: str

    @property
    def address(self) -> Address:
        """Where it goes."""
        return self.channel, self.recipient


@dataclass(frozen=True)
class NewMessage:
    """A message to one recipient, to be delivered after the commit.

    Attributes:
        thread: message_id of the first message of the conversation, its own if it begins one.
        context: JSON-able facts from which the message is written; nothing else is looked up
            at delivery, so a message says what was true when it was packed.
    """

    channel: str
    kind: str
    recipient: str
    recipient_name: str
    language: str
    message_id: str
    thread: str
    context: Mapping[str, Any]
    notice_ids: Sequence[int]


@dataclass(frozen=True)
class ClaimedMail:
    """A message leased to one worker; `attempts` counts the claims and tells them apart."""

    outbox_id: int
    channel: str
    kind: str
    recipient: str
    recipient_name: str
    language: str
    message_id: str
    context: Mapping[str, Any]
    created_at: datetime
    attempts: int


def add_notices(conn: Conn, notices: Sequence[NewNotice]) -> None:
    """Note what people are to be told, in the transaction that changes the alerts.

    Raises:
        StorageError: the database did not do it.
    """
    rows = [{**vars(notice), "at": notice.at.isoformat()} for notice in notices]
    if rows:
        with translate_db_errors("note what is to be told"):
            conn.execute(named_sql("outbox")["add_notices"], {"rows": Jsonb(rows)})


def tell_again(conn: Conn, alert_ids: Sequence[int], change: str, now: datetime) -> None:
    """Everybody who was to be told of these alerts hears of this change, on the same way."""
    if alert_ids:
        with translate_db_errors("note what is to be told"):
            conn.execute(
                named_sql("outbox")["tell_again"],
                {"alert_ids": list(alert_ids), "change": change, "now": now},
            )


def waiting_notices(conn: Conn, park_id: int) -> list[Waiting]:
    """Notices that are in no message yet, locked until the transaction ends."""
    with translate_db_errors("read notices"), conn.cursor(row_factory=class_row(Waiting)) as cur:
        return cur.execute(named_sql("outbox")["waiting_notices"], {"park_id": park_id}).fetchall()


def first_messages(conn: Conn, alert_ids: Sequence[int]) -> dict[tuple[int, str, str], str]:
    """Thread of each alert for each recipient: (alert, channel, recipient) -> Message-ID."""
    with translate_db_errors("read threads"):
        rows = conn.execute(
            named_sql("outbox")["first_messages"], {"alert_ids": list(alert_ids)}
        ).fetchall()
    return {(alert_id, channel, to): thread for alert_id, channel, to, thread in rows}


def packed_since(conn: Conn, park_id: int, since: datetime) -> dict[Address, tuple[int, bool]]:
    """Messages since an instant of the park clock by recipient, and whether one was a summary."""
    with translate_db_errors("count messages"):
        rows = conn.execute(
            named_sql("outbox")["packed_since"], {"park_id": park_id, "since": since}
        ).fetchall()
    return {(channel, to): (number, summary) for channel, to, number, summary in rows}


def last_digests(conn: Conn, park_id: int, since: datetime) -> dict[Address, datetime]:
    """When the newest digest since an instant was packed, by recipient (park clock)."""
    with translate_db_errors("read digests"):
        rows = conn.execute(
            named_sql("outbox")["last_digests"], {"park_id": park_id, "since": since}
        ).fetchall()
    return {(channel, to): at for channel, to, at in rows}


def open_for(conn: Conn, park_id: int, address: Address) -> list[AlertFacts]:
    """Alerts that are open and of which a recipient was to be told."""
    params = {"park_id": park_id, "channel": address[0], "recipient": address[1]}
    with translate_db_errors("read alerts"), conn.cursor(row_factory=class_row(AlertFacts)) as cur:
        return cur.execute(named_sql("outbox")["open_for"], params).fetchall()


def enqueue(conn: Conn, park_id: int, messages: Sequence[NewMessage], now: datetime) -> None:
    """Put messages into the outbox, due at once; their notices wait no longer.

    Raises:
        StorageError: the database did not do it.
    """
    rows = [
        {
            **vars(message),
            "park_id": park_id,
            "now": now,
            "context": Jsonb(dict(message.context)),
            "notice_ids": list(message.notice_ids),
        }
        for message in messages
    ]
    with translate_db_errors("enqueue messages"), conn.cursor() as cur:
        cur.executemany(named_sql("outbox")["enqueue"], rows)


def drop_notices(conn: Conn, notice_ids: Sequence[int], reason: str) -> None:
    """Nobody is told of these any more, with the reason."""
    if notice_ids:
        with translate_db_errors("drop notices"):
            conn.execute(
                named_sql("outbox")["drop_notices"],
                {"notice_ids": list(notice_ids), "reason": reason},
            )


def claim_due(conn: Conn, wall_now: datetime, claimed_until: datetime) -> ClaimedMail | None:
    """Lease the next due message until `claimed_until`; None: nothing is due.

    Safe with several workers. A lease that ran out without a mark may be claimed again.

    Raises:
        StorageError: the database did not answer.
    """
    with (
        translate_db_errors("claim a message"),
        conn.cursor(row_factory=class_row(ClaimedMail)) as cur,
    ):
        params = {"wall_now": wall_now, "claimed_until": claimed_until}
        return cur.execute(named_sql("outbox")["claim_due"], params).fetchone()


def mark_sent(conn: Conn, mail: ClaimedMail, wall_now: datetime) -> None:
    """Record the delivery.

    Raises:
        StorageError: the database did not do it.
    """
    with translate_db_errors("mark a message as sent"):
        conn.execute(
            named_sql("outbox")["mark_sent"], {"outbox_id": mail.outbox_id, "wall_now": wall_now}
        )


def mark_failed(conn: Conn, mail: ClaimedMail, wall_now: datetime, error: str) -> None:
    """Record that this message will never be delivered.

    Raises:
        StorageError: the database did not do it.
    """
    with translate_db_errors("mark a message as failed"):
        conn.execute(
            named_sql("outbox")["mark_failed"],
            {
                "outbox_id": mail.outbox_id,
                "attempts": mail.attempts,
                "wall_now": wall_now,
                "error": error,
            },
        )


def mark_retry(conn: Conn, mail: ClaimedMail, next_try_at: datetime, error: str) -> None:
    """Give the message back, to be tried again at `next_try_at` (wall clock).

    Raises:
        StorageError: the database did not do it.
    """
    with translate_db_errors("put a message back"):
        conn.execute(
            named_sql("outbox")["mark_retry"],
            {
                "outbox_id": mail.outbox_id,
                "attempts": mail.attempts,
                "next_try_at": next_try_at,
                "error": error,
            },
        )


def mark_bounced(
    conn: Conn, message_id: str, wall_now: datetime, error: str, *, permanent: bool
) -> dict[str, Any] | None:
    """Record that a message came back; None: it is not one of ours.

    Returns:
        outbox_id and recipient.
    """
    params = {
        "message_id": message_id,
        "wall_now": wall_now,
        "error": error,
        "permanent": permanent,
    }
    with translate_db_errors("record a bounce"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("outbox")["mark_bounced"], params).fetchone()
