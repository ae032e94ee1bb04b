"""Host application of Sparkplug B 3.0: who was born, what came, what is missing.

Sparkplug data is QoS 0: what is lost is lost, but it shows as a gap in the sequence numbers. A gap
is reported and the node is asked for its birth certificates. When the gap may hide a birth (the
numbers went back, or the node was silent for long), the old aliases are forgotten: a value
that might belong to another metric goes to quarantine and not into the wrong channel.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from collectors.formats import sparkplug
from collectors.formats.base import Decoded, Incoming, Options, Publication, RawValue, to_us
from collectors.formats.sparkplug import Definition, Table
from collectors.formats.sparkplug_nodes import NAMESPACE, Address, Key, Node, Nodes, address_of
from models.errors import PayloadError

REBIRTH_EVERY_US = 60_000_000
SILENCE_US = 60_000_000
_MOST_LOSSES = 10_000


def state_topic(host_id: str) -> str:
    """Topic on which this host application says whether it is online; retained, QoS 1.

    Source: Sparkplug 3.0.0, 5.14.
    """
    return f"{NAMESPACE}/STATE/{host_id}"


def state_payload(online: bool, timestamp_ms: int) -> bytes:
    """What is said there; will and birth of one connection carry the same time."""
    return json.dumps({"online": online, "timestamp": timestamp_ms}).encode()


class Loss(NamedTuple):
    """Messages of an edge node that never arrived.

    Attributes:
        expected, got: sequence numbers, 0 to 255.
        at: arrival of the message behind the gap.
    """

    group: str
    edge: str
    expected: int
    got: int
    at: datetime

    @property
    def missing(self) -> int:
        """Number of messages, at least: a multiple of 256 more does not show."""
        return (self.got - self.expected) % 256


class SparkplugHost:
    """Turns messages into values; one thread, messages in order of arrival.

    Attributes:
        losses: gaps found since the caller last emptied this list.
    """

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._nodes = Nodes()

    def decode(self, message: Incoming, options: Options) -> Decoded:
        """Values of a message; commands and states of hosts (also our own) have none.

        Raises:
            PayloadError: no topic or no payload of Sparkplug B.
        """
        out = Decoded()
        address = address_of(message.topic)
        if address is None or address.kind in ("NCMD", "DCMD"):
            return out
        payload = sparkplug.parse(message.payload)
        try:
            if address.kind == "NBIRTH":
                self._node_birth(address, payload, message.received_at, out)
            elif address.kind == "NDEATH":
                self._node_death(address, payload)
            else:
                self._in_session(address, payload, message.received_at, out)
        except PayloadError as exc:
            out.problems.append(exc)
        if any(problem.code == "no_birth" for problem in out.problems):
            self._ask_rebirth(address, message.received_at, out)
            if address.kind == "DDEATH":
                out.problems.clear()  # nothing in it is worth keeping
        return out

    def dirty(self) -> dict[Key, dict[str, Any]]:
        """States that are not saved yet, for `storage.sparkplug.save_nodes`."""
        return self._nodes.dirty()

    def saved(self) -> None:
        """The states that `dirty` gave are committed."""
        self._nodes.saved()

    def restore(self, rows: Mapping[Key, Mapping[str, Any]]) -> None:
        """Start from the states of `storage.sparkplug.load_nodes`; replaces what is known."""
        self._nodes.restore(rows)

    def _node_birth(self, address: Address, payload: Any, at: datetime, out: Decoded) -> None:
        seq = _sequence(payload, 0)
        node = self._nodes.make(address.key)
        node.born, node.session, node.tables = True, node.session + 1, {}
        node.bd_seq = sparkplug.death_number(payload)
        self._heard(address, node, seq, payload, at)
        self._birth(address, node, payload, out)

    def _node_death(self, address: Address, payload: Any) -> None:
        node = self._nodes.get(address.key)
        if node is None or not node.born:
            return
        # the will of an older connection can arrive after the birth of the next one
        if node.bd_seq is None or sparkplug.death_number(payload) == node.bd_seq:
            self._forget(address, node)

    def _in_session(self, address: Address, payload: Any, at: datetime, out: Decoded) -> None:
        node = self._nodes.make(address.key)
        if not node.born:
            raise _no_birth(address.edge, "no birth certificate of the edge node")
        self._check_sequence(address, node, payload, at, out)
        table = node.tables.get(address.device)
        if address.kind == "DBIRTH":
            self._birth(address, node, payload, out)
        elif address.kind == "DDEATH":
            if node.tables.pop(address.device, None) is not None:
                self._nodes.changed(address.key, address.device)
        elif table is None:
            raise _no_birth(address.name, "no birth certificate of the device")
        else:
            _data(address.name, table, payload, out)

    def _birth(self, address: Address, node: Node, payload: Any, out: Decoded) -> None:
        room, metrics = node.room(address.device), len(payload.metrics)
        if metrics > room:
            raise PayloadError(
                "items", "metrics", metrics, f"at most {max(room, 0)} more of this node"
            )
        defined = list(sparkplug.define(payload, out.problems))
        node.tables[address.device] = Table.of(definition for _, definition in defined)
        self._nodes.changed(address.key, address.device)
        device = address.name
        for metric, definition in defined:
            _add(device, metric, definition, payload, out)

    def _check_sequence(
        self, address: Address, node: Node, payload: Any, at: datetime, out: Decoded
    ) -> None:
        last, expected = node.seq, (node.seq + 1) % 256
        got = _sequence(payload, expected)
        if got == last and payload.timestamp == node.sent_ms:
            return  # the same message twice, e.g. while two collectors have the topic
        silent = abs(to_us(at) - node.heard_us) > SILENCE_US
        self._heard(address, node, got, payload, at)
        if got == expected:
            return
        if len(self.losses) < _MOST_LOSSES:
            self.losses.append(Loss(address.group, address.edge, expected, got, at))
        if silent or got < expected or expected == 0:  # as after a birth that we missed
            self._forget(address, node)
            raise _no_birth(address.edge, f"seq {got} after {last}: a birth may be missing")
        self._ask_rebirth(address, at, out)

    def _heard(self, address: Address, node: Node, seq: int, payload: Any, at: datetime) -> None:
        node.seq, node.sent_ms, node.heard_us = seq, payload.timestamp, to_us(at)
        self._nodes.changed(address.key)

    def _forget(self, address: Address, node: Node) -> None:
        node.born = False
        node.tables.clear()
        self._nodes.changed(address.key)

    def _ask_rebirth(self, address: Address, at: datetime, out: Decoded) -> None:
        node, at_us = self._nodes.get(address.key), to_us(at)
        if node is None:
            return
        if node.asked_us is not None and 0 <= at_us - node.asked_us < REBIRTH_EVERY_US:
            return
        node.asked_us = at_us
        topic = f"{NAMESPACE}/{address.group}/NCMD/{address.edge}"
        out.replies.append(Publication(topic, sparkplug.rebirth_command(at_us // 1000)))


def _data(device: str, table: Table, payload: Any, out: Decoded) -> None:
    for metric in payload.metrics:
        definition = table.find(metric)
        if definition is None:
            named = metric.name or (f"alias {metric.alias}" if metric.HasField("alias") else "")
            out.problems.append(_no_birth(device, f"metric {named!r} is not in the birth"))
        else:
            _add(device, metric, definition, payload, out)


def _add(device: str, metric: Any, definition: Definition, payload: Any, out: Decoded) -> None:
    if not sparkplug.is_reading(metric, definition):
        return
    try:
        value = sparkplug.number(metric, definition)
        ts_us = sparkplug.time_us(metric, payload, definition.name)
    except PayloadError as exc:
        out.problems.append(exc)
        return
    name, unit = definition.name, definition.unit
    out.values.append(RawValue(device, name, ts_us, value, unit=unit))


def _sequence(payload: Any, expected: int) -> int:
    """Sequence number of a message; some encoders leave out a zero."""
    seq: int = payload.seq
    if seq > 255 or (expected and not payload.HasField("seq")):
        got = seq if payload.HasField("seq") else None
        raise PayloadError("seq", "seq", got, "0 to 255, one more in every message of the node")
    return seq


def _no_birth(field: str, got: str) -> PayloadError:
    return PayloadError("no_birth", field, got, "a birth certificate first; it was asked for")
