"""Which meter of a park speaks which format: what park.yaml says, else native JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from models.errors import ConfigError
from models.meters import Meter
from models.park import Enterprise, Park
from models.sources import Source
from simulators.encoders.column import Block, Column, Encoder, rfc3339
from simulators.encoders.foreign import Device
from simulators.encoders.native import Native, gathered
from simulators.encoders.senml import SenML
from simulators.encoders.sparkplug import Own, Sessions, Sparkplug, SparkplugPart, node_of
from simulators.encoders.thingsboard import ThingsBoard
from simulators.encoders.vendor import VENDORS, Vendor
from simulators.message import Message
from simulators.timegrid import Floats, Ints

Formats = Mapping[str, Literal["native", "list"]]
"""Enterprise -> how its meters without a source send: each for itself, or all by a gateway."""


class Encoders:
    """The encoders of all meters of a park.

    Raises:
        ConfigError: a source whose format or topic cannot be simulated, with every fault.
    """

    def __init__(self, park: Park, formats: Formats) -> None:
        self._local = rfc3339(park.zone)
        self._encoders: dict[str, Encoder] = {}
        self._aliases: Counter[tuple[str, str]] = Counter()
        self._own: dict[tuple[str, str], Own] = {}
        known = [e.key for e in park.enterprises]
        faults = [f"formats: {key!r} is no enterprise" for key in formats if key not in known]
        for enterprise in park.enterprises:
            listed = formats.get(enterprise.key) == "list"
            own = f"park/{park.key}/{enterprise.key}"
            for meter in enterprise.meters:
                try:
                    found = self._foreign(enterprise, meter)
                except ConfigError as exc:
                    faults += [f"meter {meter.key}: {fault}" for fault in exc.faults]
                    continue
                topic = own if listed else f"{own}/{meter.key}"
                self._encoders[meter.key] = found or Native(topic, self._local, listed)
        if faults:
            raise ConfigError("simulation", faults)

    def encode(
        self,
        meter: str,
        shown_ms: Ints,
        due_s: Floats,
        columns: Sequence[Column],
        batch: int = 1,
    ) -> Iterator[Message]:
        """Messages of one meter, in the order of its stamps.

        Args:
            shown_ms: what its clock says, epoch milliseconds; due_s: when it sends, epoch seconds.
            columns: values in the order of these stamps; NaN: nothing is sent.
            batch: most stamps in one message, where the format can do that.
        """
        return self._encoders[meter].encode(Block(meter, shown_ms, due_s, columns, batch))

    def sessions(self) -> Wire:
        """A new connection of all gateways and edge nodes."""
        return Wire(self._own)

    def _foreign(self, enterprise: Enterprise, meter: Meter) -> Encoder | None:
        for source in enterprise.sources:
            for name, listed in source.devices.items():
                if listed.meter == meter.key:
                    names = {channel: sent for sent, channel in listed.channels.items()}
                    device = Device(
                        meter.key, name, names, meter.channels, source.topic, source.timezone
                    )
                    return self._encoder(source, device)
        return None

    def _encoder(self, source: Source, device: Device) -> Encoder:
        if source.format == "sparkplug":
            node = node_of(device)
            made = Sparkplug(device, self._aliases[node])
            self._aliases[node] += len(device.channels)
            if not made.device:
                self._own[made.node] = made.own
            return made
        if source.format == "senml":
            return SenML(device)
        if source.format == "thingsboard":
            return ThingsBoard(device)
        if source.format in VENDORS:
            return Vendor(device, source.format)
        able = ", ".join(["senml", "sparkplug", "thingsboard", *VENDORS])
        raise ConfigError(
            f"source {source.topic}",
            [f"format {source.format!r} is not simulated; expected one of: {able}"],
        )


class Wire:
    """Last step of the pipe before transport faults: what needs the order of sending.

    Parts of gateways that are due together become one list; Sparkplug messages get births and
    sequence numbers. A new one is a new connection: edge nodes are born again.
    """

    def __init__(self, own: Mapping[tuple[str, str], Own]) -> None:
        self._sessions = Sessions(own)

    def send(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Messages as they go out; they come in order of `due_at`."""
        for message in gathered(messages):
            if isinstance(message, SparkplugPart):
                yield from self._sessions.numbered(message)
            else:
                yield message
