"""One MQTT message as a simulator or a replay makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_MOST_STAMPS = 1000  # what the public contract takes in one message


@dataclass(frozen=True, slots=True)
class Message:
    """A message before it is published.

    Attributes:
        due_at: instant at which a real meter would publish it, aware UTC.
        topic: MQTT topic of the public contract.
        payload: exact bytes.
        readings: number of (channel, time) values inside.
        source: enterprise and meter; transport faults find their messages by it.
    """

    due_at: datetime
    topic: str
    payload: bytes
    readings: int
    source: tuple[str, str] = ("", "")


def check_batch(batch: int) -> None:
    """Refuse a number of time stamps per message that cannot be.

    Raises:
        ValueError: below 1 or above 1,000.
    """
    if not 1 <= batch <= _MOST_STAMPS:
        msg = f"batch: got {batch}, expected 1 to {_MOST_STAMPS}"
        raise ValueError(msg)
