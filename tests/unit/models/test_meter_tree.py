"""Meters below meters: parents exist, nobody is above himself."""

from __future__ import annotations

from typing import Any

import pytest

from models.errors import ConfigError
from models.park import parse_park

CHANNEL = {"import_kwh": {"quantity": "active_energy", "unit": "kWh", "kind": "register"}}
NAME = {"zh": "表", "en": "Meter"}


def document(**parents: str | None) -> dict[str, Any]:
    """Two enterprises; the first meter belongs to the first, the others to the second."""
    meters = [
        {"key": k, "name": NAME, "channels": CHANNEL} | ({"parent": p} if p else {})
        for k, p in parents.items()
    ]
    return {
        "key": "p",
        "name": NAME,
        "enterprises": [
            {"key": "a", "name": NAME, "meters": meters[:1]},
            {"key": "b", "name": NAME, "meters": meters[1:]},
        ],
    }


def test_a_parent_may_belong_to_another_enterprise() -> None:
    park = parse_park(document(main=None, sub="main", deep="sub"), "test")
    assert [m.parent for e in park.enterprises for m in e.meters] == [None, "main", "sub"]


@pytest.mark.parametrize(
    ("parents", "faults"),
    [
        ({"main": None, "sub": "gone"}, ["meter sub: parent 'gone' is not a meter of this park"]),
        ({"main": "main"}, ["meter main: its parents lead back to itself"]),
        (
            {"main": "deep", "sub": "main", "deep": "sub", "leaf": "deep", "lost": "nowhere"},
            [
                "meter lost: parent 'nowhere' is not a meter of this park",
                "meter main: its parents lead back to itself",
                "meter sub: its parents lead back to itself",
                "meter deep: its parents lead back to itself",
            ],
        ),
    ],
)
def test_every_fault_of_the_tree_is_told_at_once(
    parents: dict[str, str | None], faults: list[str]
) -> None:
    with pytest.raises(ConfigError) as told:
        parse_park(document(**parents), "test")
    text = str(told.value)
    assert [f for f in faults if f not in text] == []
    assert text.count("lead back") == sum("lead back" in f for f in faults)
