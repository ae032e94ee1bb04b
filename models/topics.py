"""MQTT topic filters: does a topic match, can two filters match the same topic."""

from __future__ import annotations


def valid_filter(pattern: str) -> bool:
    """True for a topic filter that MQTT allows: `#` alone at the end, `+` alone in its level."""
    levels = pattern.split("/")
    return (
        0 < len(pattern.encode()) <= 65_535
        and "\0" not in pattern
        and all(level in ("+", "#") or not set(level) & set("+#") for level in levels)
        and "#" not in levels[:-1]
    )


def matches(pattern: str, topic: str) -> bool:
    """True when a subscription to `pattern` gets messages of `topic`.

    Source: MQTT 5.0, 4.7.1 and 4.7.2 (wildcards at the start do not match `$` topics).
    """
    if topic.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    return overlap(pattern, topic)


def overlap(one: str, other: str) -> bool:
    """True when some topic matches both filters."""
    a, b = one.split("/"), other.split("/")
    for left, right in zip(a, b, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    if len(a) == len(b):
        return True
    longer, shared = (a, len(b)) if len(a) > len(b) else (b, len(a))
    return longer[shared:] == ["#"]  # `a/#` matches `a` as well


def covers(wide: str, narrow: str) -> bool:
    """True when every topic that matches `narrow` matches `wide`."""
    a, b = wide.split("/"), narrow.split("/")
    for position, level in enumerate(a):
        if level == "#":
            return True
        if position >= len(b) or b[position] == "#":
            return False
        if level not in ("+", b[position]):
            return False
    return len(a) == len(b)
