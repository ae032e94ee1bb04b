"""The door: who may write what, and is it believable. Everything refused carries its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from collectors.codec import Address, RawValue, decode, parse_topic
from models.channels import ChannelRef
from models.errors import PayloadError
from models.quantities import QUANTITIES
from storage.readings import Quarantined, Reading


class Directory:
    """Meters and channels of the applied parks, for look-ups by topic."""

    def __init__(self, channels: Iterable[ChannelRef]) -> None:
        self._channels: dict[tuple[str, str, str], ChannelRef] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._parks: set[str] = set()
        self.limits: dict[int, tuple[float, float]] = {}
        for ref in channels:
            self._channels[ref.park_key, ref.meter_key, ref.key] = ref
            self._owners[ref.park_key, ref.meter_key] = ref.enterprise_key
            self._parks.add(ref.park_key)
            self.limits[ref.channel_id] = _limits(ref)

    def check_owner(self, address: Address, meter: str) -> None:
        """Refuse a meter that is unknown or belongs to another enterprise than the topic names.

        Raises:
            PayloadError: with code unknown_park, unknown_meter or ownership.
        """
        if address.park not in self._parks:
            raise PayloadError("unknown_park", "topic", address.park, "a park that was applied")
        owner = self._owners.get((address.park, meter))
        if owner is None:
            raise PayloadError(
                "unknown_meter", "meter", meter, f"a meter of park {address.park} in park.yaml"
            )
        if owner != address.enterprise:
            raise PayloadError(
                "ownership",
                "topic",
                f"{address.enterprise}/{meter}",
                "the topic of the enterprise that owns the meter",
            )

    def channel(self, park: str, meter: str, channel: str) -> ChannelRef:
        """The channel.

        Raises:
            PayloadError: the meter has no such channel.
        """
        ref = self._channels.get((park, meter, channel))
        if ref is None:
            raise PayloadError(
                "unknown_channel",
                f"{meter}.{channel}",
                channel,
                "a channel of this meter in park.yaml",
            )
        return ref


def _limits(ref: ChannelRef) -> tuple[float, float]:
    """Believable raw values of a channel: catalogue range and display modulus."""
    low, high = (bound / ref.factor for bound in QUANTITIES[ref.quantity].plausible)
    return low, min(high, ref.modulus) if ref.modulus else high


@dataclass(slots=True)
class Judged:
    """What one message became."""

    readings: list[Reading] = field(default_factory=list)
    refused: int = 0
    quarantined: Quarantined | None = None


@dataclass
class Door:
    """Decodes and checks messages against the directory."""

    directory: Directory
    max_payload_bytes: int
    future_tolerance: timedelta

    def judge(self, topic: str, payload: bytes, now: datetime) -> Judged:
        """Readings of a message; what is refused goes to quarantine with every reason.

        Args:
            now: the receiver's clock, aware UTC.
        """
        out = Judged()
        try:
            if len(payload) > self.max_payload_bytes:
                raise PayloadError(
                    "too_large",
                    "payload",
                    f"{len(payload)} bytes",
                    f"at most {self.max_payload_bytes} bytes",
                )
            address = parse_topic(topic)
            decoded = decode(address, payload)
        except PayloadError as exc:
            problems: list[PayloadError] = [exc]
        else:
            problems = decoded.problems
            self._check(address, decoded.values, now, out, problems)
        if problems:
            out.refused = len(problems)
            out.quarantined = quarantined(topic, payload, problems, now)
        return out

    def _check(
        self,
        address: Address,
        values: Sequence[RawValue],
        now: datetime,
        out: Judged,
        problems: list[PayloadError],
    ) -> None:
        latest = now + self.future_tolerance
        directory, limits = self.directory, self.directory.limits
        meter = None
        for raw in values:
            try:
                if raw.meter != meter:
                    directory.check_owner(address, raw.meter)
                    meter = raw.meter
                ref = directory.channel(address.park, raw.meter, raw.channel)
                if raw.ts > latest:
                    raise PayloadError(
                        "future",
                        f"{raw.meter}.{raw.channel}",
                        raw.ts.isoformat(),
                        f"a time up to {latest.isoformat()}",
                    )
                low, high = limits[ref.channel_id]
                if not low <= raw.value <= high:
                    raise PayloadError(
                        "out_of_range",
                        f"{raw.meter}.{raw.channel}",
                        raw.value,
                        f"{low:g} to {high:g} {ref.unit}",
                    )
            except PayloadError as exc:
                problems.append(exc)
            else:
                out.readings.append(Reading(ref.channel_id, raw.ts, raw.value, now, raw.correction))


def quarantined(
    topic: str, payload: bytes, problems: Sequence[PayloadError], now: datetime
) -> Quarantined:
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
    return Quarantined(topic, payload, problems[0].code, detail, now)
