"""Delivery of what waits in the outbox: at least once, with the same Message-ID every time."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from models.errors import NotifyError
from storage.db import Conn, translate_db_errors
from storage.outbox import ClaimedMail, claim_due, mark_failed, mark_retry, mark_sent

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # longer than any SMTP conversation with its timeouts
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
JITTER_RATIO = 0.2
GIVE_UP_RUN_AFTER = 3  # transient failures of e-mails in a row: the server is down, not one mailbox


class Transport(Protocol):
    """A channel: takes one message or raises NotifyError."""

    def deliver(self, mail: ClaimedMail) -> None:
        """Hand the message over; returning means that it was taken."""
        ...


@dataclass(frozen=True)
class DeliveryResult:
    """How many messages were delivered, put back for later, and given up for good."""

    sent: int = 0
    retried: int = 0
    failed: int = 0


def pause(attempts: int, jitter: float) -> timedelta:
    """Time until the next attempt: 30 s, doubling up to 1 h, shortened by up to 20 %.

    `jitter` in [0, 1) keeps messages that failed together from coming back together.
    """
    doubled = FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 16))
    return min(doubled, LONGEST_PAUSE) * (1 - JITTER_RATIO * jitter)


def deliver_due(
    connect: Callable[[], Conn],
    transport: Transport,
    wall_now: Callable[[], datetime],
    limit: int = 500,
    jitter: Callable[[], float] = random.random,
) -> DeliveryResult:
    """Deliver up to `limit` due messages; claim, hand over and mark are separate steps.

    No transaction is open while the mail server talks. A worker that dies in between leaves a
    lease that runs out; the message then goes out again with the same Message-ID. After three
    transient failures of the mail server in a row the run ends: the rest stays due.

    Raises:
        StorageError: the database is away; what was not marked is delivered again later.
    """
    counts = {"sent": 0, "retried": 0, "failed": 0}
    failures_in_a_row = 0
    with closing(connect()) as conn:
        for _ in range(limit):
            mail = _claim(conn, wall_now())
            if mail is None:
                break
            outcome = _deliver_one(conn, transport, mail, wall_now, jitter)
            counts[outcome] += 1
            if mail.channel == "email":  # of other channels none keeps the rest waiting
                failures_in_a_row = failures_in_a_row + 1 if outcome == "retried" else 0
            if failures_in_a_row >= GIVE_UP_RUN_AFTER:
                break
    return DeliveryResult(**counts)


def _claim(conn: Conn, now: datetime) -> ClaimedMail | None:
    with translate_db_errors("claim a message"), conn.transaction():
        return claim_due(conn, now, now + LEASE)


def _deliver_one(
    conn: Conn,
    transport: Transport,
    mail: ClaimedMail,
    wall_now: Callable[[], datetime],
    jitter: Callable[[], float],
) -> str:
    """Hand over and mark; returns what became of the message."""
    try:
        transport.deliver(mail)
    except NotifyError as exc:
        log.warning(
            "message %s not delivered (attempt %s): %s",
            mail.outbox_id,
            mail.attempts,
            exc,
            extra={"event": "outbox.not_delivered", "outbox_id": mail.outbox_id},
        )
        now = wall_now()
        with translate_db_errors("mark a message"), conn.transaction():
            if exc.permanent:
                mark_failed(conn, mail, now, str(exc))
            else:
                wait = max(pause(mail.attempts, jitter()), timedelta(seconds=exc.retry_after_s))
                mark_retry(conn, mail, now + wait, str(exc))
        return "failed" if exc.permanent else "retried"
    with translate_db_errors("mark a message"), conn.transaction():
        mark_sent(conn, mail, wall_now())
    return "sent"
