"""Whatever arrives is refused or decoded: no other error, no senseless number or time."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.formats import template
from collectors.formats.base import OLDEST_US, Incoming, Options
from models.errors import PayloadError
from tests.payload_cases import CASES, STATELESS, decoder, payload

NAMES = sorted([*STATELESS, *template.load_templates()])
SEEDS: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
for _path in CASES:
    SEEDS[_path.parent.name].append(json.loads(_path.read_text(encoding="utf-8")))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ZONES = st.sampled_from([None, ZoneInfo("Europe/Rome"), ZoneInfo("Asia/Shanghai")])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2**28, 2**63, 10**40, 10**400, 1772323200, 1772323200000]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=6),
    st.sampled_from(["--", "NaN", "1e999", "12.3", "20260301080000", "0000", "２", "on", "W", ""]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def check(name: str, topic: str, data: bytes, fresh: bool, options: Options) -> None:
    try:
        out = decoder(name)(Incoming(topic, data, NOW, fresh), options)
    except PayloadError:
        return
    for device, channel, ts_us, value, correction, unit in out.values:
        assert type(device) is str
        assert type(channel) is str
        assert type(ts_us) is int
        assert OLDEST_US <= ts_us < 253_402_300_800_000_000
        assert type(value) is float
        assert math.isfinite(value)
        assert correction is False
        assert unit is None or type(unit) is str
    for problem in out.problems:
        assert len(str(problem)) < 2_000
    assert len(out.values) + len(out.problems) <= 10_000


@st.composite
def mutated(draw: st.DrawFn, root: Any) -> Any:
    """A payload in which one place holds something else, was lost, or is there twice."""
    if not isinstance(root, dict | list) or not root or draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    keys = list(root) if isinstance(root, dict) else list(range(len(root)))
    key = draw(st.sampled_from(keys))
    copy: Any = dict(root) if isinstance(root, dict) else list(root)
    change = draw(st.sampled_from(["deeper", "lost", "moved"]))
    if change == "lost":
        del copy[key]
    elif change == "moved" and isinstance(copy, dict):
        copy[draw(st.sampled_from(keys))] = root[key]
    else:
        copy[key] = draw(mutated(root[key]))
    return copy


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150)
@given(data=st.data(), fresh=st.booleans(), zone=ZONES)
def test_almost_right_payloads(name: str, data: st.DataObject, fresh: bool, zone: Any) -> None:
    case = data.draw(st.sampled_from(SEEDS[name]))
    topic = data.draw(st.sampled_from([c["topic"] for c in SEEDS[name]]))
    body = data.draw(mutated(case["payload"])) if "payload" in case else data.draw(JSON)
    text = json.dumps(body).encode()  # NaN and Infinity included, as careless encoders write them
    check(name, topic, text, fresh, Options(zone))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(
    data=st.binary(max_size=60),
    topic=st.text(max_size=12),
    fresh=st.booleans(),
    encoding=st.sampled_from([None, "gbk", "utf-16", "no-such", "utf-7", "idna"]),
)
def test_any_bytes_on_any_topic(
    name: str, data: bytes, topic: str, fresh: bool, encoding: str | None
) -> None:
    check(name, topic, data, fresh, Options(None, encoding))
    for case in SEEDS[name][:2]:
        check(name, case["topic"], data, fresh, Options(None, encoding))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(data=st.data())
def test_payloads_cut_off_or_with_a_byte_changed(name: str, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(SEEDS[name]))
    whole = bytearray(payload(case))
    at = data.draw(st.integers(0, max(0, len(whole) - 1)))
    if data.draw(st.booleans()):
        whole = whole[:at]
    else:
        whole[at : at + 1] = data.draw(st.binary(min_size=1, max_size=2))
    check(name, case["topic"], bytes(whole), True, Options(None, case.get("encoding")))
