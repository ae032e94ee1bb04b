"""Simulated history into the database, resumable: a small file remembers how far it has come."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from app.clock import FixedClock
from collectors.backfill import store_history
from collectors.formats.base import Incoming
from collectors.health import Health
from models.errors import ConfigError
from models.park import Park
from simulators import live
from simulators.message import Message
from simulators.scenario import Scenario
from storage.db import Conn

_SHORTEST_PIECE = timedelta(days=1)


class Source(live.Source, Protocol):
    """A park or a fleet; two adjacent ranges of messages make the whole."""

    park: Park
    scenario: Scenario
    seed: int

    def count(self, start: datetime, stop: datetime) -> int:
        """Number of readings that are planned in `[start, stop)`."""
        ...


@dataclass(frozen=True)
class State:
    """What is stored, and how far.

    Attributes:
        digest: of park and scenario.
        next: everything that is due before it has been committed.
    """

    park: str
    digest: str
    seed: int
    start: str
    stop: str
    next: str


class StateFile:
    """Remembers the progress of one order; refuses to go on with another.

    It knows nothing of the database: remove it when the database is emptied.

    Raises:
        ConfigError: the file is of another order, or is no such file.
    """

    def __init__(self, path: Path, source: Source, start: datetime, stop: datetime) -> None:
        self._path = path
        first, last = (at.astimezone(UTC).isoformat() for at in (start, stop))
        self._state = State(source.park.key, digest(source), source.seed, first, last, first)
        if path.exists():
            self._state = self._same(self._read())
        self.next = datetime.fromisoformat(self._state.next)

    def committed(self, until: datetime) -> None:
        """Write that everything before an instant is stored; whole or not at all."""
        if until <= self.next:
            return
        self.next = until
        written = {**asdict(self._state), "next": until.astimezone(UTC).isoformat()}
        draft = self._path.with_name(f".{self._path.name}.new")
        with draft.open("w", encoding="utf-8") as out:
            json.dump(written, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._path)

    def _read(self) -> State:
        try:
            state = State(**json.loads(self._path.read_text(encoding="utf-8")))
            first, last, following = map(
                datetime.fromisoformat, (state.start, state.stop, state.next)
            )
            inside = first <= following <= last
        except (OSError, ValueError, TypeError) as exc:
            raise ConfigError(str(self._path), [f"is no state of simulate: {exc}"]) from exc
        if not inside:
            raise ConfigError(str(self._path), [f"next: {state.next} is outside of the range"])
        return state

    def _same(self, found: State) -> State:
        own, other = asdict(self._state), asdict(found)
        faults = [
            f"{_NAMES[k]}: the file has {other[k]}, asked for is {own[k]}; "
            "give what it was begun with, or another --state"
            for k in _NAMES
            if own[k] != other[k]
        ]
        if faults:
            raise ConfigError(str(self._path), faults)
        return found


_NAMES = {
    "park": "park",
    "digest": "digest of park and scenario",
    "seed": "seed",
    "start": "--from",
    "stop": "--to",
}


def digest(source: Source) -> str:
    """Changes whenever park or scenario change."""
    text = source.park.model_dump_json() + source.scenario.model_dump_json()
    return blake2b(text.encode(), digest_size=16).hexdigest()


def store_simulated(
    source: Source,
    connect: Callable[[], Conn],
    start: datetime,
    stop: datetime,
    *,
    batch: int = 1000,
    state: StateFile | None = None,
    health: Health | None = None,
    progress: Callable[[Counter[str]], None] = lambda counters: None,
) -> Counter[str]:
    """Readings of `[start, stop)` through codec, checks and writer, without a broker.

    With `state` it goes on where the last one ended; what was committed after the last note is
    sent again and recognised.

    Args:
        batch: time stamps of a meter per message.
        progress: called after each commit with the counters so far.
    """
    begin, sent_until = (state.next if state else start), start

    def messages() -> Iterator[Incoming]:
        nonlocal sent_until
        for low, high in pieces(source.park, begin, stop, batch):
            yield from arriving(source.messages(low, high, batch=batch))
            sent_until = high

    def committed(counters: Counter[str]) -> None:
        if state is not None:
            state.committed(sent_until)
        progress(counters)

    return store_history(messages(), connect, FixedClock(stop), health=health, progress=committed)


def arriving(messages: Iterable[Message]) -> Iterator[Incoming]:
    """Messages as a receiver gets them, at the moment they are due."""
    for message in messages:
        yield Incoming(message.topic, message.payload, message.due_at)


def pieces(
    park: Park, start: datetime, stop: datetime, batch: int
) -> Iterator[tuple[datetime, datetime]]:
    """Ranges that a state can stand between: of full messages, and a day at least."""
    periods = [c.period_s for e in park.enterprises for m in e.meters for c in m.channels.values()]
    span = max(_SHORTEST_PIECE, timedelta(seconds=min(periods) * batch))
    low, end = start.astimezone(UTC), stop.astimezone(UTC)
    while low < end:
        yield low, min(low + span, end)
        low += span
