"""Static sharding: which collector takes which enterprise.

Shared subscriptions lose the share of a member that goes away, so every enterprise belongs to one
collector with a fixed client id and a persistent session of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from collectors.directory import Directory
from models.errors import ConfigError
from models.topics import covers


@dataclass(frozen=True)
class Shard:
    """Collector `number` of `of`; 1 of 1 takes everything below its base topic."""

    number: int = 1
    of: int = 1

    def takes(self, enterprise: str) -> bool:
        """True when the enterprise (`park/enterprise`) is this shard's.

        Rendezvous hashing: with one shard more, enterprises move to the new one only.
        """

        def weight(number: int) -> bytes:
            return hashlib.blake2b(f"{number} {enterprise}".encode(), digest_size=8).digest()

        return max(range(1, self.of + 1), key=weight) == self.number

    def client_id(self, base: str) -> str:
        """Fixed client id of this shard."""
        return base if self.of == 1 else f"{base}-{self.number}"

    def filters(self, directory: Directory, base: str) -> frozenset[str]:
        """Subscriptions of this shard."""
        if self.of == 1:
            return directory.filters(base)
        return frozenset(topic for enterprise, topic in atoms(directory) if self.takes(enterprise))


def parse_shard(text: str) -> Shard:
    """`2/3` is the second of three; empty is the only one.

    Raises:
        ConfigError: another form.
    """
    if not text:
        return Shard()
    found = re.fullmatch(r"([1-9]\d?)/([1-9]\d?)", text)
    if found is None or int(found[1]) > int(found[2]):
        raise ConfigError("settings", [f"GREENPARK_SHARD: got {text!r}, expected e.g. 1/2"])
    return Shard(int(found[1]), int(found[2]))


def atoms(directory: Directory) -> Iterator[tuple[str, str]]:
    """Every enterprise (`park/enterprise`) with each topic filter of it."""
    for park, enterprise in sorted(directory.enterprises):
        yield f"{park}/{enterprise}", f"park/{park}/{enterprise}/#"
    for owned in directory.sources:
        name = f"{owned.park}/{owned.enterprise}"
        if not covers(f"park/{name}/#", owned.source.topic):
            yield name, owned.source.topic
