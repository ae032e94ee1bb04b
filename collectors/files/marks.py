"""What a file itself calls estimated: from its messages to the readings that were made of them."""

from __future__ import annotations

import msgspec

from collectors.door import Batch
from collectors.formats.base import rfc3339_us
from storage.marks import Mark

ESTIMATED_MARK = '"mark":"estimated"'
"""Member of a native item; the door does not look at it, an import writes it beside the reading."""

_NEEDLE = ESTIMATED_MARK.encode()


class _Item(msgspec.Struct):
    ts: str
    mark: str = ""


_ITEMS = msgspec.json.Decoder(list[_Item])


def marks_of(batch: Batch) -> list[Mark]:
    """Readings of a batch whose item is marked; a batch without marks costs one look per message.

    Every message with a mark is a list of items of one meter, as the readers of files make them.
    """
    marks: list[Mark] = []
    low = 0
    for message, high in zip(batch.messages, batch.ends, strict=True):
        if high > low and _NEEDLE in message.payload:
            items = _ITEMS.decode(message.payload)
            marked = {rfc3339_us(item.ts) for item in items if item.mark}
            for channel_id, ts_us, value, _, _ in batch.readings[low:high]:
                if ts_us in marked:
                    marks.append(Mark(channel_id, ts_us, value))
        low = high
    return marks
