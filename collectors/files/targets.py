"""What a mapping names, in the park: topics, units, and everything that does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from collectors.files.mapping import Nem12Mapping, TableMapping, Target
from models.channels import ChannelRef
from models.errors import ConfigError
from models.quantities import QUANTITIES, read_quantity


class Place(NamedTuple):
    """Where a value goes.

    Attributes:
        json_key: name of the channel as JSON.
        shift_us: from the stamp in the file to the time of the reading.
    """

    topic: str
    json_key: str
    shift_us: int


def find_place(ref: ChannelRef, stamp: str) -> Place:
    """Topic and shift of a channel.

    Amounts and means of a period are kept at its start; a register or a rate that was read at the
    end of the period was read then, and an event happened then.
    """
    shifted = stamp == "end" and ref.kind in ("interval", "gauge")
    shift_us = -ref.period_s * 1_000_000 if shifted else 0
    return Place(topic_of(ref), json.dumps(ref.key), shift_us)


def topic_of(ref: ChannelRef) -> str:
    """The native topic of the meter."""
    return f"park/{ref.park_key}/{ref.enterprise_key}/{ref.meter_key}"


def unit_scale(unit: str | None, ref: ChannelRef) -> Decimal | None:
    """Factor from a unit to that of the channel, None for one; exact for powers of ten.

    Raises:
        ConfigError: the unit measures something else.
    """
    if unit is None or unit == ref.unit:
        return None
    quantity = read_quantity(ref.quantity, ref.kind)
    return Decimal(str(quantity.factor(unit))) / Decimal(str(quantity.factor(ref.unit)))


def catalogue_unit(text: str, ref: ChannelRef) -> str | None:
    """A unit in the catalogue's spelling, found without regard to case; None: of another kind."""
    for unit in read_quantity(ref.quantity, ref.kind).accepted:
        if unit.casefold() == text.strip().casefold():
            return unit
    return None


def table_faults(mapping: TableMapping, channels: Sequence[ChannelRef]) -> list[str]:
    """Everything in a mapping that does not fit the applied park."""
    faults = list(_target_faults("columns", mapping.columns.items(), channels))
    used = {(t.meter, t.channel) for t in mapping.columns.values()}
    if mapping.long is not None:
        faults += _long_faults(mapping, channels)
        meters, names = (
            {n.value} if n.value else set(n.names.values())
            for n in (mapping.long.meter, mapping.long.channel)
        )
        used = {
            (c.meter_key, c.key)
            for c in channels
            if (not meters or c.meter_key in meters) and (not names or c.key in names)
        }
    amounts = [c.path for c in channels if (c.meter_key, c.key) in used and c.kind == "interval"]
    if mapping.time.stamp == "instant" and amounts:
        faults.append(
            f"time.stamp: {', '.join(amounts)} are amounts of a period; say whether the stamp "
            "marks its start or its end"
        )
    return faults


def _long_faults(mapping: TableMapping, channels: Sequence[ChannelRef]) -> Iterator[str]:
    long = mapping.long
    assert long is not None  # noqa: S101 - asked by the caller
    meters, keys = {c.meter_key for c in channels}, {c.key for c in channels}
    for name, named, known in (("meter", long.meter, meters), ("channel", long.channel, keys)):
        wanted = [named.value] if named.value else list(named.names.values())
        for key in wanted:
            if key not in known:
                expected = ", ".join(sorted(known))
                yield f"long.{name}: park {mapping.park} has no {name} {key!r}; it has: {expected}"
    if long.unit is not None:
        every = {u for q in QUANTITIES.values() for u in q.accepted}
        for unit in [long.unit.value] if long.unit.value else long.unit.names.values():
            if unit not in every:
                yield f"long.unit: {unit!r} is no unit of the quantity catalogue"


def nem12_faults(mapping: Nem12Mapping, channels: Sequence[ChannelRef]) -> list[str]:
    """Everything in a NEM12 mapping that does not fit the applied park."""
    faults = list(_target_faults("streams", mapping.streams.items(), channels))
    known = {(c.meter_key, c.key): c for c in channels}
    for name, target in mapping.streams.items():
        ref = known.get((target.meter, target.channel))
        if ref is not None and ref.kind in ("register", "rate", "batch"):
            faults.append(
                f"streams.{name}: {ref.path} is a {ref.kind}; NEM12 holds amounts per period, make "
                "it kind: interval"
            )
    return faults


def _target_faults(
    where: str, targets: Iterable[tuple[str, Target]], channels: Sequence[ChannelRef]
) -> Iterator[str]:
    known = {(c.meter_key, c.key): c for c in channels}
    owners = {c.meter_key: c.enterprise_key for c in channels}
    for name, target in targets:
        place = f"{where}.{name}"
        owner = owners.get(target.meter)
        if owner is None:
            yield f"{place}: no meter {target.meter!r}; the park has: {', '.join(sorted(owners))}"
            continue
        if target.enterprise not in (None, owner):
            yield f"{place}: meter {target.meter} belongs to {owner}, not to {target.enterprise}"
        ref = known.get((target.meter, target.channel))
        if ref is None:
            keys = ", ".join(sorted(k for m, k in known if m == target.meter))
            yield f"{place}: meter {target.meter} has no channel {target.channel!r}; it has: {keys}"
            continue
        try:
            unit_scale(target.unit, ref)
        except ConfigError as exc:
            yield f"{place}: {exc.faults[0]}"
