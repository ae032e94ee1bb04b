"""The door: who may write what, and is it believable. Everything refused carries its reason."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from collectors.directory import Directory, Route, Slot
from collectors.formats import native, senml, template, thingsboard
from collectors.formats.base import Decoded, Incoming, Publication, RawTuple, from_us, to_us
from collectors.formats.sparkplug_host import Loss, SparkplugHost
from models.errors import ParkError, PayloadError
from models.findings import Finding, Severity
from storage.readings import Quarantined, ReadingTuple

log = logging.getLogger(__name__)

_UNKNOWN = ("unknown_park", "unknown_meter", "unknown_channel")
_STATELESS = {"thingsboard": thingsboard.decode, "senml": senml.decode}


def formats() -> list[str]:
    """Names that `format` of a source can have."""
    return ["sparkplug", *_STATELESS, *template.load_templates()]


@dataclass(slots=True)
class Batch:
    """What messages became, in order of arrival.

    Attributes:
        ends: for each message, the number of readings of it and all before it.
        refused: for each message, values that were refused.
        quarantined: message number -> its row.
        replies: what the protocols want to be sent back.
    """

    messages: list[Incoming] = field(default_factory=list)
    readings: list[ReadingTuple] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    quarantined: dict[int, Quarantined] = field(default_factory=dict)
    replies: list[Publication] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Values received: readings and refusals."""
        return len(self.readings) + sum(self.refused)

    def part(self, first: int, stop: int) -> Batch:
        """The messages `[first, stop)` with what they became."""
        low, high = (self.ends[n - 1] if n else 0 for n in (first, stop))
        return Batch(
            self.messages[first:stop],
            self.readings[low:high],
            [end - low for end in self.ends[first:stop]],
            self.refused[first:stop],
            {n - first: q for n, q in self.quarantined.items() if first <= n < stop},
        )


@dataclass
class Door:
    """Decodes and checks messages against the directory.

    Attributes:
        refresh: asked when a message names what the directory does not know; True when the
            directory was read anew.
        sparkplug: the state of Sparkplug nodes; messages must come in order of arrival.
        ignored: values that devices of a source send beyond the meter's channels, by topic filter.
    """

    directory: Directory
    max_payload_bytes: int
    future_tolerance: timedelta
    refresh: Callable[[], bool] = lambda: False
    sparkplug: SparkplugHost = field(default_factory=SparkplugHost)
    ignored: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._tolerance_us = self.future_tolerance // timedelta(microseconds=1)

    def judge(self, messages: Sequence[Incoming]) -> Batch:
        """Readings of the messages; what is refused goes to quarantine with every reason."""
        out = Batch()
        now_us, seen = 0, None
        for message in messages:
            if message.received_at is not seen:
                seen = message.received_at
                now_us = to_us(seen)
            problems: list[PayloadError] = []
            try:
                self._judge(message, now_us, out, problems)
            except PayloadError as exc:
                problems.append(exc)
            except ParkError:
                raise  # the database is away, or we are told to stop
            except Exception as exc:  # our own defects cost one message, not the collector
                log.exception("a message could not be judged, it goes to quarantine")
                del out.readings[out.ends[-1] if out.ends else 0 :]
                problems = [PayloadError("internal", "message", exc, "what the door can judge")]
            if problems:
                out.quarantined[len(out.ends)] = quarantined(message, problems)
            out.messages.append(message)
            out.ends.append(len(out.readings))
            out.refused.append(len(problems))
        return out

    def _judge(
        self, message: Incoming, now_us: int, out: Batch, problems: list[PayloadError]
    ) -> None:
        payload = message.payload
        if len(payload) > self.max_payload_bytes:
            raise PayloadError(
                "too_large",
                "payload",
                f"{len(payload)} bytes",
                f"at most {self.max_payload_bytes} bytes",
            )
        route = self.directory.route(message.topic)
        route.heard_us = now_us
        values: list[RawTuple] = []
        if route.source is None:
            native.decode(route.meter, payload, values, problems)
        else:
            decoded = self._decode_foreign(route.source.format, message, route)
            values = decoded.values
            problems += decoded.problems
            out.replies += decoded.replies
        self._check(route, values, problems, now_us, out.readings)

    def _decode_foreign(self, name: str, message: Incoming, route: Route) -> Decoded:
        if name == "sparkplug":
            return self.sparkplug.decode(message, route.options)
        if name in _STATELESS:
            return _STATELESS[name](message, route.options)
        known = template.load_templates().get(name)
        if known is None:
            raise PayloadError("format", "format", name, f"one of {', '.join(formats())}")
        return template.decode(known, message, route.options)

    def _check(
        self,
        route: Route,
        values: Sequence[RawTuple],
        problems: list[PayloadError],
        now_us: int,
        readings: list[ReadingTuple],
    ) -> None:
        slots = route.slots
        latest_us = now_us + self._tolerance_us
        for device, channel, ts_us, value, correction, unit in values:
            slot = slots.get((device, channel))
            try:
                if slot is None:
                    slot = self._slot(route, device, channel)
                    if slot is None:
                        self.ignored[route.source.topic if route.source else ""] += 1
                        continue
                channel_id, low, high = slot[:3]
                number = value if unit is None else converted(value, unit, slot)
                if ts_us > latest_us or not low <= number <= high:
                    raise _implausible(slot, ts_us, number, latest_us)
            except PayloadError as exc:
                problems.append(exc)
            else:
                readings.append((channel_id, ts_us, number, now_us, correction))

    def losses(self) -> list[Finding]:
        """What Sparkplug nodes sent and nobody received, since the last call."""
        lost, self.sparkplug.losses = self.sparkplug.losses, []
        nodes: dict[str, list[Loss]] = {}
        for loss in lost:
            nodes.setdefault(f"{loss.group}/{loss.edge}", []).append(loss)
        return [
            Finding(
                "sparkplug.loss",
                Severity.WARNING,
                gaps[0].at,
                gaps[-1].at,
                evidence={
                    "node": node,
                    "gaps": len(gaps),
                    "missing_messages": sum(gap.missing for gap in gaps),
                    "meaning": "messages of this edge node were lost on the way (QoS 0); "
                    "its birth certificates were asked for",
                },
            )
            for node, gaps in nodes.items()
        ]

    def _slot(self, route: Route, device: str, channel: str) -> Slot | None:
        try:
            return self.directory.slot(route, device, channel)
        except PayloadError as exc:
            if exc.code not in _UNKNOWN or not self.refresh():
                raise
        return self.directory.slot(route, device, channel)


def converted(value: float, unit: str, slot: Slot) -> float:
    """A value in the unit of its channel.

    Raises:
        PayloadError: the unit measures something else.
    """
    if unit == slot.unit:
        return value
    accepted = slot.quantity.accepted
    if unit not in accepted:
        raise PayloadError("unit", slot.path, unit, f"a unit of {slot.quantity.key}: {slot.unit}")
    return value * accepted[unit] / accepted[slot.unit]


def _implausible(slot: Slot, ts_us: int, value: float, latest_us: int) -> PayloadError:
    if ts_us > latest_us:
        return PayloadError(
            "future",
            slot.path,
            from_us(ts_us).isoformat(),
            f"a time up to {from_us(latest_us).isoformat()}",
        )
    return PayloadError(
        "out_of_range", slot.path, value, f"{slot.low:g} to {slot.high:g} {slot.unit}"
    )


def quarantined(message: Incoming, problems: Sequence[PayloadError]) -> Quarantined:
    """The quarantine row of a message; lists up to 50 problems."""
    detail = [
        {"code": p.code, "field": p.field, "got": p.got, "expected": p.expected}
        for p in problems[:50]
    ]
    if len(problems) > len(detail):
        detail.append(
            {
                "code": "more",
                "field": "",
                "got": str(len(problems) - len(detail)),
                "expected": "further problems are not listed",
            }
        )
    return Quarantined(
        message.topic, message.payload, problems[0].code, detail, message.received_at
    )
