"""One case of the fuzzer, and judging messages at the door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from collectors.door import Door
from collectors.formats.base import Incoming
from collectors.formats.sparkplug_host import SparkplugHost
from tests.fuzz.corpus import make_door
from tests.fuzz.invariants import check, check_state


@dataclass
class Shot:
    """One case: what to do with it, and what it was made of.

    Attributes:
        pieces: for the report, name and bytes.
        run: gives what was accepted and refused, by code.
        messages: of the door, for the database.
    """

    codec: str
    pieces: list[tuple[str, bytes]]
    run: Callable[[], Counter[str]]
    messages: list[Incoming] = field(default_factory=list)


@cache
def door_of_park() -> Door:
    return make_door()


def judged(messages: list[Incoming]) -> Counter[str]:
    """Judge messages one by one, the Sparkplug nodes as after a start."""
    door, counts = door_of_park(), Counter[str]()
    door.sparkplug = SparkplugHost()
    for message in messages:
        counts += check([message], door.judge([message]))
    check_state(door)
    return counts
