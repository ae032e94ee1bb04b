"""Sparkplug nodes in the database: a collector goes on where another one ended."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from collectors.formats.base import Incoming, Options
from collectors.formats.sparkplug_host import SparkplugHost
from storage.db import Conn
from storage.sparkplug import load_nodes, save_nodes
from tests.sparkplug_messages import Talk, codes, metric, payload, read

NOW = datetime(2026, 3, 1, 0, 16, tzinfo=UTC)


def save(conn: Conn, talk: Talk, now: datetime = NOW) -> None:
    with conn.transaction():
        save_nodes(conn, talk.host.dirty(), now)
    talk.host.saved()


def restarted(conn: Conn, talk: Talk) -> Talk:
    host = SparkplugHost()
    host.restore(load_nodes(conn))
    again = Talk(host)
    again.at = talk.at
    return again


def test_alias_after_a_restart(conn: Conn) -> None:
    talk = Talk()
    talk.node_birth(0, 255, metric("水表/累计", 1.0, alias=2**64 - 1))
    talk.device_birth(1)
    save(conn, talk)
    talk.energy(2)
    save(conn, talk)  # the sequence only, tables stay
    talk = restarted(conn, talk)
    assert talk.host.dirty() == {}
    assert read(talk.energy(3)) == [("gw/em1", "energy", 101.0)]
    data = talk.say("NDATA", payload(4, metric(value=2.0, alias=2**64 - 1)))
    assert read(data) == [("gw", "水表/累计", 2.0)]
    assert talk.host.losses == []


def test_missed_while_away(conn: Conn) -> None:
    talk = Talk()
    talk.born()
    save(conn, talk)
    talk.energy(2)  # seen, but the collector died before the commit
    talk = restarted(conn, talk)
    assert codes(talk.energy(3)) == []
    assert [(loss.expected, loss.got) for loss in talk.host.losses] == [(2, 3)]


def test_death_of_a_device_is_kept(conn: Conn) -> None:
    talk = Talk()
    talk.born()
    save(conn, talk)
    talk.say("DDEATH", payload(2), "em1")
    save(conn, talk)
    assert codes(restarted(conn, talk).energy(3)) == ["no_birth"]


def test_new_birth_replaces_the_old_one(conn: Conn) -> None:
    talk = Talk()
    talk.born()
    save(conn, talk)
    talk.node_birth(0, 8)
    talk.device_birth(1, metric("other", 1.0, alias=1))
    save(conn, talk, NOW + timedelta(minutes=1))
    assert read(restarted(conn, talk).energy(2)) == [("gw/em1", "other", 101.0)]
    rows = conn.execute("SELECT edge_node, updated_at - %s FROM sparkplug_node", (NOW,)).fetchall()
    assert {row[1] for row in rows} == {timedelta(minutes=1)}
    assert {row[0] for row in rows} == {"gw", "gw/", "gw/em1"}


def test_rollback_loses_nothing(conn: Conn) -> None:
    talk = Talk()
    talk.born()
    with conn.transaction(force_rollback=True):
        save_nodes(conn, talk.host.dirty(), NOW)
    assert load_nodes(conn) == {}
    save(conn, talk)  # the retry of the writer: asks for what is dirty again
    assert read(restarted(conn, talk).energy(2)) == [("gw/em1", "energy", 101.0)]


def test_nothing_to_save(conn: Conn) -> None:
    save_nodes(conn, {}, NOW)
    assert load_nodes(conn) == {}


def test_longest_names(conn: Conn) -> None:
    """Group, node and device are one key; characters of four bytes that do not compress."""
    chars = random.Random(1)
    group, edge, device = (
        "".join(chr(chars.randrange(0x20000, 0x2A6D6)) for _ in range(200)) for _ in range(3)
    )
    host = SparkplugHost()
    for kind, names, seq in (("NBIRTH", edge, 0), ("DBIRTH", f"{edge}/{device}", 1)):
        message = Incoming(f"spBv1.0/{group}/{kind}/{names}", payload(seq), NOW)
        assert host.decode(message, Options()).problems == []
    save_nodes(conn, host.dirty(), NOW)
    assert load_nodes(conn) == host.dirty()
    assert len(host.dirty()) == 3
