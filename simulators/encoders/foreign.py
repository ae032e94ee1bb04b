"""What the formats of other people share: a device's names, numbers in its units, its topic."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models.errors import ConfigError
from models.meters import Channel
from models.quantities import read_quantity

_ANY_LEVEL = "sim"  # where a filter leaves a level free


@dataclass(frozen=True)
class Device:
    """A meter as a source of park.yaml knows it.

    Attributes:
        name: its own name in topic or message.
        names: channel -> name in the message; others keep their name.
        pattern: topic filter of the source.
    """

    meter: str
    name: str
    names: dict[str, str]
    channels: dict[str, Channel]
    pattern: str
    zone: str | None = None

    def called(self, channel: str) -> str:
        """Name of a channel in the message."""
        return self.names.get(channel, channel)

    def scaled(self, channel: str, text: str, unit: str) -> str:
        """A number of the channel in another unit of its quantity, exact in decimals."""
        own = self.channels[channel]
        if own.unit == unit:
            return text
        accepted = read_quantity(own.quantity, own.kind).accepted
        if unit not in accepted:
            raise ConfigError(
                f"meter {self.meter}",
                [f"channel {channel}: its device sends {unit}, which is no {own.quantity}"],
            )
        ratio = Decimal(repr(accepted[own.unit])) / Decimal(repr(accepted[unit]))
        return f"{(Decimal(text) * ratio).normalize():f}"

    def topic(self, *ends: str) -> str:
        """A topic with one of these ends that the filter of the source lets through.

        Raises:
            ConfigError: it lets none through.
        """
        for end in ends:
            found = place(self.pattern, end)
            if found is not None:
                return found
        raise ConfigError(
            f"source {self.pattern}", [f"no topic that ends with {' or '.join(ends)} matches"]
        )


def place(pattern: str, end: str) -> str | None:
    """The topic below a filter that ends with these levels, None if there is none."""
    head, wanted = pattern.split("/"), end.split("/")
    free = head[-1] == "#"
    if free:
        head = head[:-1]
    for shared in range(min(len(head), len(wanted)), -1 if free else len(wanted) - 1, -1):
        cut = len(head) - shared
        pairs = zip(head[cut:], wanted, strict=False)
        if all(level in ("+", other) for level, other in pairs):
            start = [_ANY_LEVEL if level == "+" else level for level in head[:cut]]
            return "/".join([*start, *wanted])
    return None
