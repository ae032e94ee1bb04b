"""Every case of `cases/` against its expectation, which was derived by hand."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.adversarial import store
from tests.acceptance.adversarial.cases import SECOND_RUN, Case, load
from tests.acceptance.adversarial.series import expected
from tests.acceptance.adversarial.store import Intervals, Outcome, Row
from tests.acceptance.conftest import REPO, Program

CASES = load()
PARTIAL = ("validation.completeness", "validation.silent")  # cases last a few hours


@pytest.fixture(scope="module")
def outcome(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("adversarial")
    with_store = _empty_store(server_dsn, folder, "cases")
    program = next(with_store)
    yield store.fill(program, CASES, folder)
    next(with_store, None)


def _empty_store(server_dsn: str, folder: Path, name: str) -> Iterator[Program]:
    """The program on a database without any table."""
    base = sql.Identifier(f"greenpark_adversarial_{name}_{os.getpid()}")
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(base))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GREENPARK_")}
    environment |= {
        "GREENPARK_DSN": psycopg.conninfo.make_conninfo(
            server_dsn, dbname=f"greenpark_adversarial_{name}_{os.getpid()}"
        ),
        "GREENPARK_DATA_DIR": str(folder),
        "PYTHONPATH": str(REPO),
        "COLUMNS": "200",
    }
    yield Program(environment, folder)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(base))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.case)
def test_case(case: Case, outcome: Outcome) -> None:
    faults = [
        *_compare(case, case.expect, outcome.last.intervals, rest=case.rest),
        *_compare_sums(case, outcome.last.intervals),
        *_compare_periods(case, outcome),
        *_codes(case, case.findings, outcome.last.findings, "afterwards"),
    ]
    if case.before is not None:
        between = _compare(case, case.before, outcome.first.intervals, rest=case.rest)
        as_of = _compare(case, case.before, outcome.as_of, rest=case.rest)
        faults += [f"between the phases: {f}" for f in between]
        faults += [f"afterwards, as of then: {f}" for f in as_of]
    if case.findings_before is not None:
        faults += _codes(case, case.findings_before, outcome.first.findings, "before")
    faults += _compare_restated(case, outcome)
    assert not faults, f"{case.title}\n{case.why}\n  " + "\n  ".join(faults)


def _compare(case: Case, entries: list[dict[str, Any]], told: Intervals, rest: str) -> list[str]:
    """Faults of the quarter-hours of a case; those that no entry names have to be missing."""
    faults = []
    open_rows = {
        (channel, at): row
        for channel, rows in told.items()
        if channel.split("/")[0] == case.case
        for at, row in rows.items()
        if row["quality"] != "missing"
    }
    for entry in entries:
        path = case.path(entry)
        for at, wanted in expected(entry, case.at):
            row = told.get(path, {}).get(at)
            open_rows.pop((path, at), None)
            value = float(row["value"]) if row and row["value"] else None
            quality = row["quality"] if row and row["value"] else "missing"
            good = quality == wanted.quality or (wanted.quality == "" and value is not None)
            good &= _near(value, wanted.value, entry.get("tol"))
            if row and "extremes" in entry and good:
                seen = [float(row[k]) for k in ("low", "high", "last")]
                good &= seen == [float(v) for v in entry["extremes"]]
            if row and "unit" in entry:
                good &= row["unit"] == entry["unit"]
            if row and "method" in entry:
                good &= row["method"] == entry["method"]
            if not good:
                faults.append(
                    f"{path} {at.astimezone(case.zone):%m-%d %H:%M}: {wanted}, got {_short(row)}"
                )
    if case.largest is not None:
        faults += [
            f"{path} {at.astimezone(case.zone):%m-%d %H:%M}: too much, {_short(row)}"
            for (path, at), row in open_rows.items()
            if float(row["value"]) > case.largest
        ]
    if rest == "missing":
        faults += [
            f"{path} {at.astimezone(case.zone):%m-%d %H:%M}: nothing was expected, got "
            f"{row['value']} {row['quality']}"
            for (path, at), row in open_rows.items()
        ]
    return faults


def _short(row: Row | None) -> str:
    return (
        " ".join(v for k, v in row.items() if k not in ("bucket_start", "channel")) if row else "-"
    )


def _near(value: float | None, wanted: float | None, tolerance: float | None) -> bool:
    if value is None or wanted is None:
        return value is wanted
    return abs(value - wanted) <= (tolerance or 1e-6 * max(1.0, abs(wanted)))


def _compare_sums(case: Case, told: Intervals) -> Iterator[str]:
    for entry in case.sums:
        low, high = (case.at(entry[k]).astimezone(UTC) for k in ("at", "until"))
        rows = told.get(case.path(entry), {})
        total = sum(float(r["value"]) for at, r in rows.items() if low <= at < high and r["value"])
        if not _near(total, entry["value"], entry.get("tol")):
            yield f"{case.path(entry)} {entry['at']}..{entry['until']}: sum {total}, not {entry}"


def _compare_periods(case: Case, outcome: Outcome) -> Iterator[str]:
    for entry in case.periods:
        wanted = {k: v for k, v in entry.items() if k not in ("by", "period", "channel", "meter")}
        row = outcome.periods[entry["by"]].get(case.path(entry), {}).get(str(entry["period"]))
        for name, value in wanted.items():
            if row is None or not row[name] or not _near(float(row[name]), float(value), None):
                yield f"{entry['by']} {entry['period']}: {name} {value}, got {row}"


def _codes(
    case: Case, wanted: list[str], told: Mapping[str, list[dict[str, Any]]], when: str
) -> Iterator[str]:
    """The finding codes have to be these, as often as they are listed."""
    rows = told.get(case.case, [])
    allowed = (*PARTIAL, *case.may)
    codes = sorted(r["code"] for r in rows if r["code"] in wanted or not _may(r["code"], allowed))
    if codes != sorted(wanted):
        shown = [f"{r['code']} {r['period_start']} {r['evidence']}" for r in rows]
        yield f"findings {when}: {sorted(wanted)}, got {codes}: {shown}"


def _may(code: str, allowed: tuple[str, ...]) -> bool:
    return code.startswith(allowed)


def _compare_restated(case: Case, outcome: Outcome) -> Iterator[str]:
    for entry in case.restated:
        at = case.at(entry["at"]).astimezone(UTC)
        rows: list[Row] = list(outcome.restated.get(case.path(entry), {}).get(at, ()))
        seen = [[_number(r["old_value"]), _number(r["new_value"])] for r in rows]
        if entry["values"] not in seen:
            yield f"restatement of {entry['at']}: {entry['values']}, got {rows}"


def _number(text: str) -> float | None:
    return round(float(text), 9) if text else None


def test_as_of_is_what_was_told(outcome: Outcome) -> None:
    """The second phase takes nothing away from what is known of the first."""
    names = {c.case for c in CASES}
    assert _plain(outcome.as_of, names) == _plain(outcome.first.intervals, names)


def test_restated_is_exactly_what_changed(outcome: Outcome) -> None:
    """Values that were known and are other ones now, or none; new quarter-hours are no change."""
    first, last = outcome.first.intervals, outcome.last.intervals
    changed = {
        (channel, at)
        for channel, rows in first.items()
        for at, row in rows.items()
        if row["value"] and _facts(row) != _facts(last[channel].get(at))
    }
    listed = {(channel, at) for channel, rows in outcome.restated.items() for at in rows}
    assert len(changed) > 50
    assert changed == listed


def _facts(row: Row | None) -> tuple[str, ...]:
    return tuple(row[k] for k in ("value", "quality", "method")) if row else ()


def test_roll_ups_add_up(outcome: Outcome) -> None:
    """Hours, days and months of amounts have the sum of their quarter-hours."""
    flows = [path for path, rows in outcome.last.intervals.items() if _is_flow(rows)]
    assert len(flows) > len(CASES) * 0.9
    for path in flows:
        total = _sum(outcome.last.intervals[path].values())
        for by, channels in outcome.periods.items():
            assert _near(_sum(channels.get(path, {}).values()), total, 1e-6 * total), (path, by)


def _is_flow(rows: Mapping[datetime, Row]) -> bool:
    return not any(row["last"] for row in rows.values())


def _sum(rows: Iterable[Row]) -> float:
    return sum(float(row["value"]) for row in rows if row["value"])


def test_any_order_and_repetition_gives_the_same(
    server_dsn: str, tmp_path: Path, outcome: Outcome
) -> None:
    """Both phases in one recording, shuffled, every message twice, one run."""
    cases = [c for c in CASES if not c.ordered]
    with_store = _empty_store(server_dsn, tmp_path, "shuffled")
    program = next(with_store)
    store.prepare(program, cases, tmp_path)
    lines = store.recording(cases, "send") + store.recording(cases, "later")
    lines *= 2
    random.Random(4).shuffle(lines)
    store.feed(program, tmp_path / "all.jsonl", lines)
    program("run", "--once", "--now", SECOND_RUN.isoformat())
    seen = store.told(program).intervals
    names = {c.case for c in cases}
    assert _plain(seen, names) == _plain(outcome.last.intervals, names)
    next(with_store, None)


def _plain(told: Intervals, names: set[str]) -> dict[tuple[str, datetime], tuple[str, str]]:
    return {
        (channel, at): (row["value"], row["quality"])
        for channel, rows in told.items()
        if channel.split("/")[0] in names
        for at, row in rows.items()
        if row["value"]
    }
