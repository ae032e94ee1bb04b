"""What must hold for every batch that comes out of the door, whatever went in."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from typing import Any, NamedTuple

from collectors.door import Batch, Door
from collectors.formats.base import Incoming, to_us
from models.quantities import read_quantity
from models.topics import valid_filter
from storage.readings import Quarantined, storable_text
from tests.fuzz.corpus import NOW, TOLERANCE, channel_refs, park

OLDEST_US = 946_684_800_000_000
NEWEST_US = to_us(NOW + TOLERANCE)
MOST_LISTED = 50
MOST_GOT = 200


class Violation(AssertionError):
    """Something came out that must not."""


class Limit(NamedTuple):
    """Believable raw values of a channel, and whose it is."""

    enterprise: str
    low: float
    high: float


@cache
def limits() -> dict[int, Limit]:
    """Limits by channel, worked out apart from the directory."""
    made = {}
    for ref in channel_refs():
        low, high = read_quantity(ref.quantity, ref.kind).plausible
        high /= ref.factor
        made[ref.channel_id] = Limit(
            ref.enterprise_key, low / ref.factor, min(high, ref.modulus or high)
        )
    return made


@cache
def _roots() -> dict[str, str]:
    return {s.topic.split("/")[0]: e.key for e in park().enterprises for s in e.sources}


def owner(topic: str) -> str | None:
    """Enterprise that a topic belongs to."""
    levels = topic.split("/")
    if levels[0] == "park":
        return levels[2] if len(levels) in (3, 4) and levels[1] == park().key else None
    return _roots().get(levels[0])


def require(holds: bool, said: str, got: object = "") -> None:
    """Raise a violation when something does not hold."""
    if not holds:
        raise Violation(f"{said}: {str(got)[:300]}")


def check(messages: list[Incoming], batch: Batch) -> Counter[str]:
    """Accepted values and refusals by code of a batch of the fuzzer's park.

    Raises:
        Violation: an invariant does not hold.
    """
    require(batch.messages == messages, "messages are not those that were given")
    require(len(batch.ends) == len(batch.refused) == len(messages), "lists of unequal length")
    require(batch.ends == sorted(batch.ends), "ends go back", batch.ends)
    require((batch.ends or [0])[-1] == len(batch.readings), "ends are not the readings")
    require(batch.size == len(batch.readings) + sum(batch.refused), "size is not the sum")
    counts: Counter[str] = Counter()
    begin = 0
    for number, (message, end) in enumerate(zip(messages, batch.ends, strict=True)):
        enterprise = owner(message.topic)
        for reading in batch.readings[begin:end]:
            _reading(reading, enterprise)
        counts["accepted"] += end - begin
        begin = end
        refused, row = batch.refused[number], batch.quarantined.get(number)
        require(
            (row is None) == (refused == 0), "refusals without a row, or the other way", refused
        )
        if row is not None:
            _quarantined(message, row, refused)
            counts.update(d["code"] for d in row.detail if d["code"] != "more")
    require(len(batch.replies) <= len(messages), "more replies than messages", batch.replies)
    for reply in batch.replies:
        fine = valid_filter(reply.topic) and not set(reply.topic) & set("+#")
        require(fine and len(reply.payload) < 200, "a reply that no broker takes", reply)
    return counts


def _reading(reading: tuple[int, int, float, int, bool], enterprise: str | None) -> None:
    channel_id, ts_us, value, received_us, correction = reading
    limit = limits().get(channel_id)
    require(limit is not None, "unknown channel", reading)
    assert limit is not None
    require(limit.enterprise == enterprise, f"channel of {limit.enterprise}, topic of", enterprise)
    require(type(value) is float or type(value) is int, "no number", reading)
    require(math.isfinite(value), "not finite", reading)
    require(limit.low <= value <= limit.high, f"outside {limit}", reading)
    require(type(ts_us) is int and OLDEST_US <= ts_us <= NEWEST_US, "time", reading)
    require(received_us == to_us(NOW) and type(correction) is bool, "arrival", reading)


def _quarantined(message: Incoming, row: Quarantined, refused: int) -> None:
    same = (row.topic, row.payload, row.received_at) == (
        message.topic,
        message.payload,
        message.received_at,
    )
    require(same, "the row is not of this message")
    detail = row.detail
    listed = min(refused, MOST_LISTED) + (refused > MOST_LISTED)
    require(len(detail) == listed, f"{refused} refusals listed as", len(detail))
    require(row.reason == detail[0]["code"], "reason is not the first code", row.reason)
    codes = {d["code"] for d in detail}
    require("internal" not in codes, "internal: a defect", detail)
    require(all(c.isidentifier() for c in codes), "codes", codes)
    require(all(len(str(d["got"])) <= MOST_GOT for d in detail), "got is too long", detail)
    said = "".join(str(text) for d in detail for text in d.values())
    stored = storable_text(said)
    stored.encode()
    require("\0" not in stored and "\0" not in storable_text(row.topic), "NUL", detail)
    most = 4 * (len(message.payload) + len(message.topic)) + 40_000
    require(len(said) <= most, f"detail amplifies {len(message.payload)} bytes to", len(said))


def check_state(door: Door) -> None:
    """The Sparkplug state can be saved as JSON of PostgreSQL."""
    state: Any = door.sparkplug.dirty()
    for key, saved in state.items():
        text = repr(key) + repr(saved)
        text.encode()
        require("\\x00" not in text, "NUL in the state of a node", text)
