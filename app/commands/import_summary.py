"""What a dry run of an import understood: the first rows, then every channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from collectors.door import Batch
from models.channels import ChannelRef
from models.periods import from_us

_FIRST = 5


@dataclass
class _Seen:
    number: int = 0
    first_us: int = 2**63
    last_us: int = -(2**63)
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, ts_us: int, value: float) -> None:
        self.number += 1
        self.first_us, self.last_us = min(self.first_us, ts_us), max(self.last_us, ts_us)
        self.low, self.high = min(self.low, value), max(self.high, value)


@dataclass
class Summary:
    """Collects judged batches."""

    channels: Mapping[int, ChannelRef]
    first: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seen: dict[int, _Seen] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """One more batch."""
        for message in batch.messages[: _FIRST - len(self.first)]:
            self.first.append(f"{message.topic} {message.payload.decode()}"[:300])
        for row in list(batch.quarantined.values())[: _FIRST - len(self.refused)]:
            what = "; ".join(f"{d['code']}: {d['field']} is {d['got']}" for d in row.detail[:3])
            self.refused.append(f"{row.payload.decode()[:200]}: {what}"[:400])
        for channel_id, ts_us, value, _, _ in batch.readings:
            found = self.seen.get(channel_id)
            if found is None:
                found = self.seen[channel_id] = _Seen()
            found.add(ts_us, value)

    def show(self, console: Console) -> None:
        """Print it."""
        for title, lines in (("as understood", self.first), ("refused", self.refused)):
            if lines:
                console.print(f"first rows {title}:", highlight=False)
            for line in lines:
                console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        table = Table("channel", "unit", "readings", "first", "last", "lowest", "highest")
        for channel_id, seen in sorted(self.seen.items()):
            ref = self.channels[channel_id]
            times = (f"{from_us(t):%Y-%m-%d %H:%M}Z" for t in (seen.first_us, seen.last_us))
            table.add_row(
                ref.path,
                ref.unit,
                f"{seen.number:,}",
                *times,
                f"{seen.low:g}",
                f"{seen.high:g}",
            )
        console.print(table)
