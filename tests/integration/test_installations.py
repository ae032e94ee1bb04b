"""Dated records of park.yaml: replacement, multiplier, what they touch, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.jobs.intervals import compute_intervals
from models.errors import ConfigError
from models.park import Park, parse_park
from storage.db import Conn
from storage.installations import (
    RecordRow,
    add_record,
    installations,
    stored_records,
    undo_record,
)
from storage.parks import apply_park, channels, difference
from tests.integration.feed import feed, ramp
from tests.integration.test_interval_job import FACTOR, MONDAY, NOW
from tests.integration.test_pipeline import GRID, Q

AT = MONDAY + 4 * Q


def with_records(park: Park, *records: dict[str, Any]) -> Park:
    """The test park with dated records of meter a-grid."""
    document = park.model_dump(mode="json")
    meter = document["enterprises"][0]["meters"][0]
    assert meter["key"] == "a-grid"
    meter["installations"] = list(records)
    return parse_park(document, "test")


def replaced(**facts: float) -> dict[str, Any]:
    return {
        "at": AT.isoformat(),
        "serial": "B-2",
        "reason": "defective display",
        "channels": {"import_kwh": facts} if facts else {},
    }


def apply(conn: Conn, park: Park) -> None:
    with conn.transaction():
        apply_park(conn, park, NOW)


def values(conn: Conn) -> list[float | None]:
    """The first eight quarter-hours of the import in kWh; None: missing."""
    compute_intervals(conn, NOW)
    rows = dict(
        conn.execute(
            "SELECT bucket_start, value FROM interval JOIN channel USING (channel_id)"
            " WHERE key = 'import_kwh'"
        ).fetchall()
    )
    found = [rows.get(MONDAY + n * Q) for n in range(8)]
    return [None if v is None else round(v, 6) for v in found]


@pytest.fixture
def exchanged(dsn: str, conn: Conn, applied: Park) -> Conn:
    """500, 501 ... 504 at 01:00, and from 01:15 on another register: 3, 4, 5, 6."""
    feed(dsn, GRID, ramp("import_kwh", MONDAY, Q, [500.0, 501, 502, 503, 504, 3, 4, 5, 6]))
    return conn


def test_a_reset_becomes_a_replacement(exchanged: Conn, park: Park) -> None:
    assert values(exchanged) == [100, 100, 100, 100, None, 100, 100, 100]
    apply(exchanged, with_records(park, replaced(final_reading=504.0, start_reading=2.5)))
    # the old device ended at 504 at 01:00, the new one began there at 2.5: half a unit by 01:15
    assert values(exchanged) == [100, 100, 100, 100, 50, 100, 100, 100]
    stands = "SELECT code FROM finding WHERE withdrawn_at IS NULL ORDER BY 1"
    assert exchanged.execute(stands).fetchall() == [("register.replacement",)]
    log = "SELECT DISTINCT reason FROM restatement"
    assert exchanged.execute(log).fetchall() == []  # a missing value was filled, none was changed


def test_without_readings_the_time_between_stays_missing(exchanged: Conn, park: Park) -> None:
    at = (AT + timedelta(minutes=5)).isoformat()
    apply(exchanged, with_records(park, replaced() | {"at": at}))
    assert values(exchanged) == [100, 100, 100, 100, None, 100, 100, 100]
    rows = exchanged.execute("SELECT c.key FROM installation JOIN channel c USING (channel_id)")
    assert rows.fetchall() == [("import_kwh",)]  # the gauge of the meter has no register


def test_another_multiplier_from_the_middle_of_a_quarter_hour(
    dsn: str, conn: Conn, applied: Park, park: Park
) -> None:
    feed(dsn, GRID, ramp("import_kwh", MONDAY, Q, [0.0, 1, 2, 3, 4, 5, 6, 7, 8]))
    assert values(conn) == [100.0] * 8
    at = MONDAY + 4.5 * Q
    record = {
        "at": at.isoformat(),
        "replaced": False,
        "reason": "CT 800/5",
        "channels": {"import_kwh": {"multiplier": 160}},
    }
    apply(conn, with_records(park, record))
    assert values(conn) == [100, 100, 100, 100, 130, 160, 160, 160]
    reason = conn.execute("SELECT DISTINCT reason FROM restatement").fetchall()
    assert reason == [("installation record 1 by park.yaml: CT 800/5",)]
    apply(conn, park)  # and undone: it stays on record
    assert values(conn) == [100.0] * 8
    audit = conn.execute("SELECT undone_by, undone_reason FROM installation").fetchall()
    assert audit == [("apply", "no longer in park.yaml")]


def test_applying_twice_records_once(exchanged: Conn, park: Park) -> None:
    changed = with_records(park, replaced(final_reading=504.0))
    apply(exchanged, changed)
    apply(exchanged, changed.model_copy(update={"simulated": False}))
    assert exchanged.execute("SELECT count(*) FROM installation").fetchone() == (1,)
    paths = [c.path for c in difference(park, changed)]
    assert "alpha/a-grid@" + AT.isoformat() + ".reason" in paths
    other = with_records(park, replaced(final_reading=503.5))
    assert not any(c.rewrites_history for c in difference(changed, other))
    apply(exchanged, other)  # no --restate: the record itself says since when it holds
    kept = exchanged.execute("SELECT final_reading, undone_at IS NULL FROM installation ORDER BY 1")
    assert kept.fetchall() == [(503.5, True), (504.0, False)]


def test_only_what_a_record_touches_is_stale(exchanged: Conn, park: Park) -> None:
    values(exchanged)
    apply(exchanged, with_records(park, replaced()))
    rows = exchanged.execute("SELECT start_at FROM stale_range").fetchall()
    assert rows == [(AT,)]


def test_facts_are_carried_on(conn: Conn, applied: Park) -> None:
    number = next(c.channel_id for c in channels(conn) if c.key == "import_kwh")
    row = RecordRow(
        number, AT, False, None, None, 160.0, None, None, None, "command", "Li", "another CT"
    )
    add_record(conn, row, NOW)
    later = RecordRow(
        number,
        AT + timedelta(days=1),
        True,
        None,
        0.0,
        None,
        1e8,
        None,
        "C-3",
        "command",
        "Li",
        "exchange",
    )
    second, touched = add_record(conn, later, NOW)
    assert touched == []  # no readings yet
    facts = [(i.factor, i.modulus, i.rated_per_h) for i in installations(conn, [number])[number]]
    assert facts == [(160.0, 1e6, 40000.0), (160.0, 1e8, 40000.0)]
    ref = next(c for c in channels(conn) if c.channel_id == number)
    assert ref.highest_modulus == 1e8
    assert undo_record(conn, second, "Li", "wrong meter", NOW) == []
    assert undo_record(conn, second, "Li", "wrong meter", NOW) is None
    assert [r.installation_id for r in stored_records(conn, [number])] == [1]


def test_a_record_of_a_command_is_not_repeated_by_the_document(
    conn: Conn, applied: Park, park: Park
) -> None:
    number = next(c.channel_id for c in channels(conn) if c.key == "import_kwh")
    row = RecordRow(
        number, AT, True, None, None, None, None, None, None, "command", "Li", "exchange"
    )
    add_record(conn, row, NOW)
    apply(conn, park.model_copy(update={"simulated": False}))  # the document does not name it
    assert len(stored_records(conn, [number])) == 1
    with pytest.raises(ConfigError, match="recorded already by `greenpark meter` \\(number 1\\)"):
        apply(conn, with_records(park, replaced()))


def test_larger_display_of_a_new_device_is_let_in(dsn: str, conn: Conn, park: Park) -> None:
    apply(conn, with_records(park, replaced(start_reading=5_000_000.0, modulus=1e7)))
    done = feed(dsn, GRID, ramp("import_kwh", AT, Q, [5_000_000.0, 5_000_002]))
    assert done["stored"] == 2
    assert values(conn)[4] == 2.0 * FACTOR


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"at": "2026-03-02T01:00:00"}, "timezone"),
        ({"channels": {"typo_kwh": {"multiplier": 2}}}, "no channel 'typo_kwh'"),
        ({"channels": {"power_kw": {"final_reading": 2}}}, "belong to registers"),
        ({"channels": {"import_kwh": {}}}, "nothing is said"),
        ({"replaced": False, "channels": {}}, "no channel with another fact"),
        ({"replaced": False, "channels": {"import_kwh": {"start_reading": 1}}}, "replaced: true"),
        ({"reason": "x"}, "at least 3"),
        (
            {"channels": {"import_kwh": {"start_reading": 2e6, "modulus": 1e6}}},
            "is not below modulus",
        ),
        ({"channels": {"import_kwh": {"final_reading": 1e6}}}, "final_reading 1e+06 is not below"),
        ({"channels": {"import_kwh": {"start_reading": 1e6}}}, "start_reading 1e+06 is not below"),
        ({"channels": {"import_kwh": {"multiplier": float("inf")}}}, "finite"),
    ],
)
def test_refused(park: Park, change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_records(park, replaced() | change)
    assert fault in str(caught.value)


def test_two_records_at_one_time_are_refused(park: Park) -> None:
    with pytest.raises(ConfigError, match="put both into one"):
        with_records(park, replaced(), replaced(final_reading=3.0))


def test_each_display_is_judged_by_its_own_modulus(park: Park) -> None:
    larger = replaced(start_reading=2e6, modulus=1e7)  # a-grid wraps at 1e6
    later = {"at": (AT + timedelta(days=1)).isoformat()}
    with_records(park, replaced(final_reading=9e6, start_reading=9e6) | later, larger)
    with pytest.raises(ConfigError, match=r"final_reading 1e\+07 is not below modulus 1e\+07"):
        with_records(park, replaced(final_reading=1e7) | later, larger)
    with pytest.raises(ConfigError, match=r"final_reading 2e\+06 is not below modulus 1e\+06"):
        with_records(park, replaced(final_reading=2e6, modulus=1e7))  # the old display was small


def test_another_unit_is_refused_while_a_command_says_a_multiplier(
    conn: Conn, applied: Park, park: Park
) -> None:
    number = next(c.channel_id for c in channels(conn) if c.key == "import_kwh")
    row = RecordRow(
        number, AT, False, None, None, 160.0, None, None, None, "command", "Li", "another CT"
    )
    record, _ = add_record(conn, row, NOW)
    document = park.model_dump(mode="json")
    document["enterprises"][0]["meters"][0]["channels"]["import_kwh"]["unit"] = "MWh"
    other = parse_park(document, "test")
    with pytest.raises(ConfigError, match=f"greenpark meter undo {record}"), conn.transaction():
        apply_park(conn, other, NOW, restate=True)
    undo_record(conn, record, "Li", "another unit", NOW)
    with conn.transaction():
        apply_park(conn, other, NOW, restate=True)
    assert next(c for c in channels(conn) if c.key == "import_kwh").factor == 1e5
