"""greenpark edit and recompute: what they change, say, refuse, and give back to the bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from models.errors import ConfigError
from models.park import Park
from storage.db import Conn, connect
from storage.jobs import only_runner
from tests.integration.feed import feed, ramp
from tests.integration.test_interval_job import MONDAY, NOW
from tests.integration.test_pipeline import GRID, Q

Run = Callable[..., str]
WHO = ("--by", "Li Na", "--reason", "meter was bridged")
METER = ("--meter", "a-grid", "--channel", "import_kwh")


@pytest.fixture
def metered(dsn: str, conn: Conn, applied: Park) -> Conn:
    """Eight quarter-hours of 100, 200, ... 800 kWh, and their mean power as a gauge."""
    register = [n * (n + 1) / 2 for n in range(9)]
    feed(dsn, GRID, ramp("import_kwh", MONDAY, Q, register))
    feed(dsn, GRID, ramp("power_kw", MONDAY, Q / 3, range(27)))
    calculate(conn)
    return conn


def calculate(conn: Conn) -> None:
    compute_intervals(conn, NOW)
    compute_balances(conn, NOW)


def state(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT channel_id, bucket_start, value, quality, method, low, high, last, edit_id"
        " FROM interval ORDER BY 1, 2"
    ).fetchall()


def values(conn: Conn, key: str = "import_kwh") -> list[tuple[float | None, str]]:
    """Value and quality of the first eight quarter-hours."""
    rows = conn.execute(
        "SELECT bucket_start, value, quality FROM interval JOIN channel USING (channel_id)"
        " WHERE key = %s",
        (key,),
    ).fetchall()
    found = {at: (round(v, 6), q) for at, v, q in rows}
    return [found.get(MONDAY + n * Q, (None, "missing")) for n in range(8)]


def edit(first: int, stop: int, *what: str, channel: str = "import_kwh") -> tuple[str, ...]:
    span = ("--from", (MONDAY + first * Q).isoformat(), "--to", (MONDAY + stop * Q).isoformat())
    return ("edit", "set", "--meter", "a-grid", "--channel", channel, *span, *what, *WHO)


MEASURED = [(100.0 * n, "measured") for n in range(1, 9)]


def test_a_value_each_and_back(metered: Conn, run: Run) -> None:
    before = state(metered)
    assert values(metered) == MEASURED
    said = run(*edit(2, 4, "--value", "55"))
    assert "recorded as edit 1: alpha/a-grid/import_kwh, 2 quarter-hours" in said
    assert "sum 700 -> 110 kWh" in said
    calculate(metered)
    assert values(metered)[1:5] == [
        MEASURED[1],
        (55.0, "edited"),
        (55.0, "edited"),
        MEASURED[4],
    ]
    log = metered.execute(
        "SELECT DISTINCT reason, old_quality, new_quality FROM restatement"
    ).fetchall()
    assert log == [("edit 1 by Li Na: meter was bridged", "measured", "edited")]
    run("edit", "undo", "1", "--by", "Wang", "--reason", "wrong hour")
    calculate(metered)
    assert state(metered) == before
    assert json.loads(run("edit", "list", "--format", "json")) == []
    audit = json.loads(run("edit", "list", "--all", "--format", "json"))[0]
    assert (audit["who"], audit["undone_by"], audit["undone_reason"]) == (
        "Li Na",
        "Wang",
        "wrong hour",
    )
    assert metered.execute("SELECT count(*) FROM interval_edit_value").fetchone() == (2,)


def test_a_total_takes_the_shape_that_is_there(metered: Conn, run: Run) -> None:
    run(*edit(0, 4, "--total", "500"))  # 100 : 200 : 300 : 400
    calculate(metered)
    assert [v for v, _ in values(metered)[:5]] == [50, 100, 150, 200, 500]


def test_missing_and_the_newest_counts(metered: Conn, run: Run) -> None:
    run(*edit(1, 4, "--missing"))
    calculate(metered)
    assert values(metered)[:5] == [MEASURED[0], *[(None, "missing")] * 3, MEASURED[4]]
    run(*edit(2, 3, "--value", "7"))
    calculate(metered)
    assert values(metered)[1:4] == [(None, "missing"), (7.0, "edited"), (None, "missing")]
    run("edit", "undo", "1", *WHO)
    calculate(metered)
    assert values(metered)[1:4] == [MEASURED[1], (7.0, "edited"), MEASURED[3]]


def test_an_edit_outlives_later_data(dsn: str, metered: Conn, run: Run) -> None:
    run(*edit(2, 3, "--value", "7"))
    item = {"ts": (MONDAY + 3 * Q).isoformat(), "values": {"import_kwh": 6.5}, "correction": True}
    feed(dsn, GRID, [item])
    calculate(metered)
    assert values(metered)[2:4] == [(7.0, "edited"), (350.0, "measured")]


def test_where_there_are_no_readings(dsn: str, metered: Conn, run: Run) -> None:
    later = [("alpha", "a-pv", "gen_kwh"), ("alpha", "a-grid", "import_kwh")]
    for _, meter, channel in later:  # a channel without any reading; hours after the last one
        span = ("--from", (MONDAY + 20 * Q).isoformat(), "--to", (MONDAY + 22 * Q).isoformat())
        words = ("edit", "set", "--meter", meter, "--channel", channel, *span, "--total", "30")
        run(*words, *WHO)
    before = values(metered)
    calculate(metered)
    rows = metered.execute(
        "SELECT key, value, quality FROM interval JOIN channel USING (channel_id)"
        " WHERE bucket_start >= %s ORDER BY 1, bucket_start",
        (MONDAY + 20 * Q,),
    ).fetchall()
    assert rows == [(k, 15.0, "edited") for k in ("gen_kwh",) * 2 + ("import_kwh",) * 2]
    assert values(metered) == before
    for number in ("1", "2"):
        run("edit", "undo", number, *WHO)
    calculate(metered)
    left = "SELECT count(*) FROM interval WHERE bucket_start >= %s"
    assert metered.execute(left, (MONDAY + 20 * Q,)).fetchone() == (0,)


def test_a_gauge_keeps_the_extremes_of_its_neighbours(metered: Conn, run: Run) -> None:
    before = state(metered)
    run(*edit(2, 3, "--value", "3", channel="power_kw"))
    calculate(metered)
    changed = set(state(metered)) ^ set(before)
    assert {row[1] for row in changed} == {MONDAY + 2 * Q}
    assert values(metered, "power_kw")[2] == (3.0, "edited")


def test_a_dry_run_of_an_edit_leaves_nothing(metered: Conn, run: Run) -> None:
    assert "would be recorded" in run(*edit(0, 4, "--total", "500"), "--dry-run")
    for table in ("interval_edit", "interval_edit_value", "stale_range"):
        assert metered.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (edit(0, 2), "exactly one of --value, --total and --missing is needed, got none"),
        (edit(0, 2, "--value", "1", "--missing"), "got --value, --missing"),
        (edit(2, 2, "--value", "1"), "--to has to be after --from"),
        (edit(0, 96 * 400, "--value", "1"), "by at most 366 days"),
        (edit(0, 2, "--value", "-1"), "is not negative"),
        (edit(0, 2, "--total", "1", channel="power_kw"), "a gauge has no total"),
        (edit(0, 2, "--value", "1", channel="typo"), "expected one of: import_kwh, power_kw"),
        ((*edit(0, 2, "--value", "1"), "--now", MONDAY.isoformat()), "in the future of"),
        (("edit", "undo", "9", *WHO), "no edit 9 that counts"),
    ],
)
def test_refused_edits(metered: Conn, run: Run, words: tuple[str, ...], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run(*words)
    assert fault in str(caught.value)


def test_a_range_off_the_quarter_hours_is_refused(metered: Conn, run: Run) -> None:
    words = list(edit(0, 2, "--value", "1"))
    words[words.index("--from") + 1] = (MONDAY + timedelta(minutes=5)).isoformat()
    with pytest.raises(ConfigError, match="quarter-hours"):
        run(*words)


def test_recompute_repairs_what_was_corrupted(metered: Conn, run: Run) -> None:
    before = state(metered)
    metered.execute("UPDATE interval SET value = value + 1 WHERE bucket_start = %s", (MONDAY,))
    corrupted = state(metered)
    said = run("recompute", "--from", "2026-03-02", "--to", "2026-03-03", "--dry-run")
    assert "2 quarter-hours would change" in said
    assert state(metered) == corrupted
    assert metered.execute("SELECT count(*) FROM restatement").fetchone() == (0,)
    assert metered.execute("SELECT count(*) FROM stale_range").fetchone() == (0,)
    said = run("recompute", "--meter", "a-grid", "--channel", "import_kwh")
    assert "1 channel(s), 1 quarter-hours changed" in said
    run("recompute")
    assert state(metered) == before
    reasons = metered.execute("SELECT DISTINCT reason FROM restatement").fetchall()
    assert reasons == [("recompute",)]
    assert "0 quarter-hours changed" in run("recompute")


def test_recompute_takes_only_the_range(metered: Conn, run: Run) -> None:
    metered.execute("UPDATE interval SET value = value + 1")
    run("recompute", "--to", "2026-03-01", *METER)  # the day before the data
    assert values(metered)[0] == (101.0, "measured")


def test_recompute_waits_for_nobody(dsn: str, metered: Conn, run: Run) -> None:
    with (
        connect(dsn, application="another runner") as other,
        only_runner(other),
        pytest.raises(ConfigError, match="another process runs the jobs"),
    ):
        run("recompute")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--meter", "typo"), "no meter 'typo'"),
        (("--channel", "typo"), "no channel typo"),
        (("--from", "2026-03-02", "--to", "2026-03-02"), "is not before"),
    ],
)
def test_refused_recomputations(
    metered: Conn, run: Run, words: tuple[str, ...], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        run("recompute", *words)
