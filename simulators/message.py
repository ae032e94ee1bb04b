"""One MQTT message as a simulator or a replay makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
