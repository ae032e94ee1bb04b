"""Files into a real database: exact energy, quarantine with its place, going on after a kill."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.clock import FixedClock
from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from collectors.backfill import rehearse_history
from collectors.files.readers import Opened, open_nem12, open_readings
from collectors.files.run import Ledger, begin, import_key, run_import
from collectors.formats.base import Incoming
from models.park import parse_park
from storage.db import Conn, connect
from storage.imports import ImportKey, find_import
from storage.parks import applied_parks, apply_park, channels
from tests.conftest import REPO

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
STEEL = REPO / "tests" / "data" / "replay" / "steel_3_days.csv"
NEM12 = REPO / "tests" / "data" / "import" / "two_days.nem12.csv"
STEEL_MAPPING = {
    "park": "steel",
    "time": {
        "column": "date",
        "format": "%d/%m/%Y %H:%M",
        "stamp": "end",
        "midnight": "own_date",
    },
    "columns": {
        "Usage_kWh": "main/import_kwh",
        "Lagging_Current_Reactive.Power_kVarh": "main/lagging_kvarh",
    },
}


class Imports:
    """Imports files into the database of a test."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder = dsn, folder

    def connect(self) -> Conn:
        return connect(self.dsn, application="tests")

    def open(self, file: Path, mapping: dict[str, Any], **nem12: Any) -> tuple[Opened, ImportKey]:
        path = self.folder / "mapping.yaml"
        path.write_text(yaml.safe_dump(mapping), encoding="utf-8")

        def park(key: str) -> Any:
            with self.connect() as conn:
                (applied,) = [a for a in applied_parks(conn) if a.park.key == key]
                return channels(conn), applied.park.zone

        made = open_nem12(file, path, park, **nem12) if nem12 else open_readings(file, path, park)
        return made, import_key(file, path)

    def __call__(
        self, file: Path, mapping: dict[str, Any], *, batch_bytes: int = 4000, **nem12: Any
    ) -> Ledger:
        opened, key = self.open(file, mapping, **nem12)
        before = begin(key, file.name, self.connect, CLOCK, again=False)
        ledger = Ledger(
            "import",
            NOW,
            key=key,
            clock=CLOCK,
            before=before,
            rows_done=before.rows_done if before else 0,
        )
        try:
            run_import(
                lambda skip: opened.messages(NOW, skip),
                ledger,
                self.connect,
                CLOCK,
                batch_bytes=batch_bytes,
            )
        finally:
            opened.close()
        return ledger


@pytest.fixture
def imports(dsn: str, tmp_path: Path) -> Imports:
    """Imports into the fresh database."""
    return Imports(dsn, tmp_path)


@pytest.fixture
def steel(conn: Conn) -> None:
    """The steel works, metered by amounts per quarter-hour."""
    document = yaml.safe_load((REPO / "examples" / "steel" / "park.yaml").read_text("utf-8"))
    for channel in document["enterprises"][0]["meters"][0]["channels"].values():
        channel["kind"] = "interval"
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), NOW)


def quarantine(conn: Conn) -> list[tuple[str, dict[str, Any]]]:
    rows = conn.execute("SELECT reason, payload FROM quarantine ORDER BY quarantine_id").fetchall()
    return [(reason, json.loads(bytes(payload))) for reason, payload in rows]


def test_steel_gives_exact_energy(imports: Imports, conn: Conn, steel: None) -> None:
    ledger = imports(STEEL, STEEL_MAPPING)
    assert ledger.counters["stored"] == 2 * 288
    assert not ledger.refused
    compute_intervals(conn, NOW)
    compute_balances(conn, NOW)
    rows = conn.execute(
        "SELECT bucket_start, value, quality FROM interval JOIN channel USING (channel_id)"
        " WHERE key = 'import_kwh' ORDER BY 1"
    ).fetchall()
    # straight from the file: column 2, in file order, from midnight in Korea (UTC+9)
    lines = STEEL.read_text().splitlines()[1:]
    start = datetime(2017, 12, 31, 15, tzinfo=UTC)
    step = timedelta(minutes=15)
    assert rows == [
        (start + n * step, float(line.split(",")[1]), "measured") for n, line in enumerate(lines)
    ]
    days = conn.execute(
        "SELECT sum(value)::numeric(12, 2), buckets FROM channel_day JOIN channel USING"
        " (channel_id) WHERE key = 'import_kwh' GROUP BY day, buckets ORDER BY day"
    ).fetchall()
    # awk -F, 'NR>1 {d[int((NR-2)/96)]+=$2} END {...}' of the same file
    assert [(float(v), n) for v, n in days] == [(351.86, 96), (3950.43, 96), (3561.05, 96)]


def test_the_same_file_again_changes_nothing(imports: Imports, conn: Conn, steel: None) -> None:
    imports(STEEL, STEEL_MAPPING)
    opened, key = imports.open(STEEL, STEEL_MAPPING)
    opened.close()
    progress = begin(key, STEEL.name, imports.connect, CLOCK, again=False)
    assert progress is not None
    assert (progress.finished_at, progress.rows_done) == (NOW, 288)
    assert progress.counters["stored"] == 576
    assert begin(key, STEEL.name, imports.connect, CLOCK, again=True) is None
    ledger = imports(STEEL, STEEL_MAPPING)
    assert (ledger.counters["duplicate"], ledger.counters["stored"]) == (576, 0)


class Killed(Exception):
    """The process is gone."""


def test_an_interrupted_import_goes_on_where_it_stopped(
    imports: Imports, conn: Conn, steel: None
) -> None:
    opened, key = imports.open(STEEL, STEEL_MAPPING)
    assert begin(key, STEEL.name, imports.connect, CLOCK, again=False) is None
    first = Ledger("import", NOW, key=key, clock=CLOCK)

    def until_killed(skip: int) -> Iterator[Incoming]:
        for message in opened.messages(NOW, skip):
            if message.mid == 200:
                raise Killed
            yield message

    with pytest.raises(Killed):
        run_import(until_killed, first, imports.connect, CLOCK, batch_bytes=4000)
    opened.close()
    progress = find_import(conn, key)
    assert progress is not None
    stored = conn.execute("SELECT count(*) FROM reading").fetchone()
    # rows and progress are of one transaction: two channels in every row
    assert stored == (2 * progress.rows_done,)
    assert 0 < progress.rows_done < 200
    assert progress.finished_at is None
    second = imports(STEEL, STEEL_MAPPING)
    assert second.counters["stored"] == 576 - stored[0]
    assert second.counters["duplicate"] == 0
    finished = find_import(conn, key)
    assert finished is not None
    assert (finished.rows_done, finished.counters["stored"]) == (288, 576)
    assert finished.finished_at == NOW


def test_progress_is_rolled_back_with_its_rows(imports: Imports, conn: Conn, steel: None) -> None:
    """The database refuses one row for good: its portion is split, the progress stays true."""
    conn.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.value = 3.82 THEN RAISE 'no such value'; END IF; RETURN NEW; END $$"
    )
    conn.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    ledger = imports(STEEL, STEEL_MAPPING, batch_bytes=10_000)
    rows = [line.split(",")[1:3] for line in STEEL.read_text().splitlines()[1:]]
    bad = sum("3.82" in row for row in rows)
    assert bad > 1
    assert ledger.counters["quarantined"] == 2 * bad
    assert ledger.counters["stored"] == 576 - 2 * bad
    said = find_import(conn, ledger.key)
    assert said is not None
    assert (said.rows_done, said.counters["stored"]) == (288, 576 - 2 * bad)
    reasons = [(r, p["row"]) for r, p in quarantine(conn)]
    assert ("storage", "steel_3_days.csv:6") in reasons


BAD = """date,Usage_kWh,Lagging_Current_Reactive.Power_kVarh
01/01/2018 00:15,3.17,2.95
31/02/2018 00:30,4,4.46
01/01/2018 00:45,broken,4.5
01/01/2018 01:00,-5,1
01/01/2018 01:15,1,2,3
01/01/2018 01:30,--,
01/01/1918 01:45,1,2
01/01/2018 00:15,3.17,9.99
01/01/2018 00:15,3.17,2.95
01/01/2099 00:15,3.17,2.95
"""


def test_what_cannot_be_used_is_in_quarantine_with_its_place(
    imports: Imports, conn: Conn, steel: None, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(BAD)
    ledger = imports(file, STEEL_MAPPING)
    got = [(reason, payload["row"]) for reason, payload in quarantine(conn)]
    assert got == [
        ("time_format", "bad.csv:3"),
        ("not_a_number", "bad.csv:4"),
        ("out_of_range", "bad.csv:5"),
        ("schema", "bad.csv:6"),
        ("time_range", "bad.csv:8"),
        ("future", "bad.csv:11"),
    ]
    # the neighbours of a bad value are stored; another value for the same time is a conflict
    stored = conn.execute("SELECT value FROM reading ORDER BY ts, channel_id").fetchall()
    assert [v for (v,) in stored] == [3.17, 2.95, 4.5, 1.0]
    c = ledger.counters
    assert (c["stored"], c["duplicate"], c["conflict"]) == (4, 3, 1)
    outcomes = ("stored", "duplicate", "conflict", "correction", "quarantined", "pending")
    assert c["received"] == sum(c[name] for name in outcomes)
    conflict = conn.execute("SELECT evidence FROM finding WHERE code = 'reading.conflict'")
    assert conflict.fetchone() == ({"kept_value": 2.95, "refused_value": 9.99},)


def test_a_rehearsal_says_the_same_and_stores_nothing(
    imports: Imports, conn: Conn, steel: None, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(BAD)
    opened, _ = imports.open(file, STEEL_MAPPING)
    seen = Counter[int]()
    done = rehearse_history(
        opened.messages(NOW, 0),
        imports.connect,
        CLOCK,
        seen=lambda batch, _: seen.update(r[0] for r in batch.readings),
    )
    opened.close()
    assert sum(seen.values()) == 8
    for table in ("reading", "quarantine", "finding", "reading_revision", "stale_range"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table  # type: ignore[arg-type]
    ledger = imports(file, STEEL_MAPPING)
    names = ("received", "stored", "duplicate", "conflict", "quarantined")
    assert [done.counters[n] for n in names] == [ledger.counters[n] for n in names]
    assert done.refused == ledger.refused


def test_a_declared_correction_replaces(
    imports: Imports, conn: Conn, steel: None, tmp_path: Path
) -> None:
    imports(STEEL, STEEL_MAPPING)
    file = tmp_path / "corrected.csv"
    file.write_text("date,Usage_kWh,x\n01/01/2018 00:15,5.5,\n")
    columns = {"columns": {"Usage_kWh": "main/import_kwh"}, "correction": True}
    ledger = imports(file, STEEL_MAPPING | columns)
    assert ledger.counters["correction"] == 1
    compute_intervals(conn, NOW)
    first = conn.execute(
        "SELECT value FROM interval WHERE bucket_start = '2017-12-31T15:00Z' AND value <> 2.95"
    ).fetchone()
    assert first == (5.5,)


def test_nem12_gives_half_hours_estimates_are_refused(imports: Imports, conn: Conn) -> None:
    document = yaml.safe_load((REPO / "tests" / "data" / "park.yaml").read_text("utf-8"))
    keys = document["enterprises"][0]["meters"][1]["channels"]
    base = {"quantity": "active_energy", "unit": "kWh", "kind": "interval", "period_s": 1800}
    keys["gen_kwh"] = base | {"role": "onsite_pv"}
    keys["out_kwh"] = base
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), NOW)
    mapping = {
        "park": "testpark",
        "streams": {"4100000001/E1": "a-pv/gen_kwh", "4100000001/B1": "a-pv/out_kwh"},
    }
    ledger = imports(NEM12, mapping, accept_estimated=False)
    # E1: 48 + (2 + 39 + 1); refused: 2 substituted of E1 and the 48 estimated of B1
    assert (ledger.counters["stored"], ledger.refused["quality"]) == (48 + 42, 2 + 48)
    reasons = conn.execute("SELECT reason FROM quarantine").fetchall()
    assert reasons == [("quality",), ("quality",)]
    compute_intervals(conn, NOW)
    rows = conn.execute(
        "SELECT bucket_start, value, quality FROM interval ORDER BY 1 LIMIT 3"
    ).fetchall()
    start = datetime(2026, 2, 28, 14, tzinfo=UTC)  # midnight in UTC+10
    assert rows == [
        (start + n * timedelta(minutes=15), value, "estimated")
        for n, value in enumerate([0.75, 0.75, 1.25])
    ]
    total = conn.execute("SELECT sum(value) FROM interval").fetchone()
    # 1.5 + 2.5 + 46 x 0.5; the second day 2 x 3.0 + 39 x 0.5 + 7.25
    assert total == (pytest.approx(27.0 + 32.75),)
