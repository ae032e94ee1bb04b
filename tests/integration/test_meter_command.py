"""greenpark meter: what it records, says, refuses and undoes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from models.errors import ConfigError
from models.park import Park
from storage.db import Conn
from storage.lifecycle import remove_readings
from tests.integration.feed import feed, ramp
from tests.integration.test_installations import AT, apply, replaced, values, with_records
from tests.integration.test_interval_job import MONDAY
from tests.integration.test_pipeline import GRID, Q

Meter = Callable[..., str]
WHO = ("--by", "Li Na", "--reason", "defective display")


@pytest.fixture
def meter(run: Meter) -> Meter:
    """The command on the test database; its output."""
    return partial(run, "meter")


@pytest.fixture
def exchanged(dsn: str, conn: Conn, applied: Park) -> Conn:
    """A register that begins anew after 01:00."""
    feed(dsn, GRID, ramp("import_kwh", MONDAY, Q, [500.0, 501, 502, 503, 504, 3, 4, 5, 6]))
    assert values(conn)[4] is None
    return conn


def replacing(*facts: str) -> tuple[str, ...]:
    return ("replace", "--meter", "a-grid", "--at", AT.isoformat(), *facts, *WHO)


FACTS = ("--final", "import_kwh=504", "--start", "import_kwh=2.5", "--serial", "B-2")


def test_replace_history_undo(exchanged: Conn, meter: Meter) -> None:
    assert "recorded 1: meter a-grid, 1 channel(s)" in meter(*replacing(*FACTS))
    assert values(exchanged)[3:6] == [100, 50, 100]
    rows: list[dict[str, Any]] = json.loads(meter("history", "--format", "json"))
    assert len(rows) == 1
    kept = {k: rows[0][k] for k in ("id", "meter", "channel", "final_reading", "start_reading")}
    assert kept == {
        "id": 1,
        "meter": "a-grid",
        "channel": "import_kwh",
        "final_reading": 504,
        "start_reading": 2.5,
    }
    assert (rows[0]["who"], rows[0]["reason"], rows[0]["serial"]) == (
        "Li Na",
        "defective display",
        "B-2",
    )
    assert "record 1 is undone" in meter("undo", "1", "--by", "Wang", "--reason", "wrong meter")
    assert values(exchanged)[3:6] == [100, None, 100]
    assert json.loads(meter("history", "--format", "json")) == []
    audit = json.loads(meter("history", "--all", "--format", "json"))
    assert (audit[0]["undone_by"], audit[0]["undone_reason"]) == ("Wang", "wrong meter")


def test_a_dry_run_leaves_nothing(exchanged: Conn, meter: Meter) -> None:
    said = meter(*replacing(*FACTS), "--dry-run")
    assert "would be recorded: meter a-grid" in said
    assert AT.isoformat() in said
    assert "up to 100 quarter-hours" in said  # 01:00 to 02:00, the last reading, and a day
    assert exchanged.execute("SELECT count(*) FROM installation").fetchone() == (0,)
    assert exchanged.execute("SELECT count(*) FROM stale_range").fetchone() == (0,)


def test_change_of_the_multiplier(exchanged: Conn, meter: Meter) -> None:
    at = (MONDAY + 2 * Q).isoformat()
    meter("change", "--meter", "a-grid", "--at", at, "--multiplier", "import_kwh=160", *WHO)
    assert values(exchanged)[:4] == [100, 100, 160, 160]
    rows = json.loads(meter("history", "--format", "json"))
    assert (rows[0]["multiplier"], rows[0]["replaced"]) == (160, False)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (replacing("--final", "import_kwh"), "is not CHANNEL=VALUE"),
        (replacing("--final", "typo=3"), "no channel 'typo'"),
        (replacing("--final", "import_kwh=inf"), "finite"),
        (replacing("--final", "import_kwh=1e6"), "final_reading 1e+06 is not below modulus"),
        (replacing("--final", "import_kwh=3", "--final", "import_kwh=4"), "say it once"),
        (replacing("--final", "power_kw=3"), "belong to registers"),
        (("replace", "--meter", "x", "--at", AT.isoformat(), *WHO), "no meter 'x'; expected one"),
        (("change", "--meter", "a-grid", "--at", AT.isoformat(), *WHO), "no channel with another"),
        (("undo", "7", *WHO), "no record 7 that counts"),
        (("undo", "7", "--by", " ", "--reason", "x"), "--by is empty"),
        (("undo", "7", "--by", "Li", "--reason", "x"), "at least 3 characters"),
    ],
)
def test_refused(exchanged: Conn, meter: Meter, words: tuple[str, ...], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        meter(*words)
    assert fault in str(caught.value)
    assert exchanged.execute("SELECT count(*) FROM installation").fetchone() == (0,)


def test_all_faults_at_once(exchanged: Conn, meter: Meter) -> None:
    words = replacing("--final", "import_kwh=x")[:-4]
    with pytest.raises(ConfigError) as caught:
        meter(*words, "--by", " ", "--reason", "x")
    for fault in ("--by is empty", "at least 3 characters", "is not CHANNEL=VALUE"):
        assert fault in str(caught.value)


def test_the_display_is_that_of_the_record_before(exchanged: Conn, meter: Meter) -> None:
    meter(*replacing("--modulus", "import_kwh=1e7"))
    words = list(replacing("--final", "import_kwh=2e6", "--dry-run"))
    for at, fits in ((AT + Q, True), (AT - Q, False)):
        words[words.index("--at") + 1] = at.isoformat()
        if fits:
            assert "would be recorded" in meter(*words)
        else:
            with pytest.raises(ConfigError, match="is not below modulus"):
                meter(*words)


def test_what_is_final_is_told(exchanged: Conn, meter: Meter) -> None:
    assert "final" not in meter(*replacing(*FACTS), "--dry-run")
    remove_readings(exchanged, MONDAY + 8 * Q)
    assert "is final: its readings were removed" in meter(*replacing(*FACTS), "--dry-run")


def test_collectors_record_nothing(conn: Conn) -> None:
    tables = ("installation", "interval_edit", "interval_edit_value")
    rights = conn.execute(
        "SELECT t, r FROM unnest(%s::text[]) AS t, unnest(%s::text[]) AS r"
        " WHERE has_table_privilege('greenpark_collector', t, r)",
        (list(tables), ["INSERT", "UPDATE", "DELETE", "TRUNCATE"]),
    ).fetchall()
    assert rights == []


def test_one_record_per_time_and_those_of_the_document_stay_there(
    exchanged: Conn, park: Park, meter: Meter
) -> None:
    apply(exchanged, with_records(park, replaced(final_reading=504.0)))
    with pytest.raises(ConfigError, match=r"has a record of .* already"):
        meter(*replacing(*FACTS))
    with pytest.raises(ConfigError, match=r"comes from park\.yaml; take it out there"):
        meter("undo", "1", *WHO)
