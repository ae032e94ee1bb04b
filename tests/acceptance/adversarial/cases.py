"""The cases: read from `cases/*.yaml`, made into parks and recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.acceptance.adversarial.series import messages
from tests.acceptance.adversarial.times import moment

FOLDER = Path(__file__).parent / "cases"
ZONES = {"lab": "Asia/Shanghai", "rome": "Europe/Rome"}
FIRST_RUN = datetime.fromisoformat("2026-03-20T00:00:00+08:00")
SECOND_RUN = datetime.fromisoformat("2026-03-22T00:00:00+08:00")
_ARRIVES = datetime.fromisoformat("2026-03-20T12:00:00+08:00")  # the second phase, at the earliest
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_REGISTER = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}


@dataclass(frozen=True)
class Case:
    """One case; the keys of the file are explained in README.md."""

    case: str
    title: str
    why: str
    send: list[dict[str, Any]]
    later: list[dict[str, Any]] = field(default_factory=list)
    day: date = date(2026, 3, 3)
    park: str = "lab"
    channels: Mapping[str, Any] = field(default_factory=lambda: {"import_kwh": {}})
    meters: Mapping[str, Any] = field(default_factory=dict)
    expect: list[dict[str, Any]] = field(default_factory=list)
    before: list[dict[str, Any]] | None = None
    sums: list[dict[str, Any]] = field(default_factory=list)
    periods: list[dict[str, Any]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    findings_before: list[str] | None = None
    may: list[str] = field(default_factory=list)
    rest: str = "missing"
    largest: float | None = None
    ordered: bool = False
    restated: list[dict[str, Any]] = field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        """Zone of the park."""
        return ZoneInfo(ZONES[self.park])

    @property
    def at(self) -> Callable[[str], datetime]:
        """Reads a time of this case."""
        return partial(moment, day=self.day, zone=self.zone)

    def meter_key(self, entry: Mapping[str, Any]) -> str:
        """Key of the meter an entry is about."""
        name = entry.get("meter")
        return self.case if name is None else f"{self.case}-{name}"

    def channel_of(self, entry: Mapping[str, Any]) -> str:
        """Key of the channel an entry is about: the first one unless named."""
        meter = self.meters[entry["meter"]] if "meter" in entry else {"channels": self.channels}
        return str(entry.get("channel") or next(iter(meter["channels"])))

    def path(self, entry: Mapping[str, Any]) -> str:
        """Name of the channel in `greenpark intervals`."""
        return f"{self.case}/{self.meter_key(entry)}/{self.channel_of(entry)}"

    def recording(self, phase: str) -> Iterator[dict[str, str]]:
        """Messages of `send` or `later` in the order of arrival."""
        lines = []
        for entry in getattr(self, phase):
            topic = f"park/{self.park}/{self.case}"
            topic += "" if entry.get("gateway") else f"/{self.meter_key(entry)}"
            floor = _ARRIVES if phase == "later" else _LONG_AGO
            lines += messages(entry, topic, self.channel_of(entry), self.at, floor)
        return iter(sorted(lines, key=lambda line: line["arrival_ts"]))

    def enterprise(self) -> dict[str, Any]:
        """The part of park.yaml."""
        meters = dict(self.meters) or {None: {"channels": self.channels}}
        return {
            "key": self.case,
            "name": _names(self.case),
            "meters": [
                {
                    **{k: v for k, v in facts.items() if k != "parent"},
                    **({"parent": f"{self.case}-{facts['parent']}"} if "parent" in facts else {}),
                    "key": self.case if name is None else f"{self.case}-{name}",
                    "name": _names(name or self.case),
                    "channels": {k: _channel(c) for k, c in facts["channels"].items()},
                }
                for name, facts in meters.items()
            ],
        }


def _channel(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A channel of park.yaml; energy takes part in the balance, so that no job is spared."""
    whole = _REGISTER | facts
    energy = whole["quantity"] == "active_energy"
    return ({"role": "grid_import"} if energy else {}) | whole


def _names(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def load() -> list[Case]:
    """All cases of all files; names are unique."""
    cases = [
        Case(**raw)
        for path in sorted(FOLDER.glob("*.yaml"))
        for raw in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
    names = [c.case for c in cases]
    assert len(set(names)) == len(names), "a case name is used twice"
    return cases


def park(key: str, cases: list[Case]) -> dict[str, Any]:
    """park.yaml with the cases of one park."""
    mine = [c.enterprise() for c in cases if c.park == key]
    return {"key": key, "name": _names(key), "timezone": ZONES[key], "enterprises": mine}
