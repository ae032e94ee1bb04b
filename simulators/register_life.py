"""The life of one register: which device counts with which factor, from when on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models.meters import Channel, Meter
from simulators.meter_models import MeterModel


@dataclass(frozen=True)
class Segment:
    """From `at_s` on; the first one begins with the park's first year.

    Attributes:
        device: number of the device: 0, 1, ...
        start: raw reading at its beginning; None: the same register goes on.
        factor: raw reading to canonical unit.
        wrong: counts this many times what flows (a multiplier mistake).
    """

    at_s: float
    device: int
    start: float | None
    factor: float
    modulus: float | None
    wrong: float = 1.0


@dataclass(frozen=True)
class _Change:
    at_s: float
    replaced: bool = False
    start: float | None = None
    factor: float | None = None
    modulus: float | None = None
    wrong: float | None = None


def segments(
    meter: Meter, key: str, model: MeterModel, first_s: float, start: float
) -> tuple[Segment, ...]:
    """Segments of a channel, in order of time.

    Args:
        first_s: where counting begins; earlier changes only say what holds then.
        start: raw reading at `first_s`.
    """
    channel = meter.channels[key]
    now = Segment(first_s, 0, start, channel.factor, channel.modulus)
    made = [now]
    for change in sorted(_changes(meter, key, channel, model), key=lambda c: c.at_s):
        early = change.at_s <= first_s
        goes_on = now.start if early else None
        now = replace(
            now,
            at_s=max(change.at_s, first_s),
            device=now.device + change.replaced,
            start=change.start if change.replaced and not early else goes_on,
            factor=change.factor or now.factor,
            modulus=change.modulus or now.modulus,
            wrong=change.wrong or now.wrong,
        )
        same = made[-1].at_s == now.at_s
        if same and now.start is None:
            now = replace(now, start=made[-1].start)
        made[-1:] = [now] if same else [made[-1], now]
    return tuple(made)


def _changes(meter: Meter, key: str, channel: Channel, model: MeterModel) -> Sequence[_Change]:
    found = []
    for record in meter.installations:
        facts = record.channels.get(key)
        multiplier = facts.multiplier if facts else None
        found.append(
            _Change(
                record.at.timestamp(),
                record.replaced,
                (facts.start_reading if facts else None) or 0.0,
                None if multiplier is None else multiplier * channel.factor / channel.multiplier,
                facts.modulus if facts else None,
            )
        )
    known = {c.at_s for c in found if c.replaced}
    for other in model.replaced:
        at_s = other.at.timestamp()
        if at_s not in known:  # the park's own record counts
            found.append(_Change(at_s, replaced=True, start=other.start.get(key, 0.0)))
    mistake = model.multiplier_mistake
    if mistake is not None:
        found.append(_Change(_epoch(mistake.start), wrong=mistake.factor))
        if mistake.stop is not None:
            found.append(_Change(_epoch(mistake.stop), wrong=1.0))
    return found


def _epoch(at: datetime) -> float:
    return at.timestamp()
