"""What may happen to the flows of a park, and to messages on their way: one model per kind.

Physical events change what flows, transport faults what arrives and when. `from` is included,
`to` is not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from models.park import Park
from models.roles import Role
from simulators.event_base import BaseEvent, Ratio, Span


class Leak(BaseEvent):
    """Water that runs away all day and night; without `to` nobody repairs it."""

    kind: Literal["leak"]
    enterprise: str
    meter: None = None
    start: AwareDatetime = Field(alias="from")
    stop: AwareDatetime | None = Field(default=None, alias="to")
    m3_per_h: float = Field(gt=0)


class Retrofit(BaseEvent):
    """From a date on the enterprise needs `saves_ratio` less energy, or water; it stays so."""

    kind: Literal["retrofit"]
    enterprise: str
    meter: None = None
    start: AwareDatetime = Field(alias="from")
    stop: None = Field(default=None, alias="to")
    saves_ratio: float = Field(gt=0, lt=1)
    of: Literal["energy", "water"] = "energy"


class Curtailment(Span):
    """A generator (named by its meter) may give only `to_ratio` of what it could."""

    kind: Literal["curtailment"]
    enterprise: None = None
    meter: str
    to_ratio: Ratio


class Outage(Span):
    """Production lines stand still, e.g. a pot line: `remaining_ratio` goes on."""

    kind: Literal["outage"]
    enterprise: str
    meter: None = None
    remaining_ratio: Ratio


class WindDrought(Span):
    """The wind of the whole region blows with `speed_ratio` of its speed."""

    kind: Literal["wind_drought"]
    enterprise: None = None
    meter: None = None
    speed_ratio: Ratio

    def meters(self, park: Park) -> tuple[str, ...]:
        """Meters of lines that may bring wind power."""
        wind = (Role.ONSITE_WIND, Role.DIRECT_SUPPLY)
        found = (m for e in park.enterprises for m in e.meters)
        return tuple(m.key for m in found if any(c.role in wind for c in m.channels.values()))


class DropOut(Span):
    """Messages are never sent; the register counts on, so energy is not lost, its shape is."""

    kind: Literal["drop_out"]


class Late(Span):
    """Messages are stored and sent in one burst: at `arrives_at`, or `delay_h` after `to`."""

    kind: Literal["late"]
    arrives_at: AwareDatetime | None = None
    delay_h: float = Field(default=0, ge=0)

    @property
    def burst_at(self) -> datetime:
        """When the burst comes."""
        return self.arrives_at or self.stop + timedelta(hours=self.delay_h)


class Duplicates(Span):
    """A share of the messages comes again seconds later; without a subject in the whole park."""

    kind: Literal["duplicates"]
    ratio: Ratio


class Reorder(Span):
    """A share of the messages comes up to `by_s` later and so overtaken by others."""

    kind: Literal["reorder"]
    ratio: Ratio
    by_s: float = Field(gt=0, le=86_400)


class Disconnect(Span):
    """The broker is away from the park: all messages of the time arrive when it is back."""

    kind: Literal["disconnect"]
    enterprise: None = None
    meter: None = None
