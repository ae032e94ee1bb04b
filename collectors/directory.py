"""Who owns which topic, and which channel a value belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from collectors.formats.base import Options
from models.channels import ChannelRef
from models.errors import PayloadError
from models.periods import from_us
from models.quantities import Quantity, read_quantity
from models.sources import Source
from models.topics import covers, matches

_MOST_ROUTES = 100_000  # a stranger can invent topics without end
_LONGEST_KEPT = 300  # characters of a topic that is remembered


class Slot(NamedTuple):
    """Where a value goes: its channel and the believable raw values of it."""

    channel_id: int
    low: float
    high: float
    unit: str
    quantity: Quantity
    path: str


class OwnedSource(NamedTuple):
    """A source of an applied park, with its owner."""

    park: str
    enterprise: str
    zone: ZoneInfo
    source: Source


@dataclass(slots=True)
class Route:
    """What a topic says: whose message it is and how to read it.

    Attributes:
        meter: meter key of a native topic; None in a gateway batch and for sources.
        slots: channels found so far, by (device, channel); filled by `Directory.slot`.
        heard_us: arrival of the newest message [us since 1970], 0: none yet.
    """

    park: str
    enterprise: str
    meter: str | None = None
    source: Source | None = None
    options: Options = field(default_factory=Options)
    slots: dict[tuple[str, str], Slot] = field(default_factory=dict)
    heard_us: int = 0


class Directory:
    """Meters, channels and sources of the applied parks, for look-ups by topic."""

    def __init__(self, channels: Iterable[ChannelRef], sources: Sequence[OwnedSource] = ()) -> None:
        self.enterprises: set[tuple[str, str]] = {(s.park, s.enterprise) for s in sources}
        self.sources = sources
        self._channels: dict[tuple[str, str, str], Slot] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._routes: dict[str, Route] = {}
        for ref in channels:
            self._channels[ref.park_key, ref.meter_key, ref.key] = _slot(ref)
            self._owners[ref.park_key, ref.meter_key] = ref.enterprise_key
            self.enterprises.add((ref.park_key, ref.enterprise_key))
        self._parks = {park for park, _ in self.enterprises}

    def route(self, topic: str) -> Route:
        """What the topic says; remembered.

        Raises:
            PayloadError: no source matches and it is no native topic.
        """
        found = self._routes.get(topic)
        if found is None:
            if len(self._routes) >= _MOST_ROUTES:
                self._routes.clear()
            found = self._find(topic)
            if len(topic) <= _LONGEST_KEPT:
                self._routes[topic] = found
        return found

    def _find(self, topic: str) -> Route:
        if "+" in topic or "#" in topic:  # a filter; no broker delivers under such a name
            raise PayloadError("topic", "topic", topic, "a topic without + and #")
        for owned in self.sources:
            if matches(owned.source.topic, topic):
                source = owned.source
                zone = ZoneInfo(source.timezone) if source.timezone else None
                return Route(
                    owned.park, owned.enterprise, None, source, Options(zone, source.encoding)
                )
        parts = topic.split("/")
        if parts[0] != "park" or len(parts) not in (3, 4) or not all(parts):
            raise PayloadError(
                "topic", "topic", topic, "park/<park>/<enterprise>[/<meter>], or that of a source"
            )
        return Route(parts[1], parts[2], parts[3] if len(parts) == 4 else None)

    def slot(self, route: Route, device: str, channel: str) -> Slot | None:
        """Where a value goes; None: the device sends more than the park wants to know.

        Raises:
            PayloadError: unknown_park, unknown_device, unknown_meter, unknown_channel, ownership.
        """
        if route.source is None:
            self._check_owner(route, device)
            slot = self._channels.get((route.park, device, channel))
            if slot is None:
                raise PayloadError(
                    "unknown_channel",
                    f"{device}.{channel}",
                    channel,
                    "a channel of this meter in park.yaml",
                )
        else:
            known = route.source.devices.get(device)
            if known is None and route.source.format == "sparkplug":
                return None  # an edge node sends metrics of its own and of all its devices
            if known is None:
                raise PayloadError(
                    "unknown_device", "device", device, f"a device of source {route.source.topic}"
                )
            self._check_owner(route, known.meter)
            slot = self._channels.get(
                (route.park, known.meter, known.channels.get(channel, channel))
            )
            if slot is None:
                return None
        route.slots[device, channel] = slot
        return slot

    def heard(self) -> dict[str, datetime]:
        """Newest arrival by enterprise (`park/enterprise`), of those heard since this was read."""
        newest: dict[str, int] = {}
        for route in self._routes.values():
            if route.heard_us and (route.park, route.enterprise) in self.enterprises:
                name = f"{route.park}/{route.enterprise}"
                newest[name] = max(newest.get(name, 0), route.heard_us)
        return {name: from_us(at_us) for name, at_us in newest.items()}

    def filters(self, base: str) -> frozenset[str]:
        """Subscriptions of a collector: the base and every source that it does not cover."""
        topics = {owned.source.topic for owned in self.sources}
        return frozenset({base} | {t for t in topics if not covers(base, t)})

    def _check_owner(self, route: Route, meter: str) -> None:
        if route.park not in self._parks:
            raise PayloadError("unknown_park", "topic", route.park, "a park that was applied")
        owner = self._owners.get((route.park, meter))
        if owner is None:
            raise PayloadError(
                "unknown_meter", "meter", meter, f"a meter of park {route.park} in park.yaml"
            )
        if owner != route.enterprise:
            raise PayloadError(
                "ownership",
                "topic",
                f"{route.enterprise}/{meter}",
                "the topic of the enterprise that owns the meter",
            )


def _slot(ref: ChannelRef) -> Slot:
    """Believable raw values of a channel: range of what it sends, and display modulus."""
    quantity = read_quantity(ref.quantity, ref.kind)
    low, high = (bound / ref.factor for bound in quantity.plausible)
    if limit := ref.highest_modulus or ref.modulus:
        high = min(high, limit)
    return Slot(ref.channel_id, low, high, ref.unit, quantity, f"{ref.meter_key}.{ref.key}")
