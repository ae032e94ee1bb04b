"""Sparkplug B under fire: whatever comes, values are finite and in time, faults are our own."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.formats.base import Incoming, Options
from collectors.formats.sparkplug_host import SparkplugHost
from models.errors import PayloadError
from models.sparkplug import Payload
from tests.sparkplug_messages import ARRIVED, Talk

OLDEST_US, NEWEST_US = 946_684_800_000_000, 253_402_300_800_000_000
KINDS = st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"])
U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
VALUES = st.one_of(
    st.none(),
    st.tuples(st.just("int_value"), U32),
    st.tuples(st.just("long_value"), U64),
    st.tuples(st.just("float_value"), st.floats(width=32)),
    st.tuples(st.just("double_value"), st.floats()),
    st.tuples(st.just("boolean_value"), st.booleans()),
    st.tuples(st.just("string_value"), st.text(max_size=5)),
    st.tuples(st.just("template_value"), st.binary(max_size=20)),
)
METRICS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", "bdSeq", "", "n\0", "Node Control/Rebirth"]),
        "alias": st.integers(0, 3),
        "timestamp": st.one_of(U64, st.just(1_772_324_100_000)),
        "datatype": st.one_of(st.integers(0, 36), U32),
        "is_null": st.booleans(),
        "value": VALUES,
    },
)


def fire(host: SparkplugHost, topic: str, raw: bytes) -> None:
    """Decode; the state must fit into the database whatever came."""
    try:
        decoded = host.decode(Incoming(topic, raw, ARRIVED), Options())
    except PayloadError:
        return
    for value in decoded.values:
        assert math.isfinite(value.value)
        assert OLDEST_US <= value.ts_us < NEWEST_US
        assert value.device
        assert value.channel
    assert all(isinstance(p, PayloadError) for p in decoded.problems)
    text = json.dumps([[*key, state] for key, state in host.dirty().items()], ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode()


@given(st.binary(max_size=300), KINDS, st.booleans())
def test_any_bytes(raw: bytes, kind: str, known: bool) -> None:
    talk = Talk()
    if known:
        talk.born()
    fire(talk.host, f"spBv1.0/g/{kind}/gw" + ("/em1" if kind[0] == "D" else ""), raw)


@given(st.text(max_size=60))
def test_any_topic(topic: str) -> None:
    fire(SparkplugHost(), topic, b"")
    fire(SparkplugHost(), f"spBv1.0/g/NBIRTH/{topic}", b"")


@settings(max_examples=300)
@given(st.lists(st.tuples(KINDS, st.integers(0, 257), st.lists(METRICS, max_size=5)), max_size=12))
def test_any_talk(talk: list[tuple[str, int, list[dict[str, Any]]]]) -> None:
    host = SparkplugHost()
    for kind, seq, metrics in talk:
        made = Payload(seq=seq, timestamp=1_772_324_100_000 + seq)
        for fields in metrics:
            value = fields.pop("value", None)
            metric = made.metrics.add(**fields)
            if value is not None:
                setattr(metric, *value)
        topic = f"spBv1.0/g/{kind}/gw" + ("/em1" if kind[0] == "D" else "")
        fire(host, topic, made.SerializeToString())
    saved = {key: json.loads(json.dumps(state)) for key, state in host.dirty().items()}
    SparkplugHost().restore(saved)
