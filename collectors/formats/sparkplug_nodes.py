"""What is known of Sparkplug edge nodes: their births, their sequence, what is not saved yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collectors.formats.sparkplug import Definition, Table
from models.errors import PayloadError

NAMESPACE = "spBv1.0"
MOST_NODES = 2_000  # of one group: nodes that a stranger invents
MOST_METRICS = 50_000  # of one edge node with its devices
MOST_DEVICES = 1_000  # of one edge node
_MAX_ID = 200  # characters of group, edge node, device: together a key of the database
_SAVED = ("born", "session", "seq", "bd_seq", "heard_us", "sent_ms")
_KINDS = {
    4: frozenset({"NBIRTH", "NDATA", "NDEATH", "NCMD"}),
    5: frozenset({"DBIRTH", "DDATA", "DDEATH", "DCMD"}),
}

Key = tuple[str, str]


class Address(NamedTuple):
    """What a topic names; the device is empty for the edge node itself."""

    kind: str
    group: str
    edge: str
    device: str = ""

    @property
    def key(self) -> Key:
        """The edge node."""
        return self.group, self.edge

    @property
    def name(self) -> str:
        """Device name of the values."""
        return f"{self.edge}/{self.device}" if self.device else self.edge


def address_of(topic: str) -> Address | None:
    """What a topic names; None for the state of a host application.

    Raises:
        PayloadError: no topic of Sparkplug B.
    """
    levels = topic.split("/")
    if levels[:2] == [NAMESPACE, "STATE"] and len(levels) == 3:
        return None
    kinds = _KINDS.get(len(levels), frozenset[str]())
    usable = all(0 < len(level) <= _MAX_ID for level in levels) and topic.isprintable()
    if levels[0] != NAMESPACE or len(levels) < 4 or levels[2] not in kinds or not usable:
        raise PayloadError(
            "topic", "topic", topic, f"{NAMESPACE}/<group>/<message type>/<edge node>[/<device>]"
        )
    return Address(levels[2], levels[1], *levels[3:])


@dataclass(slots=True)
class Node:
    """An edge node as far as we know it.

    Attributes:
        session: counts births; tells the tables of this birth from older ones.
        heard_us, sent_ms: arrival and own time of the last message.
        asked_us: when a rebirth was last asked for.
        tables: device (empty: the node itself) -> metrics of its birth certificate.
    """

    born: bool = False
    session: int = 0
    seq: int = 0
    bd_seq: int | None = None
    heard_us: int = 0
    sent_ms: int = 0
    asked_us: int | None = None
    tables: dict[str, Table] = field(default_factory=dict)

    def room(self, device: str) -> int:
        """Number of metrics that the birth of a device may still have; -1: not even none."""
        if device not in self.tables and len(self.tables) >= MOST_DEVICES:
            return -1
        known = sum(len(t.names) for other, t in self.tables.items() if other != device)
        return MOST_METRICS - known


class Nodes:
    """All edge nodes, with their way into the database and back.

    A node's session is saved under its name, the metrics of a birth certificate beside it under
    `<edge>/<device>` (`<edge>/` for the node's own): they are large and change seldom.
    """

    def __init__(self) -> None:
        self._nodes: dict[Key, Node] = {}
        self._of_group: Counter[str] = Counter()
        self._dirty: set[Key] = set()

    def get(self, key: Key) -> Node | None:
        """The node, if anything was heard of it."""
        return self._nodes.get(key)

    def make(self, key: Key) -> Node:
        """The node, new if need be.

        Raises:
            PayloadError: the group has too many.
        """
        node = self._nodes.get(key)
        if node is None:
            if self._of_group[key[0]] >= MOST_NODES:
                raise PayloadError(
                    "items", "edge node", key[1], f"at most {MOST_NODES} nodes in a group"
                )
            node = self._nodes[key] = Node()
            self._of_group[key[0]] += 1
        return node

    def changed(self, key: Key, device: str | None = None) -> None:
        """The session of a node, or the metrics of one of its births, must be saved."""
        self._dirty.add(key if device is None else (key[0], f"{key[1]}/{device}"))

    def dirty(self) -> dict[Key, dict[str, Any]]:
        """States that are not saved yet."""
        return {key: self._state(key) for key in self._dirty}

    def saved(self) -> None:
        """What `dirty` gave is committed."""
        self._dirty.clear()

    def restore(self, rows: Mapping[Key, Mapping[str, Any]]) -> None:
        """Start from saved states; replaces what is known. Metrics of older births are left."""
        self._nodes.clear()
        self._of_group.clear()
        self._dirty.clear()
        tables: list[tuple[Key, str, Mapping[str, Any]]] = []
        for (group, row), state in rows.items():
            edge, slash, device = row.partition("/")
            if slash:
                tables.append(((group, edge), device, state))
            else:
                self._nodes[group, edge] = Node(**{name: state[name] for name in _SAVED})
                self._of_group[group] += 1
        for key, device, state in tables:
            node = self._nodes.get(key)
            if node is not None and node.session == state["session"]:
                metrics = (Definition(*metric) for metric in state["metrics"])
                node.tables[device] = Table.of(metrics)

    def _state(self, key: Key) -> dict[str, Any]:
        group, row = key
        edge, slash, device = row.partition("/")
        node = self._nodes[group, edge]
        if not slash:
            return {name: getattr(node, name) for name in _SAVED}
        table = node.tables.get(device)
        if table is None:
            return {"session": None, "metrics": []}
        return {"session": node.session, "metrics": [list(d) for d in table.names.values()]}
