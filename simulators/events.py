"""The events of a scenario: their union, and what does not fit between them and a park."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import combinations
from typing import Annotated

from pydantic import Field

from models.meters import Meter
from models.park import Enterprise, Park
from models.roles import Role
from simulators.event_kinds import (
    Curtailment,
    Disconnect,
    DropOut,
    Duplicates,
    Late,
    Leak,
    Outage,
    Reorder,
    Retrofit,
    WindDrought,
)
from simulators.meter_faults import ClockJump, GlitchZero, Reset, Spike, Stuck, WrongUnit

Physical = Leak | Retrofit | Curtailment | Outage | WindDrought
MeterFault = GlitchZero | Spike | Stuck | Reset | WrongUnit | ClockJump
Transport = DropOut | Late | Duplicates | Reorder | Disconnect
Event = Annotated[Physical | MeterFault | Transport, Field(discriminator="kind")]

_GENERATION = (Role.ONSITE_PV, Role.ONSITE_WIND, Role.DIRECT_SUPPLY)
_ONCE = ("curtailment", "outage", "stuck", "wrong_unit", "clock_jump", "late")
_CONTRARY = {frozenset({"drop_out", "late"})}  # what is never sent cannot come late


def transport(events: Iterable[Event]) -> tuple[Transport, ...]:
    """Those that change which messages arrive, and when."""
    return tuple(e for e in events if isinstance(e, Transport))


def event_faults(events: Sequence[Event], park: Park) -> Iterator[str]:
    """What is wrong with the events of a scenario for this park; each with its place."""
    enterprises = {e.key: e for e in park.enterprises}
    meters = {m.key: m for e in park.enterprises for m in e.meters}
    for number, event in enumerate(events):
        place = f"{_name(number, event)}:"
        if event.stop is not None and event.stop <= event.start:
            yield (
                f"{place} to is {event.stop.isoformat()}, expected a time after from "
                f"{event.start.isoformat()}; swap or move them"
            )
        if event.enterprise is not None and event.enterprise not in enterprises:
            yield f"{place} enterprise is {event.enterprise!r}, {_one_of(enterprises)}"
        if event.meter is not None and event.meter not in meters:
            yield f"{place} meter is {event.meter!r}, {_one_of(meters)}"
        elif event.meter is not None:
            yield from (f"{place} {f}" for f in _meter_faults(event, meters[event.meter]))
        if isinstance(event, Leak) and not _has_intake(enterprises.get(event.enterprise)):
            yield (
                f"{place} enterprise {event.enterprise!r} has no channel of role water_intake, "
                "expected one that sees the leak; add a water meter or name another enterprise"
            )
        yield from (f"{place} {f}" for f in _transport_faults(event))
    yield from _contradictions(events, park)


def _meter_faults(event: Event, meter: Meter) -> Iterator[str]:
    channel = getattr(event, "channel", None)
    if channel is not None and channel not in meter.channels:
        yield f"channel is {channel!r}, {_one_of(meter.channels)}"
        return
    chosen = [c for k, c in meter.channels.items() if channel in (None, k)]
    if isinstance(event, Reset) and all(c.kind != "register" for c in chosen):
        yield (
            f"channel kind is {chosen[0].kind}, expected register: only registers can be reset; "
            "name a register channel"
        )
    if isinstance(event, Reset):
        top = min((c.modulus for c in chosen if c.modulus is not None), default=None)
        if top is not None and event.to_value >= top:
            yield f"to_value is {event.to_value:g}, expected below the modulus {top:g}; lower it"
    if isinstance(event, Curtailment) and all(c.role not in _GENERATION for c in chosen):
        yield (
            f"meter {meter.key!r} measures no generator, expected a channel of role "
            f"{', '.join(_GENERATION)}; name the meter of a generator"
        )


def _transport_faults(event: Event) -> Iterator[str]:
    if event.enterprise is not None and event.meter is not None:
        yield "got both enterprise and meter, expected one of them; remove one"
    if isinstance(event, DropOut | Late) and event.enterprise is None and event.meter is None:
        yield "got no subject, expected enterprise or meter; a whole park is kind: disconnect"
    if isinstance(event, Late):
        if event.arrives_at is not None and event.delay_h:
            yield "got arrives_at and delay_h, expected one of them; remove one"
        elif event.burst_at < event.stop:
            yield (
                f"arrives_at is {event.burst_at.isoformat()}, expected to {event.stop.isoformat()} "
                "or later; move it"
            )


def _contradictions(events: Sequence[Event], park: Park) -> Iterator[str]:
    for (i, one), (k, other) in combinations(enumerate(events), 2):
        kinds = frozenset({one.kind, other.kind})
        alike = one.kind == other.kind and one.kind in _ONCE
        if not alike and kinds not in _CONTRARY:
            continue
        if _overlap(one, other) and _same_subject(one, other, park):
            yield (
                f"{_name(k, other)}: overlaps {_name(i, one)}, expected one of them at a time; "
                "move one or remove it"
            )


def _overlap(one: Event, other: Event) -> bool:
    def before(at: datetime | None, limit: datetime) -> bool:
        return at is not None and at <= limit

    return not before(one.stop, other.start) and not before(other.stop, one.start)


def _same_subject(one: Event, other: Event, park: Park) -> bool:
    channels = [getattr(e, "channel", None) for e in (one, other)]
    apart = None not in channels and channels[0] != channels[1]
    return not apart and bool(set(one.meters(park)) & set(other.meters(park)))


def _has_intake(enterprise: Enterprise | None) -> bool:
    if enterprise is None:
        return True  # that is told already
    channels = (c for m in enterprise.meters for c in m.channels.values())
    return any(c.role == Role.WATER_INTAKE for c in channels)


def _name(number: int, event: Event) -> str:
    return f"events.{number} ({event.kind} of {event.subject})"


def _one_of(known: Iterable[str]) -> str:
    return f"expected one of: {', '.join(known)}; correct the name"
