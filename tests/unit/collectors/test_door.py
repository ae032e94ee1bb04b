"""Who may write what: ownership, unknown names, the future, and believable values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.directory import Directory
from collectors.door import Batch, Door, converted
from collectors.formats.base import Incoming
from models.channels import ChannelRef
from models.errors import PayloadError
from models.periods import to_us

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def channel(number: int, enterprise: str, meter: str, key: str, **more: Any) -> ChannelRef:
    facts: dict[str, Any] = {
        "quantity": "active_energy",
        "unit": "kWh",
        "kind": "register",
        "role": "none",
        "factor": 1.0,
        "modulus": None,
        "period_s": 900,
        "rated_per_h": None,
        "in_service_from": None,
    }
    return ChannelRef(number, key, meter, 1, enterprise, 1, "p", **(facts | more))


DOOR = Door(
    Directory(
        [
            channel(1, "alpha", "a-grid", "import_kwh", modulus=1e6, factor=100.0),
            channel(
                2,
                "alpha",
                "a-grid",
                "power_kw",
                quantity="active_power",
                unit="W",
                kind="gauge",
                factor=1e-3,
            ),
            channel(3, "beta", "b-grid", "import_kwh"),
        ]
    ),
    10_000,
    timedelta(minutes=5),
)


def judge_bytes(topic: str, payload: bytes) -> Batch:
    return DOOR.judge([Incoming(topic, payload, NOW)])


def judge(topic: str, values: dict[str, Any], ts: datetime = NOW) -> Batch:
    return judge_bytes(topic, json.dumps({"ts": ts.isoformat(), "values": values}).encode())


def reason(judged: Batch) -> str | None:
    return judged.quarantined[0].reason if judged.quarantined else None


def test_a_good_message() -> None:
    judged = judge("park/p/alpha/a-grid", {"import_kwh": 5, "power_kw": -70})
    assert judged.readings == [
        (1, to_us(NOW), 5.0, to_us(NOW), False),
        (2, to_us(NOW), -70.0, to_us(NOW), False),
    ]
    assert (judged.refused, judged.quarantined) == ([0], {})
    most = judge("park/p/alpha/a-grid", {"power_kw": 4.9e9, "import_kwh": 1e6})  # 4.9 GW in W
    assert len(most.readings) == 2


@pytest.mark.parametrize(
    ("topic", "values", "code"),
    [
        ("park/p/beta/a-grid", {"import_kwh": 1}, "ownership"),
        ("park/p/alpha/b-grid", {"import_kwh": 1}, "ownership"),
        ("park/q/alpha/a-grid", {"import_kwh": 1}, "unknown_park"),
        ("park/p/alpha/c-grid", {"import_kwh": 1}, "unknown_meter"),
        ("park/p/alpha/a-grid", {"export_kwh": 1}, "unknown_channel"),
        ("park/p/alpha/a-grid", {"import_kwh": -1}, "out_of_range"),
        (
            "park/p/alpha/a-grid",
            {"import_kwh": 1_000_001},
            "out_of_range",
        ),  # the display ends at 1e6
        ("park/p/alpha/a-grid", {"power_kw": 5.1e9}, "out_of_range"),  # 5 GW in W
        ("park/p", {"import_kwh": 1}, "topic"),
    ],
)
def test_refused(topic: str, values: dict[str, Any], code: str) -> None:
    judged = judge(topic, values)
    assert (reason(judged), judged.readings, judged.refused) == (code, [], [1])


@pytest.mark.parametrize(("ahead_s", "code"), [(300, None), (301, "future")])
def test_the_future_begins_after_the_tolerance(ahead_s: int, code: str | None) -> None:
    ahead = NOW + timedelta(seconds=ahead_s)
    assert reason(judge("park/p/alpha/a-grid", {"import_kwh": 1}, ahead)) == code


def test_a_gateway_may_not_slip_in_a_foreign_meter() -> None:
    items = [
        {"m": m, "ts": NOW.isoformat(), "values": {"import_kwh": 1}}
        for m in ("a-grid", "b-grid", "a-grid")
    ]
    judged = judge_bytes("park/p/alpha", json.dumps(items).encode())
    assert [channel for channel, *_ in judged.readings] == [1, 1]
    assert (reason(judged), judged.refused) == ("ownership", [1])


def test_too_large_is_refused_before_it_is_decoded() -> None:
    judged = judge_bytes("park/p/alpha/a-grid", b"x" * 10_001)
    assert reason(judged) == "too_large"
    assert len(judged.quarantined[0].payload) == 10_001  # kept whole, as evidence


def test_long_lists_of_problems_are_cut_and_jsonb_can_hold_them() -> None:
    values: dict[str, Any] = {f"ghost\0{n}": 1 for n in range(61)}
    judged = judge("park/p/alpha/a-grid", values)
    assert judged.refused == [61]
    detail = judged.quarantined[0].detail
    assert len(detail) == 51
    assert (detail[-1]["code"], detail[-1]["got"]) == ("more", "11")
    assert "\0" not in json.dumps(detail, ensure_ascii=False)


def test_a_rate_is_believable_as_a_rate_and_an_event_as_an_amount() -> None:
    flow = {"quantity": "water_volume", "unit": "L/s", "kind": "rate", "factor": 3.6}
    slip = {"quantity": "mass", "unit": "kg", "kind": "batch", "factor": 1e-3}
    refs = [channel(1, "a", "m", "flow", **flow), channel(2, "a", "m", "slip", **slip)]
    door = Door(Directory(refs), 10_000, timedelta(minutes=5))

    def stored(**values: float) -> list[float]:
        text = json.dumps({"ts": NOW.isoformat(), "values": values})
        return [r[2] for r in door.judge([Incoming("park/p/a/m", text.encode(), NOW)]).readings]

    # up to 1e6 m3/h either way = 277,777.8 L/s; a volume would allow 0 to 2.8e9
    assert stored(flow=-277_777) == [-277_777]
    assert stored(flow=277_778) == []
    assert stored(flow=-277_778) == []
    # 0 to 1e9 t: a correction slip is no event of its own
    assert stored(slip=0) == [0]
    assert stored(slip=-1) == []


def test_the_unit_of_a_rate_is_converted() -> None:
    flow = {"quantity": "water_volume", "unit": "L/s", "kind": "rate", "factor": 3.6}
    slot = Directory([channel(1, "a", "m", "flow", **flow)])._channels["p", "m", "flow"]
    assert converted(36.0, "m3/h", slot) == pytest.approx(10.0)
    with pytest.raises(PayloadError, match="a unit of volume_flow"):
        converted(36.0, "m3", slot)
