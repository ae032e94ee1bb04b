"""The outbox in which messages wait for delivery: claimed by one worker at a time, then marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors

MailKind = Literal["opened", "resolved"]


@dataclass(frozen=True)
class NewMail:
    """A message to one recipient, to be delivered after the commit.

    Attributes:
        context: JSON-able facts from which the message is written; nothing else is looked up
            at delivery, so a message says what was true when it was enqueued.
    """

    alert_id: int
    kind: MailKind
    recipient: str
    recipient_name: str
    language: str
    message_id: str
    context: Mapping[str, Any]


@dataclass(frozen=True)
class ClaimedMail(NewMail):
    """A message leased to one worker; `attempts` counts the claims and tells them apart."""

    outbox_id: int
    created_at: datetime
    attempts: int


def enqueue(conn: Conn, mails: Sequence[NewMail]) -> None:
    """Put messages into the outbox, due at once; one already there is left alone.

    Raises:
        StorageError: the database did not do it.
    """
    rows = [asdict(mail) | {"context": Jsonb(dict(mail.context))} for mail in mails]
    with translate_db_errors("enqueue messages"), conn.cursor() as cur:
        cur.executemany(named_sql("outbox")["enqueue"], rows)


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
