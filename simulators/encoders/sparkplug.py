"""Sparkplug B: births, data by alias, sequence numbers.

The sequence belongs to a connection and counts the messages of all devices of an edge node, so it
is given at the end of the pipe, by `Sessions`, to messages in the order in which they are sent.
The first message of a device in a session is its birth certificate and carries its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.sparkplug import DataType, Payload
from simulators.encoders.column import Block
from simulators.encoders.foreign import Device
from simulators.message import Message

NAMESPACE = "spBv1.0"
_REBIRTH = "Node Control/Rebirth"
_DAY_S = 86_400

Value = tuple[int, int, float]  # number of the metric of its device, epoch ms, value
Metrics = tuple[tuple[str, str], ...]  # name, unit
Own = tuple[Metrics, int]  # metrics of an edge node itself, alias of the first


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkplugPart(Message):
    """Values of a device before they have a sequence number; the payload is empty until then."""

    node: tuple[str, str]
    device: str
    metrics: Metrics
    values: tuple[Value, ...]
    alias: int


class Sparkplug:
    """Data messages of one device, or of an edge node itself.

    Args:
        alias: of its first metric; unique in the edge node.
    """

    def __init__(self, device: Device, alias: int) -> None:
        group, edge = node_of(device)
        below = device.name.partition("/")[2]
        self.node, self.device, self._alias = (group, edge), below, alias
        kind = "DDATA" if below else "NDATA"
        self._topic = "/".join([NAMESPACE, group, kind, edge, *([below] if below else [])])
        self._metrics = tuple((device.called(k), c.unit) for k, c in device.channels.items())
        self._number = {key: n for n, key in enumerate(device.channels)}

    @property
    def own(self) -> Own:
        """What a birth certificate has to define."""
        return self._metrics, self._alias

    def encode(self, block: Block) -> Iterator[Message]:
        """Parts of up to `batch` stamps."""
        values: list[Value] = []
        stamps, last = 0, None
        for at_ms, due, row in block.rows():
            if last and stamps == block.batch:
                yield self._part(last, values)
                values, stamps = [], 0
            values += [(self._number[key], at_ms, float(text)) for key, text in row]
            stamps, last = stamps + 1, due
        if last and values:
            yield self._part(last, values)

    def _part(self, due: Any, values: Sequence[Value]) -> Message:
        return SparkplugPart(
            due,
            self._topic,
            b"",
            len(values),
            node=self.node,
            device=self.device,
            metrics=self._metrics,
            values=tuple(values),
            alias=self._alias,
        )


def node_of(device: Device) -> tuple[str, str]:
    """Group and edge node; a filter that leaves the group open gets that of the meter's name."""
    levels = device.pattern.split("/")
    named = len(levels) > 1 and levels[1] not in ("+", "#")
    return levels[1] if named else device.meter, device.name.partition("/")[0]


@dataclass
class _Node:
    seq: int = 0
    born: set[str] = field(default_factory=set)


class Sessions:
    """The connections of all edge nodes: who was born, which number comes next.

    Args:
        own: metrics of edge nodes that measure something themselves.
    """

    def __init__(self, own: Mapping[tuple[str, str], Own]) -> None:
        self._own = own
        self._nodes: dict[tuple[str, str], _Node] = {}

    def numbered(self, part: SparkplugPart) -> Iterator[Message]:
        """The messages that a part becomes, births first where they are missing."""
        node = self._nodes.get(part.node)
        if node is None:
            node = self._nodes[part.node] = _Node()
            if part.device:
                yield self._node_birth(part, node)
        values = part.values
        if part.device not in node.born:
            node.born.add(part.device)
            first_ms = min(at for _, at, _ in values)
            now = tuple(v for v in values if v[1] == first_ms)
            yield self._birth(part, node, now)
            values = tuple(v for v in values if v[1] != first_ms)
        if values:
            yield self._data(part, node, values)

    def _node_birth(self, part: SparkplugPart, node: _Node) -> Message:
        at_ms = int(part.due_at.timestamp() * 1000)
        payload = _node_payload(part, at_ms)
        _define(payload, *self._own.get(part.node, ((), 0)), at_ms, {})
        node.born.add("")
        return _message(part, node, "NBIRTH", payload, 0, device="")

    def _birth(self, part: SparkplugPart, node: _Node, values: Sequence[Value]) -> Message:
        at_ms = values[0][1]
        payload = Payload(timestamp=at_ms) if part.device else _node_payload(part, at_ms)
        known = {number: value for number, _, value in values}
        _define(payload, part.metrics, part.alias, at_ms, known)
        kind = "DBIRTH" if part.device else "NBIRTH"
        return _message(part, node, kind, payload, len(values), device=part.device)

    def _data(self, part: SparkplugPart, node: _Node, values: Sequence[Value]) -> Message:
        last_ms = max(at for _, at, _ in values)
        payload = Payload(timestamp=last_ms)
        for number, at_ms, value in values:
            metric = payload.metrics.add(
                alias=part.alias + number, timestamp=at_ms, datatype=DataType.DOUBLE
            )
            metric.double_value = value
            if at_ms != last_ms:
                metric.is_historical = True
        kind = "DDATA" if part.device else "NDATA"
        return _message(part, node, kind, payload, len(values), device=part.device)


def _define(
    payload: Any, metrics: Metrics, alias: int, at_ms: int, known: Mapping[int, float]
) -> None:
    """Add the definitions of a birth; null where no value is known yet."""
    for number, (name, unit) in enumerate(metrics):
        metric = payload.metrics.add(
            name=name, alias=alias + number, timestamp=at_ms, datatype=DataType.DOUBLE
        )
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=DataType.STRING, string_value=unit)
        if number in known:
            metric.double_value = known[number]
        else:
            metric.is_null = True


def _node_payload(part: SparkplugPart, at_ms: int) -> Any:
    payload = Payload(timestamp=at_ms)
    number = int(part.due_at.timestamp()) // _DAY_S % 256
    payload.metrics.add(name="bdSeq", timestamp=at_ms, datatype=DataType.INT64, long_value=number)
    payload.metrics.add(
        name=_REBIRTH, timestamp=at_ms, datatype=DataType.BOOLEAN, boolean_value=False
    )
    return payload


def _message(
    part: SparkplugPart, node: _Node, kind: str, payload: Any, readings: int, *, device: str
) -> Message:
    payload.seq = node.seq
    node.seq = (node.seq + 1) % 256
    group, edge = part.node
    topic = "/".join([NAMESPACE, group, kind, edge, *([device] if device else [])])
    return Message(
        part.due_at,
        topic,
        bytes(payload.SerializeToString(deterministic=True)),
        readings,
        part.source,
    )
