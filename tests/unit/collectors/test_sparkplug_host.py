"""The host application: births, gaps, rebirths, deaths, and what survives a restart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.formats import sparkplug_nodes
from collectors.formats.base import Incoming, Options
from collectors.formats.sparkplug_host import Loss, SparkplugHost, state_payload, state_topic
from models.errors import PayloadError
from models.sparkplug import DataType, Payload
from tests.sparkplug_messages import ARRIVED, SENT_MS, Talk, bd_seq, codes, metric, payload, read

ENERGY = [("gw/em1", "energy", 101.0)]


@pytest.fixture
def talk() -> Talk:
    made = Talk()
    made.born()
    return made


def restarted(talk: Talk, saved: dict[Any, Any] | None = None) -> Talk:
    """A new collector with what the old one saved, as the database gives it back."""
    states = talk.host.dirty() if saved is None else saved
    host = SparkplugHost()
    host.restore({key: json.loads(json.dumps(state)) for key, state in states.items()})
    again = Talk(host)
    again.at = talk.at
    return again


def test_node_and_device_metrics() -> None:
    talk = Talk()
    born = talk.node_birth(0, 7, metric("load", 3.0, alias=1))
    assert read(born) == [("gw", "load", 3.0)]
    assert read(talk.device_birth(1)) == [("gw/em1", "energy", 100.0), ("gw/em1", "power", 5.0)]
    assert read(talk.energy(2)) == ENERGY
    data = talk.say("NDATA", payload(3, metric(value=4.0, alias=1)))  # alias 1 of the node itself
    assert read(data) == [("gw", "load", 4.0)]
    by_name = talk.say("DDATA", payload(4, metric("power", 6.0)), "em1")
    assert read(by_name) == [("gw/em1", "power", 6.0)]
    assert talk.host.losses == []


def test_sequence_wraps_and_starts_where_the_birth_says() -> None:
    talk = Talk()
    talk.node_birth(253)
    talk.device_birth(254)
    for seq in (255, 0, 1):
        assert read(talk.energy(seq)) == ENERGY
    assert talk.host.losses == []


def test_zero_may_be_left_out_by_the_encoder() -> None:
    talk = Talk()
    talk.say("NBIRTH", payload(None, bd_seq(1)))
    assert codes(talk.device_birth(1)) == []
    talk.node_birth(254)
    talk.device_birth(255)
    talk.say("DDATA", payload(None, metric(value=1.0, alias=1)), "em1")
    assert (codes(talk.energy(1)), talk.host.losses) == ([], [])


@pytest.mark.parametrize("seq", [None, 256, 2**64 - 1])
def test_sequence_number_that_is_none(talk: Talk, seq: int | None) -> None:
    made = Payload(timestamp=1_772_324_100_000, metrics=[metric(value=1.0, alias=1)])
    if seq is not None:
        made.seq = seq
    decoded = talk.say("DDATA", made.SerializeToString(), "em1")
    assert (codes(decoded), decoded.values) == (["seq"], [])


def test_gap_is_reported_and_answered_and_the_value_kept(talk: Talk) -> None:
    talk.energy(2)
    talk.later(10)
    decoded = talk.energy(5)
    assert read(decoded) == ENERGY
    [loss] = talk.host.losses
    assert loss == Loss("g", "gw", 3, 5, talk.at)
    assert loss.missing == 2
    [reply] = decoded.replies
    assert (reply.topic, reply.qos, reply.retain) == ("spBv1.0/g/NCMD/gw", 0, False)
    command = Payload.FromString(reply.payload)
    [asked] = command.metrics
    assert (asked.name, asked.datatype, asked.boolean_value) == ("Node Control/Rebirth", 11, True)
    assert command.timestamp == int(talk.at.timestamp() * 1000)
    assert not command.HasField("seq")  # 3.0.0, 6.4.21: a command has none
    assert not asked.HasField("alias")
    assert (codes(talk.energy(6)), len(talk.host.losses)) == ([], 1)


def test_rebirth_is_asked_for_once_a_minute(talk: Talk) -> None:
    assert len(talk.energy(3).replies) == 1
    talk.later(59)
    assert talk.energy(5).replies == []
    talk.later(1)
    assert len(talk.energy(7).replies) == 1
    talk.at = ARRIVED  # a clock that was set back must not silence us
    assert len(talk.energy(9).replies) == 1
    assert len(talk.host.losses) == 4


def test_rebirth_mends_a_gap(talk: Talk) -> None:
    talk.energy(4)
    talk.born()
    assert read(talk.energy(2)) == ENERGY
    assert len(talk.host.losses) == 1


@pytest.mark.parametrize(
    ("last", "got", "pause_s"),
    [
        pytest.param(40, 5, 1, id="numbers-went-back"),
        pytest.param(255, 3, 1, id="zero-expected"),
        pytest.param(2, 9, 61, id="long-silence"),
    ],
)
def test_gap_that_may_hide_a_birth(last: int, got: int, pause_s: float) -> None:
    talk = Talk()
    talk.node_birth(last - 2)
    talk.device_birth(last - 1)
    talk.energy(last)
    talk.later(pause_s)
    decoded = talk.energy(got)  # alias 1 may be another metric by now
    assert (codes(decoded), decoded.values, len(decoded.replies)) == (["no_birth"], [], 1)
    assert len(talk.host.losses) == 1
    again = talk.energy(got + 1)
    assert (codes(again), again.replies, len(talk.host.losses)) == (["no_birth"], [], 1)
    talk.node_birth()
    talk.device_birth(1, metric("other", 1.0, alias=1))
    assert read(talk.energy(2)) == [("gw/em1", "other", 101.0)]


def test_silence_without_a_gap_is_no_harm(talk: Talk) -> None:
    talk.later(7200)
    assert read(talk.energy(2)) == ENERGY


def test_same_message_twice_is_no_gap(talk: Talk) -> None:
    assert read(talk.energy(2)) == read(talk.energy(2)) == ENERGY
    assert read(talk.energy(3)) == ENERGY
    assert talk.host.losses == []


def test_same_number_at_another_time_is_a_loss(talk: Talk) -> None:
    talk.energy(2)
    other = payload(2, metric(value=1.0, alias=1), timestamp=SENT_MS + 60_000)
    assert codes(talk.say("DDATA", other, "em1")) == ["no_birth"]
    assert [loss.missing for loss in talk.host.losses] == [255]


def test_name_counts_more_than_alias(talk: Talk) -> None:
    decoded = talk.say("DDATA", payload(2, metric("power", 6.0, alias=1)), "em1")
    assert read(decoded) == [("gw/em1", "power", 6.0)]


@pytest.mark.parametrize("kind", ["NDATA", "DBIRTH", "DDATA"])
def test_no_birth_seen(kind: str) -> None:
    device = "em1" if kind[0] == "D" else ""
    decoded = Talk().say(kind, payload(9, metric("energy", 1.0)), device)
    assert (codes(decoded), decoded.values, len(decoded.replies)) == (["no_birth"], [], 1)


def test_unknown_device_alias_and_name(talk: Talk) -> None:
    decoded = talk.energy(2, device="em2")
    assert (codes(decoded), len(decoded.replies)) == (["no_birth"], 1)
    decoded = talk.say(
        "DDATA",
        payload(3, metric(value=1.0, alias=77), metric("new", 1.0), metric(value=101.0, alias=1)),
        "em1",
    )
    assert codes(decoded) == ["no_birth", "no_birth"]
    assert read(decoded) == ENERGY
    assert talk.host.losses == []


def test_birth_of_the_node_ends_those_of_its_devices(talk: Talk) -> None:
    talk.node_birth(0, 8)
    assert codes(talk.energy(1)) == ["no_birth"]


def test_death_of_the_node(talk: Talk) -> None:
    assert talk.say("NDEATH", payload(None, bd_seq(7))).problems == []
    assert codes(talk.energy(2)) == ["no_birth"]
    talk.node_birth(0, 8)
    talk.device_birth(1)
    assert read(talk.energy(2)) == ENERGY
    assert talk.host.losses == []


@pytest.mark.parametrize("metrics", [[bd_seq(6)], []], ids=["older-will", "no-bdSeq"])
def test_stale_death_is_ignored(talk: Talk, metrics: list[Any]) -> None:
    decoded = talk.say("NDEATH", payload(None, *metrics))
    assert decoded.problems == decoded.replies == []
    assert read(talk.energy(2)) == ENERGY


def test_death_of_a_node_without_bd_seq() -> None:
    talk = Talk()
    talk.say("NBIRTH", payload(0))
    talk.device_birth(1)
    talk.say("NDEATH", payload(None, bd_seq(6)))
    assert codes(talk.energy(2)) == ["no_birth"]


def test_death_of_a_device(talk: Talk) -> None:
    talk.device_birth(2, device="em2")
    assert talk.say("DDEATH", payload(3), "em1").problems == []
    assert codes(talk.energy(4)) == ["no_birth"]
    assert read(talk.energy(5, device="em2")) == [("gw/em2", "energy", 101.0)]
    talk.device_birth(6)
    assert read(talk.energy(7)) == ENERGY
    assert talk.host.losses == []  # a death of a device counts in the sequence


def test_deaths_of_strangers_say_nothing() -> None:
    talk = Talk()
    for kind, device in (("NDEATH", ""), ("DDEATH", "em1")):
        decoded = talk.say(kind, payload(3, bd_seq(1)), device)
        assert decoded.problems == decoded.values == []


@pytest.mark.parametrize(
    "topic", ["spBv1.0/g/NCMD/gw", "spBv1.0/g/DCMD/gw/em1", "spBv1.0/STATE/greenpark"]
)
def test_commands_and_states_are_not_for_us(topic: str) -> None:
    host = SparkplugHost()
    decoded = host.decode(Incoming(topic, b'{"online": true}', ARRIVED), Options())
    assert decoded.values == decoded.problems == decoded.replies == []


def test_state_of_this_host() -> None:
    assert state_topic("greenpark") == "spBv1.0/STATE/greenpark"
    assert json.loads(state_payload(True, 5)) == {"online": True, "timestamp": 5}
    assert json.loads(state_payload(False, 5)) == {"online": False, "timestamp": 5}


# Restart.


def test_restart_keeps_aliases_and_sequence(talk: Talk) -> None:
    talk.energy(2)
    talk = restarted(talk)
    talk.later(5)
    assert read(talk.energy(3)) == ENERGY  # by alias only
    assert (talk.host.losses, talk.energy(4).problems) == ([], [])


def test_restart_reports_what_was_missed(talk: Talk) -> None:
    talk = restarted(talk)
    talk.later(5)
    decoded = talk.energy(6)
    assert (read(decoded), len(decoded.replies)) == (ENERGY, 1)
    assert [(loss.expected, loss.got) for loss in talk.host.losses] == [(2, 6)]


def test_long_absence_trusts_no_alias(talk: Talk) -> None:
    talk = restarted(talk)
    talk.later(3600)
    decoded = talk.energy(6)
    assert (codes(decoded), len(decoded.replies), len(talk.host.losses)) == (["no_birth"], 1, 1)
    talk.born()
    assert read(talk.energy(2)) == ENERGY


def test_birth_again_after_a_restart(talk: Talk) -> None:
    talk = restarted(talk)
    talk.born()
    assert read(talk.energy(2)) == ENERGY


def test_restart_knows_units_types_and_deaths(talk: Talk) -> None:
    unit = metric("temperature", -4, DataType.INT16, alias=9)
    unit.properties.keys.append("engUnit")
    unit.properties.values.add(string_value="degC")
    talk.device_birth(2, unit, device="em2")
    talk.say("DDEATH", payload(3), "em1")
    talk = restarted(talk)
    sent = metric(value=-5, datatype=DataType.INT16, alias=9)
    sent.ClearField("datatype")
    [got] = talk.say("DDATA", payload(4, sent), "em2").values
    assert (got.value, got.unit) == (-5.0, "degC")
    assert codes(talk.energy(5)) == ["no_birth"]
    talk.say("NDEATH", payload(None, bd_seq(7)))
    assert codes(restarted(talk).energy(6)) == ["no_birth"]


def test_stale_death_after_a_restart(talk: Talk) -> None:
    talk = restarted(talk)
    talk.say("NDEATH", payload(None, bd_seq(6)))
    assert read(talk.energy(2)) == ENERGY
    talk.say("NDEATH", payload(None, bd_seq(7)))
    assert codes(talk.energy(3)) == ["no_birth"]


def test_tables_of_an_older_birth_are_not_restored(talk: Talk) -> None:
    saved = talk.host.dirty()
    talk.host.saved()
    talk.node_birth(0, 8)  # the device was not born again
    saved |= talk.host.dirty()
    assert codes(restarted(talk, saved).energy(1)) == ["no_birth"]


def test_only_what_changed_is_saved(talk: Talk) -> None:
    assert set(talk.host.dirty()) == {("g", "gw"), ("g", "gw/"), ("g", "gw/em1")}
    assert talk.host.dirty() == talk.host.dirty()  # asked again after a failed commit
    talk.host.saved()
    assert talk.host.dirty() == {}
    talk.energy(2)
    assert set(talk.host.dirty()) == {("g", "gw")}  # not the tables


# Strangers without end.


def test_nodes_of_a_group_are_bounded(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkplug_nodes, "MOST_NODES", 3)
    for number in range(10):
        talk.say("NBIRTH", payload(0, metric("x", 1.0)), edge=f"n{number}")
    refused = talk.say("NBIRTH", payload(0, metric("x", 1.0)), edge="one-more")
    assert codes(refused) == ["items"]
    assert codes(talk.say("NDATA", payload(0), edge="yet-one-more")) == ["items"]
    assert read(talk.energy(2)) == ENERGY
    other = Incoming("spBv1.0/other/NBIRTH/n", payload(0), ARRIVED)
    assert talk.host.decode(other, Options()).problems == []
    assert codes(restarted(talk).say("NDATA", payload(0), edge="new")) == ["items"]


def test_metrics_of_a_node_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkplug_nodes, "MOST_METRICS", 4)
    talk = Talk()
    talk.born()  # 1 + 2
    assert codes(talk.device_birth(2)) == []  # takes the place of the one before
    assert codes(talk.device_birth(3, metric("x", 1.0), device="em2")) == []
    assert codes(talk.device_birth(4, metric("x", 1.0), device="em3")) == ["items"]


def test_broken_payload_raises_our_error_only(talk: Talk) -> None:
    with pytest.raises(PayloadError, match="payload"):
        talk.say("DDATA", b"\xff", "em1")
    assert read(talk.energy(2)) == ENERGY


def test_devices_of_a_node_are_bounded_even_without_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sparkplug_nodes, "MOST_DEVICES", 2)  # the node itself is one of them
    talk = Talk()
    talk.node_birth(0)
    assert codes(talk.device_birth(1)) == []
    assert codes(talk.device_birth(2, device="em2")) == ["items"]
    assert codes(talk.device_birth(3)) == []  # a known one may be born again
