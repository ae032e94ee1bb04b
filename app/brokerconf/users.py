"""Users of the broker and their rights, from park.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from collectors.formats.sparkplug_nodes import NAMESPACE
from models.errors import ConfigError
from models.park import Enterprise, Park
from models.sources import Source
from models.topics import covers, overlap

COLLECTOR = "greenpark-collector"
SIMULATOR = "greenpark-simulator"
_SPARKPLUG = "sparkplug"
_LONGEST_NAME = 64  # of a certificate; RFC 5280, ub-common-name


@dataclass(frozen=True)
class User:
    """A login and what it may do; everything else is refused.

    Attributes:
        folder: where its hand-out is kept.
        write, read: topic filters.
    """

    name: str
    folder: str
    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    park: str = ""
    enterprise: Enterprise | None = field(default=None, repr=False)


def users_of(parks: Sequence[Park]) -> list[User]:
    """The collector, the simulator if a park is simulated, one user per enterprise.

    An enterprise is `<park>.<enterprise>`: unique, and the same when a park is added.

    Raises:
        ConfigError: two parks have one key, or claim the same topics; a topic cannot be written
            into an access list.
    """
    faults = list(_faults(parks))
    if faults:
        raise ConfigError("broker-config", faults)
    users = [_collector(parks)]
    if simulated := [p for p in parks if p.simulated]:
        write = tuple(f"park/{p.key}/#" for p in simulated)
        users.append(User(SIMULATOR, "simulator", write))
    users += [_enterprise(park, e) for park in parks for e in park.enterprises]
    return users


def _collector(parks: Sequence[Park]) -> User:
    topics = {s.topic for p in parks for e in p.enterprises for s in e.sources}
    read = ["park/#", *sorted(t for t in topics if not covers("park/#", t)), "$SYS/#"]
    sparkplug = any(s.format == _SPARKPLUG for p in parks for e in p.enterprises for s in e.sources)
    write = (f"{NAMESPACE}/+/NCMD/#", f"{NAMESPACE}/STATE/#") if sparkplug else ()
    return User(COLLECTOR, "collector", write, tuple(read))


def _enterprise(park: Park, enterprise: Enterprise) -> User:
    name = f"{park.key}.{enterprise.key}"
    own = f"park/{park.key}/{enterprise.key}"
    write, read = [own, f"{own}/#"], []
    for source in enterprise.sources:
        if not any(covers(topic, source.topic) for topic in write):
            write.append(source.topic)
        if source.format == _SPARKPLUG:
            read += _sparkplug_reads(source)
    unique = tuple(dict.fromkeys(read))
    return User(name, f"enterprises/{name}", tuple(write), unique, park.key, enterprise)


def _sparkplug_reads(source: Source) -> list[str]:
    """Commands to the edge nodes of the source, and the states of hosts.

    Source: Sparkplug 3.0.0, 5.10 to 5.14: a node subscribes to its commands and its primary host.
    """
    _, group, *rest = source.topic.split("/")
    node = rest[1] if len(rest) > 1 else "#"
    return [
        f"{NAMESPACE}/{group}/NCMD/{node}",
        f"{NAMESPACE}/{group}/DCMD/{node if node == '#' else node + '/#'}",
        f"{NAMESPACE}/STATE/+",
    ]


def _faults(parks: Sequence[Park]) -> Iterator[str]:
    keys = [p.key for p in parks]
    for key in sorted({k for k in keys if keys.count(k) > 1}):
        yield f"park {key} is given {keys.count(key)} times"
    owned = [(p.key, e.key, s) for p in parks for e in p.enterprises for s in e.sources]
    for park_key, enterprise_key, source in owned:
        where = f"park {park_key}: enterprise {enterprise_key}: source {source.topic!r}"
        if not source.topic.isprintable():
            yield f"{where}: a control character in a topic; correct it in park.yaml"
        if _is_sparkplug(source) and not _has_group(source.topic):
            yield f"{where}: expected {NAMESPACE}/<group>/..., with the name of a group"
    for (mine, _, one), (theirs, _, other) in combinations(owned, 2):
        if mine != theirs and overlap(one.topic, other.topic):
            yield f"source {one.topic} of park {mine} overlaps {other.topic} of park {theirs}"
    for park in parks:
        for enterprise in park.enterprises:
            name = f"{park.key}.{enterprise.key}"
            if len(name) > _LONGEST_NAME:
                yield f"user {name}: {len(name)} characters, expected at most {_LONGEST_NAME}"


def _is_sparkplug(source: Source) -> bool:
    return source.format == _SPARKPLUG or source.topic.startswith(f"{NAMESPACE}/")


def _has_group(topic: str) -> bool:
    levels = topic.split("/")
    return levels[0] == NAMESPACE and len(levels) > 2 and levels[1] not in ("+", "#", "STATE", "")
