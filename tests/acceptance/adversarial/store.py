"""One empty store that is fed and read with the command line only."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.adversarial.cases import FIRST_RUN, SECOND_RUN, Case, park
from tests.acceptance.conftest import Program

Row = Mapping[str, str]
Intervals = Mapping[str, Mapping[datetime, Row]]


@dataclass(frozen=True)
class Told:
    """What the reading commands say: rows by channel and quarter-hour, findings by enterprise."""

    intervals: Intervals
    findings: Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Outcome:
    """A store after both phases.

    Attributes:
        first: as told between the phases. as_of: as told afterwards of the time between them.
        periods: by length, channel and label. restated: rows of `restatements --buckets`.
    """

    first: Told
    last: Told
    as_of: Intervals
    periods: Mapping[str, Mapping[str, Mapping[str, Row]]]
    restated: Mapping[str, Mapping[datetime, list[Row]]]


def fill(program: Program, cases: list[Case], folder: Path) -> Outcome:
    """Both phases of all cases through an empty store."""
    prepare(program, cases, folder)
    feed(program, folder / "phase1.jsonl", recording(cases, "send"))
    program("run", "--once", "--now", FIRST_RUN.isoformat())
    first = told(program)
    feed(program, folder / "phase2.jsonl", recording(cases, "later"))
    program("run", "--once", "--now", SECOND_RUN.isoformat())
    return Outcome(
        first,
        told(program),
        intervals(program, "--as-of", FIRST_RUN.isoformat()),
        {by: periods(program, by) for by in ("hour", "day", "month")},
        restatements(program),
    )


def prepare(program: Program, cases: list[Case], folder: Path) -> None:
    """An empty schema and the parks of the cases."""
    program("migrate")
    for key in {c.park: None for c in cases}:
        path = folder / f"{key}.yaml"
        path.write_text(yaml.safe_dump(park(key, cases), allow_unicode=True), "utf-8")
        program("apply", str(path))


def recording(cases: Iterable[Case], phase: str) -> list[dict[str, str]]:
    """The messages of all cases."""
    return [line for case in cases for line in case.recording(phase)]


def feed(program: Program, path: Path, lines: list[dict[str, str]]) -> None:
    """Import a recording."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    program("import", "messages", str(path))


def told(program: Program) -> Told:
    """Intervals and findings as they are now."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(program("findings", "--format", "json", "--limit", "100000")):
        found.setdefault(row["enterprise"], []).append(row)
    return Told(intervals(program), found)


def intervals(program: Program, *options: str) -> Intervals:
    """Rows of `greenpark intervals`."""
    out: dict[str, dict[datetime, Row]] = {}
    for row in _table(program("intervals", "--format", "csv", *options)):
        out.setdefault(row["channel"], {})[_utc(row["bucket_start"])] = row
    return out


def periods(program: Program, by: str) -> Mapping[str, Mapping[str, Row]]:
    """Rows of `greenpark intervals --by`."""
    out: dict[str, dict[str, Row]] = {}
    for row in _table(program("intervals", "--by", by, "--format", "csv")):
        out.setdefault(row["channel"], {})[row["period"]] = row
    return out


def restatements(program: Program) -> Mapping[str, Mapping[datetime, list[Row]]]:
    """Rows of `greenpark restatements --buckets`."""
    out: dict[str, dict[datetime, list[Row]]] = {}
    since = ("--since", FIRST_RUN.isoformat())
    for row in _table(program("restatements", *since, "--buckets", "--format", "csv")):
        out.setdefault(row["channel"], {}).setdefault(_utc(row["bucket_start"]), []).append(row)
    return out


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
