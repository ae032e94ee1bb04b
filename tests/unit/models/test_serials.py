"""States of serials against a naive dictionary of single serials, and every rule by hand."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ledger import SerialEvent, SerialEventName
from models.serials import AFTER, BEFORE, Entry, Serials, happen, settlements

MARCH = date(2026, 3, 1)
MWH = 1_000_000


def event(what: SerialEventName, first: int = 1, last: int = 10, **more: Any) -> SerialEvent:
    facts = {"enterprise": "a", "month": MARCH, "on": date(2026, 5, 2)} | more
    return SerialEvent(7, what, facts.pop("enterprise"), "S", first, last, **facts)


def told(serials: Serials, what: SerialEvent, *, strict: bool = False) -> list[str]:
    """Codes of the rules that an event breaks."""
    return [v.code for v in happen(serials, what, strict_same_year=strict)[1]]


def test_a_certificate_from_issue_to_cancellation() -> None:
    serials = Serials()
    assert not told(serials, event("issued"))
    assert not told(serials, event("reserved", 3, 4))
    assert not told(serials, event("released", 4, 4))
    assert not told(serials, event("cancelled", 1, 6))  # held and reserved alike
    assert [(p.first, p.last, p.state) for p in serials.pieces] == [
        (1, 2, "cancelled"),
        (3, 3, "cancelled"),
        (4, 4, "cancelled"),
        (5, 6, "cancelled"),
        (7, 10, "held"),
    ]


def test_an_event_over_several_states_is_an_entry_for_each() -> None:
    serials = Serials()
    happen(serials, event("received", 1, 4), strict_same_year=False)
    happen(serials, event("reserved", 3, 4), strict_same_year=False)
    entries, faults = happen(serials, event("cancelled", 2, 9), strict_same_year=False)
    assert not faults
    assert [(e.first, e.last, e.before and e.before.state) for e in entries] == [
        (2, 2, "held"),
        (3, 4, "reserved"),
        (5, 9, None),
    ]


def test_no_serial_counts_twice() -> None:
    serials = Serials()
    happen(serials, event("cancelled", 1, 5), strict_same_year=False)
    assert told(serials, event("cancelled", 5, 8, enterprise="b")) == ["ledger.double_count"]
    assert told(serials, event("cancelled", 4, 4, on=date(2026, 6, 1))) == ["ledger.double_count"]
    assert told(serials, event("received", 2, 2)) == ["ledger.double_count"]
    again = event("cancelled", 4, 12, on=date(2026, 6, 1))
    faults = [f for f in happen(serials, again, strict_same_year=False)[1] if f.last < 6]
    assert [(f.first, f.last) for f in faults] == [(4, 5)]  # just those that counted already
    assert "line 7: serials S 4-5 of a overlap 1-5, claimed by a for 2026-03" in str(faults[0])


def test_the_same_again_is_nothing_new() -> None:
    serials = Serials()
    happen(serials, event("cancelled", 1, 5), strict_same_year=False)
    assert happen(serials, event("cancelled", 1, 5), strict_same_year=False) == ([], [])
    assert happen(serials, event("cancelled", 2, 3), strict_same_year=False) == ([], [])


def test_only_the_holder_uses_a_certificate() -> None:
    serials = Serials()
    happen(serials, event("received"), strict_same_year=False)
    assert told(serials, event("cancelled", enterprise="b")) == ["ledger.double_count"]
    assert not told(serials, event("transferred", to_enterprise="b"))
    assert told(serials, event("cancelled")) == ["ledger.double_count"]
    assert not told(serials, event("cancelled", enterprise="b"))


def test_certificates_of_self_use_are_not_tradable() -> None:
    serials = Serials()
    assert not told(serials, event("issued", basis="self_use"))
    assert told(serials, event("transferred", to_enterprise="b")) == ["ledger.not_tradable"]
    assert told(serials, event("cancelled", enterprise="b")) == ["ledger.not_tradable"]
    assert told(Serials(), event("received", basis="self_use")) == ["ledger.not_tradable"]
    assert not told(serials, event("cancelled"))
    assert serials.pieces[0].basis == "self_use"


def test_the_year_of_the_claim_is_that_of_the_power() -> None:
    assert told(Serials(), event("cancelled", claim_year=2027)) == ["ledger.year"]
    assert not told(Serials(), event("cancelled", claim_year=2026))
    serials = Serials()
    happen(serials, event("received"), strict_same_year=False)
    assert told(serials, event("cancelled", month=date(2026, 4, 1))) == ["ledger.year"]


def test_a_december_certificate_counts_for_the_old_year_unless_strict() -> None:
    late = event("cancelled", month=date(2026, 12, 1), on=date(2027, 1, 20))
    assert not told(Serials(), late)
    assert told(Serials(), late, strict=True) == ["ledger.year"]
    assert not told(Serials(), event("cancelled"), strict=True)


def test_to_goes_with_a_transfer() -> None:
    serials = Serials()
    happen(serials, event("received"), strict_same_year=False)
    assert told(serials, event("transferred")) == ["ledger.state"]
    assert told(serials, event("reserved", to_enterprise="b")) == ["ledger.state"]


@pytest.mark.parametrize("what", get_args(SerialEventName))
def test_every_event_needs_its_state(what: SerialEventName) -> None:
    way: dict[str | None, list[SerialEventName]] = {
        None: [],
        "held": ["issued"],
        "reserved": ["issued", "reserved"],
        "cancelled": ["issued", "cancelled"],
        "expired": ["issued", "expired"],
        "withdrawn": ["issued", "withdrawn"],
    }
    for state, steps in way.items():
        serials = Serials()
        for step in steps:
            assert not told(serials, event(step))
        more = {"to_enterprise": "b"} if what == "transferred" else {}
        wanted = event(what, on=date(2026, 7, 1), **more)
        assert bool(told(serials, wanted)) != (state in BEFORE[what]), (state, what)
    assert set(AFTER) == set(BEFORE) == set(get_args(SerialEventName))


def test_a_withdrawn_cancellation_frees_nothing() -> None:
    serials = Serials()
    happen(serials, event("cancelled"), strict_same_year=False)
    assert not told(serials, event("withdrawn"))
    assert told(serials, event("cancelled", on=date(2026, 8, 1))) == ["ledger.state"]


def test_settled_whole_mwh_with_a_remainder_that_rolls_on() -> None:
    # 1.4 + 1.4 + 1.4 MWh: 1, then 1.8 -> 1, then 2.2 -> 2
    months = [(date(2026, m, 1), 1_400_000) for m in (3, 1, 2)]
    assert settlements(months) == {
        date(2026, 1, 1): MWH,
        date(2026, 2, 1): MWH,
        date(2026, 3, 1): 2 * MWH,
    }
    across = settlements([(date(2026, 12, 1), 900_000), (date(2027, 1, 1), 900_000)])
    assert set(across.values()) == {0}  # a claim belongs to its year


EVENTS = st.lists(
    st.builds(
        lambda what, who, low, length, day, basis, to: SerialEvent(
            1,
            what,
            who,
            "S",
            low,
            low + length,
            MARCH,
            date(2026, 4, day),
            basis,
            to_enterprise=to if what == "transferred" else None,
        ),
        st.sampled_from(get_args(SerialEventName)),
        st.sampled_from("ab"),
        st.integers(0, 12),
        st.integers(0, 6),
        st.integers(1, 3),
        st.sampled_from([None, "standalone", "self_use"]),
        st.sampled_from("ab"),
    ),
    max_size=25,
)


@settings(max_examples=300)
@given(EVENTS)
def test_ranges_are_what_single_serials_are(events: list[SerialEvent]) -> None:
    whole, single = Serials(), {n: Serials() for n in range(20)}
    in_force: list[Entry] = []
    for what in events:
        entries, faults = happen(whole, what, strict_same_year=False)
        broken = {n for f in faults for n in range(f.first, f.last + 1)}
        for n in range(what.first, what.last + 1):
            one = SerialEvent(**{**what.__dict__, "first": n, "last": n})
            _, alone = happen(single[n], one, strict_same_year=False)
            assert bool(alone) == (n in broken)
        in_force += [e for e in entries if e.event.event == "cancelled"]
    for n in range(20):
        mine = [p for p in whole.pieces if p.first <= n <= p.last]
        other = single[n].pieces
        assert len(mine) == len(other) <= 1
        for p, q in zip(mine, other, strict=True):
            assert (p.state, p.holder, p.basis, p.on) == (q.state, q.holder, q.basis, q.on)
        # a serial is cancelled at most once in its life
        assert sum(e.first <= n <= e.last for e in in_force) <= 1
    edges = [(p.first, p.last) for p in whole.pieces]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(edges))
