"""What an encoder gets: the readings of one meter, and times as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from simulators.message import Message
from simulators.timegrid import Floats, Ints


@dataclass(frozen=True)
class Column:
    """One channel at every stamp of a meter; NaN: nothing is sent.

    Attributes:
        digits: decimals that the display has.
    """

    key: str
    values: Floats
    digits: int

    @property
    def whole(self) -> bool:
        """True when it has a value at every stamp."""
        return not np.isnan(self.values).any()

    def texts(self) -> list[str | None]:
        """JSON number of every stamp, None where nothing is sent."""
        digits = self.digits
        return [None if v != v else f"{v:.{digits}f}" for v in self.values.tolist()]


@dataclass(frozen=True)
class Block:
    """The readings of one meter: a row for every stamp.

    Attributes:
        shown_ms: what the meter's clock says, epoch milliseconds.
        due_s: when it sends, epoch seconds.
        batch: most stamps in one message.
    """

    meter: str
    shown_ms: Ints
    due_s: Floats
    columns: Sequence[Column]
    batch: int = 1

    def rows(self) -> Iterator[tuple[int, datetime, list[tuple[str, str]]]]:
        """Time [ms], due time and (channel, number) of every stamp that has any."""
        texts = [(c.key, c.texts()) for c in self.columns]
        for n, at_ms in enumerate(self.shown_ms.tolist()):
            held = [(key, text) for key, column in texts if (text := column[n]) is not None]
            if held:
                yield at_ms, due_at(self.due_s[n]), held


class Encoder(Protocol):
    """Writes the messages of one meter."""

    def encode(self, block: Block) -> Iterator[Message]:
        """Messages in order of time; those of several stamps are due with the last."""
        ...


def due_at(due_s: float) -> datetime:
    """Instant of epoch seconds, aware UTC."""
    return datetime.fromtimestamp(float(due_s), UTC)


def seconds(ms: int) -> str:
    """Milliseconds as seconds, with decimals only where there are any."""
    sign, size = "-" if ms < 0 else "", abs(ms)
    return f"{sign}{size // 1000}" + (f".{size % 1000:03d}" if size % 1000 else "")


def rfc3339(zone: ZoneInfo) -> Callable[[Ints], list[str]]:
    """A writer of local times with their offset; it keeps the last ones, most meters share them."""

    @lru_cache(maxsize=8)
    def kept(key: bytes) -> list[str]:
        at_ms = np.frombuffer(key, dtype=np.int64)
        local = pd.to_datetime(at_ms, unit="ms", utc=True).tz_convert(zone).tz_localize(None)
        local_ms = local.to_numpy().astype("datetime64[ms]")
        offsets = (local_ms.astype(np.int64) - at_ms) // 60_000
        names = {m: _offset(m) for m in np.unique(offsets).tolist()}
        seconds = np.datetime_as_string(local_ms, unit="s").tolist()
        parts = (at_ms % 1000).tolist()
        return [
            f"{t}.{ms:03d}{names[m]}" if ms else t + names[m]
            for t, ms, m in zip(seconds, parts, offsets.tolist(), strict=True)
        ]

    return lambda at_ms: kept(at_ms.tobytes())


def _offset(minutes: int) -> str:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{size // 60:02d}:{size % 60:02d}"
