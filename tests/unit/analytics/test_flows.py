"""Flow diagrams by hand: links, rests, errors, a substation above main meters."""

from __future__ import annotations

import pytest

from analytics.flows import Balance, Link, MeterAmount, flow_graph

ACME = Balance(
    "acme", {"grid": 80.0, "onsite": 30.0}, {"export": 5.0, "storage_loss": 2.0}, 103.0, 1.0
)


def meter(key: str, parent: str | None, amount: float, *, main: bool = False) -> MeterAmount:
    return MeterAmount(key, "acme", parent, amount, 0.9, main)


def test_an_enterprise_and_its_meters() -> None:
    """110 in; 5 + 2 out, 103 used: 60 in the hall, of which 20 in the press, 43 elsewhere."""
    nodes, links = flow_graph(
        [ACME],
        [meter("main", None, 80, main=True), meter("hall", "main", 60), meter("press", "hall", 20)],
    )
    assert set(links) == {
        Link("@grid", "acme", 80, 1.0),
        Link("@onsite", "acme", 30, 1.0),
        Link("acme", "@export", 5, 1.0),
        Link("acme", "@storage_loss", 2, 1.0),
        Link("acme", "acme/hall", 60, 0.9),
        Link("acme", "acme/*", 43, 1.0),
        Link("acme/hall", "acme/press", 20, 0.9),
        Link("acme/hall", "acme/hall/*", 40, 1.0),
    }
    errors = {n.key: n.error_ratio for n in nodes}
    assert errors["acme"] == 0.0
    assert errors["acme/hall"] == pytest.approx(40 / 60)
    assert errors["acme/press"] is None
    kinds = {n.key: n.kind for n in nodes}
    assert (kinds["@grid"], kinds["@export"], kinds["acme/hall/*"]) == ("source", "sink", "rest")


def test_every_node_but_sources_and_sinks_closes() -> None:
    nodes, links = flow_graph(
        [ACME], [meter("main", None, 80, main=True), meter("hall", "main", 60)]
    )
    for node in nodes:
        into = sum(link.amount for link in links if link.target == node.key)
        out = sum(link.amount for link in links if link.source == node.key)
        if into and out:
            assert into == pytest.approx(out), node.key


def test_children_that_tell_more_than_their_parent() -> None:
    nodes, links = flow_graph([], [meter("a", None, 50), meter("b", "a", 55)])
    assert links == [Link("acme/a", "acme/b", 55, 0.9)]
    assert {n.key: n.error_ratio for n in nodes}["acme/a"] == pytest.approx(-0.1)


def test_a_substation_feeds_main_meters() -> None:
    station = MeterAmount("ss", "grid-co", None, 100.0, 1.0, is_main=False)
    _, links = flow_graph([ACME], [station, meter("main", "ss", 80, main=True)])
    assert Link("grid-co/ss", "acme/main", 80, 0.9) in links
    assert Link("grid-co/ss", "grid-co/ss/*", 20, 1.0) in links


def test_an_open_balance_is_the_error_of_its_node() -> None:
    open_one = Balance("acme", {"grid": 100.0}, {}, 90.0, 0.5)
    nodes, _ = flow_graph([open_one], [])
    assert {n.key: n.error_ratio for n in nodes}["acme"] == pytest.approx(0.1)


def test_keys_may_be_the_same() -> None:
    """A meter called grid, and one called as its enterprise."""
    below = [meter("grid", None, 80, main=True), meter("acme", "grid", 60), meter("x", "acme", 10)]
    nodes, links = flow_graph([ACME], below)
    assert Link("@grid", "acme", 80, 1.0) in links
    assert Link("acme", "acme/acme", 60, 0.9) in links
    assert Link("acme/acme", "acme/x", 10, 0.9) in links
    assert len({n.key for n in nodes}) == len(nodes)
