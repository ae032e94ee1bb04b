"""A short, fixed run of the fuzzer; the long one is `scripts/fuzz`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.door import Batch, formats
from collectors.formats.base import Incoming, to_us
from tests.architecture.tree import REPO
from tests.fuzz import run
from tests.fuzz.corpus import MOST_BYTES, NOW, NOW_MS, seeds
from tests.fuzz.invariants import Violation, check, limits
from tests.fuzz.run import Report, fire, fire_range
from tests.fuzz.shot import Shot, door_of_park, judged
from tests.fuzz.stored import store_sample
from tests.fuzz.targets import cut_shot, makers, shot

SEED = 20260301
GOOD = b'{"ts":1772324100000,"values":{"import_kwh":5,"power_kw":2}}'
TOPIC = "park/fuzz/alpha/a-grid"


def test_thirty_thousand_payloads_do_no_harm() -> None:
    report = fire_range(SEED, 0, 30_000, most=3)
    print(run.table(report))
    assert report.violations == []
    assert report.payloads == 30_000
    assert {c for c, t in report.tallies.items() if t.payloads < 500} == set()
    through = {c: t.codes["accepted"] for c, t in report.tallies.items()}
    assert {c for c, n in through.items() if n < 50} == set(), "damage never gets past the parser"
    refused = sum((t.codes for t in report.tallies.values()), Counter[str]())
    assert {"json", "schema", "ownership", "out_of_range", "future", "not_finite"} <= set(refused)


def test_nothing_bad_is_stored(dsn: str) -> None:
    counters = store_sample(dsn, SEED, 5_000)
    assert min(counters[name] for name in ("stored", "duplicate", "conflict", "quarantined")) > 50


def test_every_format_is_fired_at() -> None:
    assert set(formats()) | {"native"} <= set(makers()), "a format without a fixture or target"


def _digest(numbers: int) -> str:
    pieces = [shot(SEED, n).pieces for n in range(numbers)]
    return hashlib.sha256(repr(pieces).encode("utf-8", "backslashreplace")).hexdigest()


def test_a_number_is_always_the_same_payload() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tests.fuzz.test_fuzz import _digest; print(_digest(150))"],
        cwd=REPO,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == _digest(150)


def _topic(codec: str, end: str) -> str:
    return next(s.topic for s in seeds()[codec] if s.topic.endswith(end))


GATEWAY = _topic("thingsboard", "v1/gateway/telemetry")
SHELLY_RPC = _topic("shelly-pro-3em", "events/rpc")
SHELLY_STATUS = _topic("shelly-3em", "/status")
ROWS = {f"em:{n}": {"a_voltage": 1} for n in range(900)}
AMPLIFIERS = {
    "long device, many bad items": (GATEWAY, {"k" * 100_000: [1] * 60}),
    "long meter in the topic": (
        "park/fuzz/alpha/" + "x" * 60_000,
        [{"m": "a", "ts": NOW_MS, "values": {"a": 1}}] * 1_000,
    ),
    "long base name": (
        _topic("senml", ""),
        [{"bn": "x" * 200_000, "bt": 1e13, "n": "a", "v": 1}, *[{"n": "b", "v": 1}] * 998],
    ),
    "long device URN": (
        _topic("senml", ""),
        [{"bn": "urn:dev:ow:10e2_" + "x" * 200_000, "n": "a", "v": 1}, *[{"v": 1}] * 998],
    ),
    "a condition on a long list": (SHELLY_RPC, {"method": [0] * 40_000, "params": ROWS}),
    "a time that is a long list": (
        SHELLY_STATUS,
        {"unixtime": [[]] * 40_000, "emeters": [{"power": 1}] * 900},
    ),
    "a time that is a wide object": (
        SHELLY_STATUS,
        {"unixtime": [{str(n): 0 for n in range(18_000)}], "emeters": [{"power": 1}] * 900},
    ),
    "a time within a long list": (_topic("shelly-3em", "/total"), [0] * 60_000),
    "many unknown channels": (TOPIC, {"ts": NOW_MS, "values": {str(n): 1 for n in range(15_000)}}),
}


@pytest.mark.parametrize(("topic", "body"), AMPLIFIERS.values(), ids=AMPLIFIERS)
def test_a_small_message_does_not_become_large_or_slow(topic: str, body: Any) -> None:
    payload = json.dumps(body, separators=(",", ":")).encode()
    assert len(payload) <= MOST_BYTES
    made = Shot("hand", [(topic, payload)], lambda: judged([Incoming(topic, payload, NOW)]))
    report = Report()
    fire(0, 0, report, made)
    assert report.violations == []


@pytest.mark.parametrize("codec", ["native", "thingsboard", "cet"])
def test_any_depth(codec: str) -> None:
    seed = next(s for s in seeds()[codec] if b"value" in s.json)
    marks = [m for m in (b'"value":', b'"values":', b'"power_kw":', b'"unit":') if m in seed.json]
    for depth in (100, 500, *range(860, 1010, 2), 5_000):
        for inner in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
            for mark in marks:
                begin, found, rest = seed.json.partition(mark)
                judged([Incoming(seed.topic, begin + found + inner + b',"more":' + rest, NOW)])


KEYS = st.sampled_from(
    ["ts", "values", "m", "q", "seq", "correction", "import_kwh", "power_kw", ""]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([NOW_MS, NOW_MS * 1000, "2026-03-01T00:00:00Z", "a-grid", "b-grid"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
ITEM = st.fixed_dictionaries(
    {"ts": st.sampled_from([NOW_MS, "2026-03-01T00:00:00Z"]) | SCALARS},
    optional={
        "values": st.dictionaries(KEYS | st.text(max_size=3), SCALARS, max_size=4) | JSON,
        "m": st.sampled_from(["a-grid", "b-grid", "a-water"]) | SCALARS,
        "q": st.just(0) | SCALARS,
        "correction": st.booleans() | SCALARS,
    },
)
TOPICS = st.sampled_from([TOPIC, "park/fuzz/alpha", "park/fuzz/beta", "park/fuzz/beta/a-grid"])


@settings(derandomize=True, max_examples=200, deadline=None)
@given(TOPICS, ITEM | st.lists(ITEM, max_size=4) | JSON)
def test_any_native_item(topic: str, body: Any) -> None:
    judged([Incoming(topic, json.dumps(body).encode("utf-8", "surrogatepass"), NOW)])


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.sampled_from([c for c in sorted(seeds()) if c != "sparkplug"]), st.data(), JSON)
def test_any_json_on_any_topic(codec: str, data: st.DataObject, body: Any) -> None:
    seed = data.draw(st.sampled_from(seeds()[codec]))
    judged([Incoming(seed.topic, json.dumps(body).encode("utf-8", "surrogatepass"), NOW)])


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=4), st.booleans())
def test_any_stream_however_cut(stream: bytes, cuts: list[int], v5: bool) -> None:
    cut_shot("packets", b"\x30\x08\0\1a" + stream, cuts, v5=v5).run()


def _batch(payload: bytes = GOOD) -> tuple[list[Incoming], Batch]:
    messages = [Incoming(TOPIC, payload, NOW)]
    return messages, door_of_park().judge(messages)


def _reading(at: int, value: Any) -> Callable[[Batch], None]:
    def damage(batch: Batch) -> None:
        row = list(batch.readings[0])
        row[at] = value
        batch.readings[0] = tuple(row)  # type: ignore[call-overload]

    return damage


def _detail(**more: str) -> Callable[[Batch], None]:
    def damage(batch: Batch) -> None:
        problem = {"code": "json", "field": "", "got": "", "expected": "", **more}
        row = replace(_batch(b"[")[1].quarantined[0], payload=GOOD, detail=[problem])
        batch.quarantined[0] = replace(row, reason=problem["code"])
        batch.refused[0] = 1

    return damage


BETA = max(ref for ref in limits() if limits()[ref].enterprise == "beta")
DAMAGE: dict[str, Callable[[Batch], None]] = {
    "nan": _reading(2, float("nan")),
    "above": _reading(2, 1e6 + 1),
    "below": _reading(2, -1.0),
    "text": _reading(2, "5"),
    "future": _reading(1, to_us(NOW) + 300_000_001),
    "old": _reading(1, 946_684_799_999_999),
    "other enterprise": _reading(0, BETA),
    "no channel": _reading(0, 10**6),
    "a reading too many": lambda batch: batch.readings.append(batch.readings[0]),
    "refused without a row": lambda batch: batch.refused.__setitem__(0, 1),
    "internal": _detail(code="internal"),
    "long got": _detail(got="x" * 201),
    "long field": _detail(field="x" * 60_000),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_the_checks_bite(damage: Callable[[Batch], None]) -> None:
    messages, batch = _batch()
    assert check(messages, batch)["accepted"] == 2
    damage(batch)
    with pytest.raises(Violation):
        check(messages, batch)


def _spin() -> Counter[str]:
    return Counter(accepted=sum(1 for _ in range(4_000_000)))


def _fill() -> Counter[str]:
    return Counter(accepted=len(bytearray(400_000_000).strip(b"\1")))


@pytest.mark.parametrize(("work", "said"), [(_spin, "took"), (_fill, "memory")])
def test_slow_and_greedy_are_violations(
    work: Callable[[], Counter[str]], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_MS", 20.0 if said == "took" else 1e9)
    report = Report()
    fire(3, 14, report, Shot("hand", [("t", b"\xff")], work))
    assert said in report.violations[0]
    assert "seed=3 number=14 codec=hand 't'=ff" in report.violations[0]
