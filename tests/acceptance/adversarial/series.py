"""Compact series of the case files to messages, and compact expectations to buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tests.acceptance.adversarial.times import pause

Reading = tuple[datetime, float]
_SENT = {"at", "every", "values", "until", "start", "days", "load", "skip", "digits"} | {
    "meter", "channel", "arrives", "correction", "payload", "form", "gateway",
}  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """What one quarter-hour has to be; `value` None: missing."""

    value: float | None
    quality: str


def repeated(values: list[Any]) -> Iterator[Any]:
    """The values; `"0 x14"` stands for fourteen."""
    for value in values:
        text, _, count = str(value).partition(" x")
        yield from [text if count else value] * int(count or 1)


def readings(entry: Mapping[str, Any], at: Any) -> Iterator[Reading]:
    """Time and value of each reading of an entry; `at` reads a time."""
    begin, every = at(entry["at"]), timedelta(seconds=entry.get("every", 900))
    if "values" in entry:
        for n, value in enumerate(repeated(entry["values"])):
            yield _later(begin, n * every), float(value)
        return
    skips = [(at(a), at(b)) for a, b in entry.get("skip", ())]
    value, now, stop = entry["start"], begin, at(entry["until"])
    while now <= stop:
        if not any(a <= now <= b for a, b in skips):
            yield now, round(value, entry.get("digits", 6))
        value += _load(entry, now, at)
        now = _later(now, every)


def _later(at: datetime, pause_: timedelta) -> datetime:
    """In real time, also where the clocks change."""
    return (at.astimezone(UTC) + pause_).astimezone(at.tzinfo)


def _load(entry: Mapping[str, Any], now: datetime, at: Any) -> float:
    """What is added until the next reading: by day from which on it holds, and time of day."""
    load = entry.get("load")
    for block in entry.get("days", ()):
        if at(f"{block['from']} 00:00") <= now:
            load = block["load"]
    assert load is not None, "neither load nor days"
    if not isinstance(load, Mapping):
        return float(load)
    last = max(time.fromisoformat(t) for t in load if time.fromisoformat(t) <= now.time())
    return float(load[f"{last:%H:%M}"])


def messages(
    entry: Mapping[str, Any], topic: str, channel: str, at: Any, floor: datetime
) -> Iterator[dict[str, str]]:
    """Lines of a recording; without `arrives` 2 s after the measurement, or at the floor."""
    assert set(entry) <= _SENT, f"unknown keys {set(entry) - _SENT}"
    if "payload" in entry:
        arrived = at(entry["arrives"]) if "arrives" in entry else max(at(entry["at"]), floor)
        yield _line(arrived, topic, entry["payload"])
        return
    for when, value in readings(entry, at):
        arrives = entry.get("arrives", "+2s")
        lag = pause(arrives)
        arrived = at(arrives) if lag is None else when.astimezone(UTC) + lag
        item: dict[str, Any] = {"ts": _stamp(when, entry.get("form", "ms"))}
        item["values"] = {entry.get("channel", channel): value}
        if entry.get("correction"):
            item["correction"] = True
        yield _line(arrived if "arrives" in entry else max(arrived, floor), topic, json.dumps(item))


def _stamp(when: datetime, form: str) -> int | str:
    if form == "ms":
        return round(when.timestamp() * 1000)
    return when.isoformat() if form == "local" else when.astimezone(UTC).isoformat()


def _line(arrived: datetime, topic: str, payload: str) -> dict[str, str]:
    stamp = arrived.astimezone(UTC).isoformat()
    return {"arrival_ts": stamp, "topic": topic, "payload": payload}


def expected(entry: Mapping[str, Any], at: Any) -> Iterator[tuple[datetime, Expected]]:
    """Buckets: a number is measured, `~number` estimated, `missing` has no value."""
    begin = at(entry["at"])
    for n, value in enumerate(repeated(entry["values"])):
        text = str(value)
        if text == "missing":
            wanted = Expected(None, "missing")
        elif text.startswith("~"):
            wanted = Expected(float(text[1:]), "estimated")
        elif text.startswith("?"):
            wanted = Expected(float(text[1:]), "")
        else:
            wanted = Expected(float(text), "measured")
        yield _later(begin, n * timedelta(minutes=15)).astimezone(UTC), wanted
