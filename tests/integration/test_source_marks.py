"""What a NEM12 file calls estimated, in a real database: the marks and what they make of values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.clock import FixedClock
from app.jobs.intervals import compute_intervals
from collectors.files.readers import open_nem12
from collectors.files.run import Ledger, begin, import_key, run_import
from models.park import parse_park
from models.periods import to_us
from storage.db import Conn, connect
from storage.marks import Mark, marked_times, save_marks
from storage.parks import applied_parks, apply_park, channels
from tests.conftest import REPO

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
START = datetime(2026, 2, 28, 14, tzinfo=UTC)  # midnight in UTC+10
HALF = timedelta(minutes=30)
HEAD = "100,NEM12,202603030905,MDP1,RETAILER1\n200,4100000001,E1,E1,E1,N1,METER001,kWh,30,\n"
STREAMS = {"4100000001/E1": "a-pv/gen_kwh", "4100000001/B1": "a-pv/out_kwh"}
MAPPING = {"park": "testpark", "streams": STREAMS}

Import = Callable[..., Ledger]


def a_day(flags: str, value: float = 0.5, **changed: float) -> str:
    """A file with one day; the flags of the first intervals, the others are actual."""
    values = [changed.get(f"n{n}", value) for n in range(48)]
    lines = "".join(f"400,{n},{n},{flag},,\n" for n, flag in enumerate(flags, 1))
    rest = f"400,{len(flags) + 1},48,A,,\n"
    numbers = ",".join(map(str, values))
    return f"{HEAD}300,20260301,{numbers},V,,,20260302031500,\n{lines}{rest}900\n"


@pytest.fixture
def bring(dsn: str, conn: Conn, tmp_path: Path) -> Import:
    """Imports a text as a NEM12 file, estimates too, into a park with a channel of half-hours."""
    document = yaml.safe_load((REPO / "tests" / "data" / "park.yaml").read_text("utf-8"))
    keys = document["enterprises"][0]["meters"][1]["channels"]
    base = {"quantity": "active_energy", "unit": "kWh", "kind": "interval", "period_s": 1800}
    keys |= {"gen_kwh": base | {"role": "onsite_pv"}, "out_kwh": base}
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), NOW)

    def opener() -> Conn:
        return connect(dsn, application="tests")

    def find_park(key: str) -> Any:
        with opener() as other:
            (applied,) = applied_parks(other)
            return channels(other), applied.park.zone

    def run(text: str, *, accept: bool = True, correction: bool = False) -> Ledger:
        file, mapping = tmp_path / "f.csv", tmp_path / "mapping.yaml"
        file.write_text(text)
        mapping.write_text(yaml.safe_dump(MAPPING | {"correction": correction}))
        opened = open_nem12(file, mapping, find_park, accept_estimated=accept)
        key = import_key(file, mapping)
        begin(key, file.name, opener, CLOCK, again=True)
        ledger = Ledger("import", NOW, key=key, clock=CLOCK)
        try:
            run_import(lambda skip: opened.messages(NOW, skip), ledger, opener, CLOCK)
        finally:
            opened.close()
        return ledger

    return run


def marks(conn: Conn) -> list[float]:
    """Marked half-hours, counted from the start of the day."""
    rows = conn.execute("SELECT ts, mark FROM reading_mark ORDER BY ts").fetchall()
    assert {mark for _, mark in rows} <= {"estimated"}
    return [(ts - START) / HALF for ts, _ in rows]


def in_force(conn: Conn) -> list[float]:
    """The same as the calculation sees it, of the first channel."""
    row = conn.execute("SELECT min(channel_id) FROM reading").fetchone()
    at_s = marked_times(conn, row[0] if row else 0, START.timestamp(), START.timestamp() + 86_400)
    return [(s - START.timestamp()) / 1800 for s in at_s]


def stale(conn: Conn) -> list[tuple[float, float, str]]:
    rows = conn.execute("SELECT start_at, stop_at, reason FROM stale_range ORDER BY 1, 3")
    return [((a - START) / HALF, (b - START) / HALF, reason) for a, b, reason in rows]


def test_accepted_estimates_are_marked_and_nothing_else(conn: Conn, bring: Import) -> None:
    bring(a_day("AAESFN"))  # the sixth is null, the fifth a final value
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (47,)
    assert marks(conn) == [2, 3]


def test_a_mark_stays_with_its_stream(conn: Conn, bring: Import) -> None:
    export = a_day("E").replace(",E1,N1", ",B1,N1")
    bring(a_day("AAE").replace("900\n", "") + "".join(export.splitlines(keepends=True)[1:]))
    rows = conn.execute(
        "SELECT key, ts FROM reading_mark JOIN channel USING (channel_id) ORDER BY 1"
    ).fetchall()
    assert [(key, (ts - START) / HALF) for key, ts in rows] == [("gen_kwh", 2), ("out_kwh", 0)]


def test_refused_estimates_are_not_marked(conn: Conn, bring: Import) -> None:
    ledger = bring(a_day("AAES"), accept=False)
    assert ledger.refused["quality"] == 2
    assert marks(conn) == []


def test_what_is_computed_from_them_is_estimated_by_the_source(conn: Conn, bring: Import) -> None:
    bring(a_day("AE"))
    compute_intervals(conn, NOW)
    rows = conn.execute(
        "SELECT quality, method FROM interval ORDER BY bucket_start LIMIT 5"
    ).fetchall()
    # half-hours are spread evenly; the second one is an estimate of the source
    assert rows == [("estimated", "even")] * 2 + [("estimated", "source")] * 2 + [
        ("estimated", "even")
    ]


def test_a_mark_that_comes_later_makes_stale_what_it_touches(conn: Conn, bring: Import) -> None:
    bring(a_day("AA"))
    compute_intervals(conn, NOW)
    assert stale(conn) == []
    bring(a_day("AEE"))  # the same values, now known to be estimates
    assert stale(conn) == [(1, 2, "mark")]
    compute_intervals(conn, NOW)
    rows = conn.execute(
        "SELECT (bucket_start - %s) / 900, method FROM interval WHERE method = 'source' ORDER BY 1",
        (START,),
    ).fetchall()
    assert [r[0].total_seconds() for r in rows] == [2, 3, 4, 5]


def test_the_same_file_twice_marks_once(conn: Conn, bring: Import) -> None:
    bring(a_day("E"))
    compute_intervals(conn, NOW)
    ledger = bring(a_day("E"))
    assert ledger.counters["duplicate"] == 48
    assert (marks(conn), stale(conn)) == ([0], [])


def test_an_estimate_beside_a_stored_value_marks_nothing(conn: Conn, bring: Import) -> None:
    bring(a_day("A", n0=7))
    ledger = bring(a_day("E", n0=9))  # a conflict: 7 stays in force, and that is actual
    assert ledger.counters["conflict"] == 1
    assert in_force(conn) == []


def test_a_correction_by_an_estimate_is_marked(conn: Conn, bring: Import) -> None:
    bring(a_day("A", n0=7))
    ledger = bring(a_day("E", n0=9), correction=True)
    assert ledger.counters["correction"] == 1
    assert in_force(conn) == [0]


def test_a_correction_by_an_actual_value_ends_the_mark(conn: Conn, bring: Import) -> None:
    bring(a_day("EE", n0=7))
    compute_intervals(conn, NOW)
    assert in_force(conn) == [0, 1]
    bring(a_day("AE", n0=9), correction=True)
    assert in_force(conn) == [1]
    compute_intervals(conn, NOW)
    rows = conn.execute("SELECT value, method FROM interval ORDER BY bucket_start LIMIT 3")
    assert rows.fetchall() == [(4.5, "even"), (4.5, "even"), (0.25, "source")]
    bring(a_day("EE", n0=7), correction=True)  # and back: that value is an estimate
    assert in_force(conn) == [0, 1]
    bring(a_day("SE", n0=8), correction=True)
    assert in_force(conn) == [0, 1]


def test_marks_and_readings_are_one_transaction(conn: Conn, bring: Import) -> None:
    conn.execute("ALTER TABLE reading_mark ADD CONSTRAINT none CHECK (mark <> 'estimated')")
    conn.commit()
    bring(a_day("E"))  # the database refuses the mark, so it gets the message in quarantine
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    assert conn.execute("SELECT reason FROM quarantine").fetchall() == [("storage",)]


def test_times_of_marks(conn: Conn, bring: Import) -> None:
    bring(a_day("AEE"))
    (number,) = conn.execute("SELECT DISTINCT channel_id FROM reading_mark").fetchone() or (0,)
    first_s = (START + HALF).timestamp()
    assert marked_times(conn, number, first_s, first_s + 1800) == [first_s]  # without the end
    assert marked_times(conn, number, first_s, first_s + 1801) == [first_s, first_s + 1800]
    assert marked_times(conn, number + 1, first_s, first_s + 9999) == []
    again = [Mark(number, to_us(START + n * HALF), 0.5) for n in (0, 0, 1)]
    assert save_marks(conn, again) == 1  # one was not marked before
    assert save_marks(conn, []) == 0
