"""Which collector takes what, and who may let go of what."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from collectors.directory import Directory, OwnedSource
from collectors.shards import Shard, atoms, parse_shard
from collectors.subscriptions import Subscriptions
from models.errors import ConfigError
from models.sources import Source
from models.topics import covers, matches, overlap, valid_filter

NAMES = [f"park/e{n}" for n in range(300)]


def directory(*topics: str) -> Directory:
    sources = [
        OwnedSource(
            "p",
            f"e{n}",
            ZoneInfo("UTC"),
            Source.model_validate({"topic": t, "format": "senml", "devices": {"d": "m"}}),
        )
        for n, t in enumerate(topics)
    ]
    return Directory([], sources)


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_enterprise_has_exactly_one_shard(of: int) -> None:
    shards = [Shard(n, of) for n in range(1, of + 1)]
    for name in NAMES:
        assert [s.takes(name) for s in shards].count(True) == 1
    for shard in shards:  # and they share evenly
        assert abs(sum(map(shard.takes, NAMES)) - 300 / of) < 40


def test_one_more_shard_takes_from_all_and_moves_nothing_else() -> None:
    for name in NAMES:
        before = next(n for n in (1, 2, 3) if Shard(n, 3).takes(name))
        after = next(n for n in (1, 2, 3, 4) if Shard(n, 4).takes(name))
        assert after in (before, 4)


def test_client_ids_are_fixed() -> None:
    assert parse_shard("").client_id("c") == "c"
    assert parse_shard("2/3").client_id("c") == "c-2"


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_shard_of_another_form(text: str) -> None:
    with pytest.raises(ConfigError, match="GREENPARK_SHARD: got"):
        parse_shard(text)


def test_filters_of_shards_cover_every_source() -> None:
    made = directory("park/p/e0/tb/#", "spBv1.0/g1/#", "v1/gateway/telemetry")
    everything = {topic for _, topic in atoms(made)}
    assert everything == {
        *(f"park/p/e{n}/#" for n in range(3)),
        "spBv1.0/g1/#",
        "v1/gateway/telemetry",
    }
    parts = [Shard(n, 2).filters(made, "park/#") for n in (1, 2)]
    assert parts[0] | parts[1] == everything
    assert not parts[0] & parts[1]
    assert Shard().filters(made, "park/#") == {"park/#", "spBv1.0/g1/#", "v1/gateway/telemetry"}


ATOMS = ("park/p/a/#", "park/p/b/#")


def granted(made: Subscriptions) -> None:
    made.asked(1, [*made.to_do()[0]])
    made.granted(1)


def test_an_old_owner_keeps_what_nobody_else_has() -> None:
    made = Subscriptions()
    made.want({"park/p/a/#"}, ATOMS, own={"park/p/a/#", "park/p/b/#"})
    made.connected()
    granted(made)
    made.want({"park/p/a/#"}, ATOMS, own={"park/p/b/#"})
    assert made.to_do() == ([], [])
    assert (made.kept, made.orphans) == ({"park/p/b/#"}, ["park/p/b/#"])
    made.want({"park/p/a/#"}, ATOMS, own={"park/p/b/#"}, elsewhere={"park/p/b/#"})
    assert made.to_do() == ([], ["park/p/b/#"])
    assert made.kept == set()


def test_everything_is_given_up_only_when_all_of_it_is_served() -> None:
    made = Subscriptions()
    made.want((), ATOMS, own={"park/#"}, elsewhere={"park/p/a/#"})
    assert made.to_do() == ([], [])
    made.want((), ATOMS, own={"park/#"}, elsewhere={"park/p/a/#", "park/p/b/#"})
    assert made.to_do() == ([], ["park/#"])
    made.asked(5, ["park/#"])
    assert made.to_do() == ([], [])  # asked once
    made.dropped(5)
    assert made.known() == (set(), {"park/#"})


def test_a_filter_is_not_given_up_before_the_own_narrower_one_is_granted() -> None:
    made = Subscriptions()
    made.connected()
    made.want(ATOMS, ATOMS, own={"park/#"})
    assert made.to_do() == (sorted(ATOMS), [])
    granted(made)
    made.want(ATOMS, ATOMS, own={"park/#"})
    assert made.to_do() == ([], ["park/#"])


def test_a_new_connection_subscribes_again() -> None:
    made = Subscriptions(["park/#"])
    granted(made)
    assert made.to_do() == ([], [])
    made.connected()
    assert made.to_do() == (["park/#"], [])


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("park/#", "park/p/e/m", True),
        ("park/#", "park", True),
        ("park/+/e", "park/p/e", True),
        ("park/+/e", "park/p/e/m", False),
        ("park/p", "park/p/e", False),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
    ],
)
def test_matches(pattern: str, topic: str, expected: bool) -> None:
    assert matches(pattern, topic) is expected


@pytest.mark.parametrize(
    ("one", "other", "both", "first_covers"),
    [
        ("a/#", "a/b/+", True, True),
        ("a/+", "a/#", True, False),
        ("a/+/c", "a/b/+", True, False),
        ("a/b", "a/c", False, False),
        ("a/b", "a/b", True, True),
        ("a", "a/#", True, False),
        ("a/#", "a", True, True),
        ("a/+", "a", False, False),
        ("+/b", "a/b", True, True),
    ],
)
def test_overlap_and_covers(one: str, other: str, both: bool, first_covers: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is both
    assert covers(one, other) is first_covers


@pytest.mark.parametrize(
    ("pattern", "good"),
    [("a/+/#", True), ("a/#/b", False), ("a/b+", False), ("", False), ("#", True), ("a\0", False)],
)
def test_valid_filter(pattern: str, good: bool) -> None:
    assert valid_filter(pattern) is good
