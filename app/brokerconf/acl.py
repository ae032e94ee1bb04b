"""Access list of Mosquitto: what is not named in it is refused."""

from __future__ import annotations

from collections.abc import Iterable

from app.brokerconf.users import User
from models.topics import covers

_HEAD = "# Made by: greenpark broker-config. What no line allows is refused.\n"


def acl_text(users: Iterable[User]) -> str:
    """The file for the users."""
    blocks = []
    for user in users:
        lines = [f"user {user.name}"]
        lines += [f"topic write {topic}" for topic in user.write]
        lines += [f"topic read {topic}" for topic in user.read]
        blocks.append("\n".join(lines) + "\n")
    return _HEAD + "\n" + "\n".join(blocks)


Rights = dict[str, dict[str, list[str]]]


def parse_acl(text: str) -> Rights:
    """User -> `read` and `write` -> topic filters, of a file that `acl_text` made."""
    rights: Rights = {}
    mine: dict[str, list[str]] = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "user":
            mine = rights.setdefault(rest, {"read": [], "write": []})
        elif word == "topic":
            access, _, topic = rest.partition(" ")
            mine[access].append(topic)
    return rights


def allowed(rights: Rights, user: str, access: str, topic: str) -> bool:
    """Whether a user may `read` or `write` a topic, or every topic of a filter."""
    return any(covers(wide, topic) for wide in rights.get(user, {}).get(access, ()))
