"""Reading commands on a real database: now, as known at a time, by period, what is missing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.jobs.balances import compute_balances
from models.errors import ConfigError
from models.park import Park, parse_park
from storage.db import Conn
from storage.parks import apply_park

Q = timedelta(minutes=15)
JAN1 = datetime(2025, 12, 31, 16, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
T1, T2, T3, T4 = (datetime(2026, 2, n, tzinfo=UTC) for n in (1, 2, 3, 4))
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture(name="run")
def run_and_read(run: Callable[..., str], applied: Park) -> Run:
    """Runs a command on the database and reads its CSV."""

    def command(*words: str, form: str = "csv") -> Any:
        said = run(*words, "--format", form)
        if form == "csv":
            return list(csv.DictReader(io.StringIO(said)))
        return json.loads(said) if form == "json" else said

    return command


def channel(conn: Conn, meter: str, key: str) -> int:
    row = conn.execute(
        "SELECT channel_id FROM channel c JOIN meter m USING (meter_id)"
        " WHERE m.key = %s AND c.key = %s",
        (meter, key),
    ).fetchone()
    assert row is not None
    return int(row[0])


def put(
    conn: Conn, number: int, n: int, value: float | None, at: datetime, quality: str = "measured"
) -> None:
    """The interval job's way: a restatement of what was, then the new value; None: it vanishes."""
    start = JAN1 + n * Q
    key = {"c": number, "b": start, "v": value, "q": quality, "at": at}
    conn.execute(
        "INSERT INTO restatement (channel_id, bucket_start, old_value, new_value, old_quality,"
        " new_quality, old_method, old_computed_at, reason, restated_at) SELECT %(c)s, %(b)s,"
        " value, %(v)s, quality, CASE WHEN %(v)s::float8 IS NULL THEN NULL ELSE %(q)s END, method,"
        " computed_at, 'late', %(at)s FROM interval WHERE channel_id = %(c)s"
        " AND bucket_start = %(b)s",
        key,
    )
    conn.execute("DELETE FROM interval WHERE channel_id = %(c)s AND bucket_start = %(b)s", key)
    if value is not None:
        conn.execute(
            "INSERT INTO interval (channel_id, bucket_start, value, quality, computed_at)"
            " VALUES (%(c)s, %(b)s, %(v)s, %(q)s, %(at)s)",
            key,
        )
    conn.execute(
        "INSERT INTO stale_day VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (number, (start + timedelta(hours=8)).date()),
    )


def values(rows: list[dict[str, Any]]) -> dict[int, tuple[str, str]]:
    """Quarter-hour of 1 January -> value, quality."""
    return {
        (datetime.fromisoformat(r["bucket_start"]) - JAN1) // Q: (r["value"], r["quality"])
        for r in rows
    }


def test_as_of_through_several_restatements(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    for n in range(4):
        put(conn, number, n, 10.0 + n, T1)
    put(conn, number, 1, 20.0, T2, "estimated")
    put(conn, number, 2, None, T2)  # vanishes for good
    put(conn, number, 3, None, T2)  # vanishes and comes back
    put(conn, number, 1, 30.0, T3)
    put(conn, number, 3, 33.0, T3)
    put(conn, number, 4, 44.0, T4)
    one = timedelta(seconds=1)

    def known(as_of: datetime | str) -> dict[int, tuple[str, str]]:
        when = as_of if isinstance(as_of, str) else as_of.isoformat()
        return values(run("intervals", "--as-of", when, "--no-missing"))

    assert known(T1 - one) == {}
    first = {n: (f"{10.0 + n}", "measured") for n in range(4)}
    assert known(T1) == first
    assert known(T2 - one) == first
    second = {0: ("10.0", "measured"), 1: ("20.0", "estimated")}
    assert known(T2) == second
    third = {0: ("10.0", "measured"), 1: ("30.0", "measured"), 3: ("33.0", "measured")}
    assert known(T3) == third
    # T3 is 08:00 of 3 February in Shanghai: known by the end of that day, not of the one before
    assert known("2026-02-02") == second
    assert known("2026-02-03") == third
    assert known(T4) == third | {4: ("44.0", "measured")}
    assert known(T4) == values(run("intervals", "--no-missing"))
    assert values(run("intervals", "--as-of", T2.isoformat()))[2] == ("", "missing")
    # restated before it was recorded since when a value was known: the first change after T counts
    conn.execute("UPDATE restatement SET old_computed_at = NULL")
    conn.execute(
        "INSERT INTO restatement (channel_id, bucket_start, new_value, reason, restated_at)"
        " VALUES (%s, %s, 44, 'late', %s)",
        (number, JAN1 + 4 * Q, T4),
    )
    assert known(T1) == first
    assert known(T2)[1] == ("20.0", "estimated")
    assert 4 not in known(T3)


def test_as_of_by_period_equals_the_roll_up_of_then(conn: Conn, run: Run) -> None:
    grid, second = channel(conn, "a-grid", "import_kwh"), channel(conn, "b-grid", "import_kwh")
    for n in range(0, 150, 2):
        put(conn, grid, n, 0.1 * n, T1, "estimated" if n % 3 else "measured")
        put(conn, second, n, 0.7 * n, T1)
    compute_balances(conn, T1)
    words = ["intervals", "--from", "2026-01-01", "--to", "2026-02-01"]
    ways = [
        [*words, "--by", by, *more]
        for by in ("hour", "day", "month")
        for more in ([], ["--enterprise", "all"])
    ]
    then = [run(*way) for way in ways]
    assert [len(rows) for rows in then] == [76, 76, 4, 4, 2, 2]
    for n in range(0, 100, 4):
        put(conn, grid, n, None, T2)
    for n in range(1, 40, 2):
        put(conn, second, n, 5.0, T2)
    compute_balances(conn, T2)
    assert [run(*way) for way in ways] != then
    assert [run(*way, "--as-of", T1.isoformat()) for way in ways] == then
    assert [run(*way, "--as-of", T2.isoformat()) for way in ways] == [run(*way) for way in ways]


def test_periods_say_how_much_of_them_is_known_and_how_sure(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    for n in range(72):
        put(conn, number, n, 2.0, T1, {0: "estimated", 1: "edited"}.get(n % 4, "measured"))
    compute_balances(conn, T1)
    (day,) = run("intervals", "--by", "day", "--meter", "a-grid", form="json")
    assert day == {
        "bucket_start": JAN1.isoformat(),
        "period": "2026-01-01",
        "channel": "alpha/a-grid/import_kwh",
        "value": 144.0,
        "unit": "kWh",
        "buckets": 72,
        "expected_buckets": 96,
        "completeness_ratio": 0.75,
        "estimated_ratio": 0.25,
        "edited_ratio": 0.25,
        "low": None,
        "high": None,
        "last": None,
    }
    (role,) = run("intervals", "--by", "month", "--enterprise", "alpha", form="json")
    assert (role["enterprise"], role["role"], role["period"]) == (
        "alpha",
        "grid_import",
        "2026-01-01",
    )
    assert (role["value"], role["channels"], role["buckets"]) == (144.0, 1, 72)
    assert role["completeness_ratio"] == 72 / (31 * 96)


def test_a_state_has_its_extremes(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "power_kw")
    for n, (mean, low, high, last) in enumerate([(5.0, 1.0, 9.0, 4.0), (7.0, 6.0, 8.0, 8.0)]):
        put(conn, number, n, mean, T1)
        conn.execute(
            "UPDATE interval SET low = %s, high = %s, last = %s WHERE bucket_start = %s",
            (low, high, last, JAN1 + n * Q),
        )
    compute_balances(conn, T1)
    (hour,) = run("intervals", "--by", "hour", "--channel", "power_kw", form="json")
    assert [hour[c] for c in ("value", "low", "high", "last", "unit")] == [6.0, 1.0, 9.0, 8.0, "kW"]
    quarters = run("intervals", "--channel", "power_kw", form="json")
    assert [q["last"] for q in quarters] == [4.0, 8.0]
    assert run("intervals", "--as-of", T1.isoformat(), "--by", "hour", form="json") == [hour]


def test_missing_quarter_hours_are_listed_inside_of_the_data(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    for n in (2, 3, 6):
        put(conn, number, n, 1.0, T1)
    for n in (1, 9):  # readings at 00:20 and 02:20: from 00:30 on, and up to 02:15
        conn.execute(
            "INSERT INTO reading VALUES (%s, %s, 1, %s)",
            (number, JAN1 + n * Q + timedelta(minutes=5), T1),
        )
    assert {n: q for n, (_, q) in values(run("intervals")).items()} == {
        2: "measured",
        3: "measured",
        4: "missing",
        5: "missing",
        6: "measured",
        7: "missing",
        8: "missing",
    }
    inside = ("--from", (JAN1 + 4 * Q).isoformat(), "--to", (JAN1 + 8 * Q).isoformat())
    assert list(values(run("intervals", *inside))) == [4, 5, 6, 7]
    assert list(values(run("intervals", *inside, "--no-missing"))) == [6]
    assert run("intervals", "--from", "2026-01-02") == []
    conn.execute("UPDATE channel SET kind = 'batch' WHERE channel_id = %s", (number,))
    assert list(values(run("intervals"))) == [2, 3, 6]


def test_edits_tell_who_and_why(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    put(conn, number, 0, 1.0, T1)
    conn.execute(
        "INSERT INTO interval_edit (channel_id, start_at, stop_at, kind, who, reason, made_at)"
        " VALUES (%s, %s, %s, 'value', 'li', 'meter reader was late', %s)",
        (number, JAN1, JAN1 + Q, T2),
    )
    put(conn, number, 0, 2.0, T2, "edited")
    conn.execute("UPDATE interval SET edit_id = 1")
    (row,) = run("intervals")
    assert (row["quality"], row["edited_by"], row["edit_reason"]) == (
        "edited",
        "li",
        "meter reader was late",
    )
    conn.execute("UPDATE interval_edit SET undone_at = %s", (T3,))
    put(conn, number, 0, 1.0, T3)
    assert run("intervals", "--as-of", "2026-02-02T12:00Z") == [row]
    (before,) = run("intervals", "--as-of", T1.isoformat())
    assert (before["value"], before["edited_by"]) == ("1.0", "")


def test_restatements_are_summed_per_run(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    for n in range(3):
        put(conn, number, n, 10.0, T1)
    put(conn, number, 1, 12.5, T2)
    put(conn, number, 2, None, T2)
    put(conn, number, 0, 11.0, T3)
    late, early = run("restatements", "--since", "2026-01-01", form="json")
    assert late["delta"] == 1.0
    assert early == {
        "restated_at": T2.isoformat(),
        "channel": "alpha/a-grid/import_kwh",
        "reason": "late",
        "buckets": 2,
        "first_bucket": (JAN1 + Q).isoformat(),
        "last_bucket": (JAN1 + 2 * Q).isoformat(),
        "old_sum": 20.0,
        "new_sum": 12.5,
        "delta": -7.5,
        "unit": "kWh",
    }
    week = run(
        "restatements", "--now", (T2 + timedelta(days=7, seconds=1)).isoformat(), form="json"
    )
    assert week == [late]
    every = run("restatements", "--since", "2026-01-01", "--buckets", form="json")
    assert [(r["old_value"], r["new_value"]) for r in every] == [
        (10.0, 11.0),
        (10.0, 12.5),
        (10.0, None),
    ]
    assert every[2]["delta"] == -10.0
    one = ("--from", (JAN1 + Q).isoformat(), "--to", (JAN1 + 2 * Q).isoformat())
    (only,) = run("restatements", "--since", "2026-01-01", *one, form="json")
    assert (only["buckets"], only["delta"]) == (1, 2.5)
    assert run("restatements", "--since", "2026-01-01", "--meter", "b-grid") == []


def test_a_table_shows_the_last_day_and_files_get_everything(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    for n in (0, 96):
        put(conn, number, n, 1.0 + n, T1)
    now = (JAN1 + timedelta(days=1, minutes=30)).isoformat()
    assert len(run("intervals", "--now", now, "--no-missing")) == 2
    table = run("intervals", "--now", now, "--no-missing", form="table")
    assert "97" in table
    assert table.count("kWh") == 1


def test_a_date_of_several_zones_needs_the_park(conn: Conn, run: Run, applied: Park) -> None:
    other = applied.model_dump(mode="json") | {"key": "other", "timezone": "Europe/Rome"}
    with conn.transaction():
        apply_park(conn, parse_park(other, "test"), T1)
    with pytest.raises(ConfigError, match=r"2026-01-01 needs the zone of one park, got Asia/Shang"):
        run("intervals", "--from", "2026-01-01")
    assert run("intervals", "--from", "2026-01-01", "--park", "other") == []


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--meter", "nobody"], "no channel for --meter nobody"),
        (["--enterprise", "alpha", "--by", "day", "--meter", "a-grid"], "leave out --meter"),
    ],
)
def test_what_is_not_there_is_told(run: Run, words: list[str], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        run("intervals", *words)


def test_findings_are_chosen(conn: Conn, run: Run) -> None:
    number = channel(conn, "a-grid", "import_kwh")
    for code, severity, day, withdrawn in (
        ("register.reset", "warning", 1, None),
        ("register.held", "critical", 2, None),
        ("interval.gap", "info", 3, T4),
    ):
        at = datetime(2026, 1, day, tzinfo=UTC)
        conn.execute(
            "INSERT INTO finding (code, severity, channel_id, period_start, period_stop, evidence,"
            " first_seen_at, last_seen_at, withdrawn_at) VALUES (%s, %s, %s, %s, %s, '{}', %s, %s,"
            " %s)",
            (code, severity, number, at, at + Q, T1, T1, withdrawn),
        )
    conn.execute(
        "INSERT INTO quarantine (sha256, topic, payload, reason, detail, first_received_at,"
        " last_received_at) VALUES ('x', 'park/testpark/beta/b-grid/up', 'x', 'json',"
        """ '[{"code": "json"}]', %s, %s)""",
        (T1, T1),
    )

    def codes(*words: str) -> list[str]:
        return [row["code"] for row in run("findings", *words)]

    assert codes() == ["register.held", "register.reset", "quarantine.json"]
    assert codes("--all")[0] == "interval.gap"
    assert run("findings", "--all")[0]["withdrawn_at"] == T4.isoformat()
    assert codes("--code", "register.") == ["register.held", "register.reset"]
    assert codes("--severity", "critical") == ["register.held"]
    assert codes("--meter", "a-grid", "--from", "2026-01-02") == ["register.held"]
    assert codes("--to", "2026-01-02") == ["register.reset"]
    assert codes("--enterprise", "beta") == ["quarantine.json"]
    assert codes("--enterprise", "alpha") == ["register.held", "register.reset"]
    assert codes("--park", "nowhere") == []
