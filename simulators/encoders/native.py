"""Native JSON: one message per meter and time, lists of a meter, lists of a whole gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from simulators.encoders.column import Block, due_at
from simulators.message import Message
from simulators.timegrid import Ints

_MOST_ITEMS = 500
_MOST_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class GatewayPart(Message):
    """Items of one meter of a gateway; `gathered` makes one list of those that are due together."""


class Native:
    """JSON of the public contract, made by string formatting: this is the fast path.

    Args:
        local: writer of times.
        gateway: the topic is that of a gateway, every item names its meter.
    """

    def __init__(self, topic: str, local: Callable[[Ints], list[str]], gateway: bool) -> None:
        self._topic, self._local, self._gateway = topic, local, gateway

    def encode(self, block: Block) -> Iterator[Message]:
        """Messages of a meter: an object each, or lists of up to `batch`."""
        items, counts, due_s = self._items(block)
        kind: type[Message] = GatewayPart if self._gateway else Message
        topic, listed = self._topic, self._gateway or block.batch > 1
        for first in range(0, len(items), block.batch):
            last = min(first + block.batch, len(items))
            text = f"[{','.join(items[first:last])}]" if listed else items[first]
            due = due_at(due_s[last - 1])
            yield kind(due, topic, text.encode(), sum(counts[first:last]))

    def _items(self, block: Block) -> tuple[list[str], list[int], list[float]]:
        local, due_s = self._local(block.shown_ms), block.due_s.tolist()
        named = f'"m":"{block.meter}",' if self._gateway else ""
        if all(c.whole for c in block.columns):
            members = ",".join(f'"{c.key}":%.{c.digits}f' for c in block.columns)
            item = f'{{{named}"ts":"%s","values":{{{members}}}}}'
            rows = zip(local, *(c.values.tolist() for c in block.columns), strict=True)
            return [item % row for row in rows], [len(block.columns)] * len(local), due_s
        parts: list[list[str]] = [[] for _ in local]
        for column in block.columns:
            start, digits = f'"{column.key}":', column.digits
            for held, v in zip(parts, column.values.tolist(), strict=True):
                if v == v:
                    held.append(f"{start}{v:.{digits}f}")
        kept = [n for n, held in enumerate(parts) if held]
        items = [f'{{{named}"ts":"{local[n]}","values":{{{",".join(parts[n])}}}}}' for n in kept]
        return items, [len(parts[n]) for n in kept], [due_s[n] for n in kept]


def gathered(messages: Iterable[Message]) -> Iterator[Message]:
    """One message of the parts of a gateway that follow each other and are due together."""
    held: list[Message] = []
    items = size = 0
    for message in messages:
        part = isinstance(message, GatewayPart)
        more = message.payload.count(b'"ts":') if part else 0
        if held and not (
            part
            and (message.topic, message.due_at) == (held[0].topic, held[0].due_at)
            and items + more <= _MOST_ITEMS
            and size + len(message.payload) <= _MOST_BYTES
        ):
            yield _joined(held)
            held, items, size = [], 0, 0
        if part:
            held.append(message)
            items, size = items + more, size + len(message.payload)
        else:
            yield message
    if held:
        yield _joined(held)


def _joined(parts: list[Message]) -> Message:
    inner = b",".join(p.payload[1:-1] for p in parts)
    count = sum(p.readings for p in parts)
    source = parts[0].source if len({p.source for p in parts}) == 1 else (parts[0].source[0], "")
    return Message(parts[0].due_at, parts[0].topic, b"[" + inner + b"]", count, source)
