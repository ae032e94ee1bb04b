"""Paths into a payload and patterns of topics, as device templates write them.

A path is a list of keys with `/` between them (`~1` for a `/` in a key, `~0` for a `~`); the keys
of objects and the numbers of list items alike. `{name}` stands for any text within one level and
is remembered under that name. A path that starts with `/` begins at the root of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Names = dict[str, str]
_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Path(NamedTuple):
    """Where to look; made by `path`."""

    text: str
    absolute: bool
    steps: tuple[str | re.Pattern[str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Names that the path gives."""
        return frozenset(_NAMED.findall(self.text))

    def walk(self, root: Any, item: Any) -> Iterator[tuple[Names, Any]]:
        """Every place that the path leads to, with the names it gives."""
        yield from _walk(root if self.absolute else item, self.steps, 0, {})

    def find(self, root: Any, item: Any) -> tuple[Any, ...]:
        """The value at a path without names in a tuple, or nothing."""
        return next(((value,) for _, value in self.walk(root, item)), ())


def path(text: str) -> Path:
    """Read a path.

    Raises:
        ValueError: `{` or `}` that do not enclose a name, a name twice.
    """
    absolute = text.startswith("/")
    trimmed = text.removeprefix("/")
    levels = trimmed.split("/") if trimmed else []
    _check(text)
    return Path(text, absolute, tuple(_step(level) for level in levels))


class Pattern(NamedTuple):
    """What the end of a topic looks like; made by `pattern`."""

    text: str
    end: re.Pattern[str]

    @property
    def names(self) -> frozenset[str]:
        """Names that the pattern gives."""
        return frozenset(self.end.groupindex)

    @property
    def weight(self) -> int:
        """Number of fixed characters: the pattern with more of them is the more precise one."""
        return len(_NAMED.sub("", self.text))

    def match(self, topic: str) -> Names | None:
        """Names that the topic gives; None: another topic."""
        found = self.end.search(topic)
        return found.groupdict() if found else None


def pattern(text: str) -> Pattern:
    """Read a pattern of topics.

    Raises:
        ValueError: a wildcard of MQTT, an empty level, or a fault as in a path.
    """
    if not all(text.split("/")) or set(text) & set("+#"):
        msg = f"{text!r} is no end of a topic; name its levels as in {{device}}/status"
        raise ValueError(msg)
    _check(text)
    return Pattern(text, re.compile(f"(?:^|/){_expression(text)}$"))


def fill(text: str, names: Mapping[str, str]) -> str:
    """Text with every `{name}` replaced."""
    return _NAMED.sub(lambda found: names[found[1]], text)


def names_in(text: str) -> frozenset[str]:
    """Names that a text wants to have filled in.

    Raises:
        ValueError: `{` or `}` that do not enclose a name.
    """
    if set(_NAMED.sub("", text)) & set("{}"):
        msg = f"{text!r}: {{ and }} enclose a name of small letters, digits and _"
        raise ValueError(msg)
    return frozenset(_NAMED.findall(text))


def _check(text: str) -> None:
    names = _NAMED.findall(text)
    if len(names) != len(names_in(text)):
        msg = f"{text!r} gives a name twice"
        raise ValueError(msg)


def _expression(text: str) -> str:
    parts = _NAMED.split(text)  # fixed, name, fixed, name, …
    return "".join(
        f"(?P<{part}>[^/]+)" if odd else re.escape(part)
        for odd, part in zip([False, True] * len(parts), parts, strict=False)
    )


def _step(level: str) -> str | re.Pattern[str]:
    key = level.replace("~1", "/").replace("~0", "~")
    if not _NAMED.search(key):
        return key
    return re.compile(_expression(key).replace("[^/]+", ".+"), re.DOTALL)


def _places(step: str, size: int) -> range:
    """The place of a list that a step names, if it is there; never a table of all the others."""
    place = int(step) if step.isdecimal() and len(step) < 7 else size
    return range(place, min(place + 1, size))


def _walk(
    item: Any, steps: tuple[str | re.Pattern[str], ...], at: int, names: Names
) -> Iterator[tuple[Names, Any]]:
    if at == len(steps):
        yield names, item
        return
    step = steps[at]
    if isinstance(item, list):
        places = _places(step, len(item)) if isinstance(step, str) else range(len(item))
        keyed: Mapping[str, Any] = {str(n): item[n] for n in places}
    elif isinstance(item, dict):
        keyed = item
    else:
        return
    if isinstance(step, str):
        if step in keyed:
            yield from _walk(keyed[step], steps, at + 1, names)
        return
    for key, held in keyed.items():
        found = step.fullmatch(key)
        if found:
            yield from _walk(held, steps, at + 1, {**names, **found.groupdict()})
