"""Every dashboard query on PostgreSQL as the reader role, and the figures the views give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg
from psycopg import sql

from dashboards.build import build_all
from dashboards.macros import Variable, expand
from storage.db import Conn
from tests.grafana_frames import column, rows_of, run
from tests.integration.dash_data import NOW, insert

ALL = "SELECT enterprise_key FROM dash.enterprise"
SELECTIONS = {
    "all": Variable(["north", "o-neill"], many=True, all_value=ALL),
    "one": Variable(["north"], many=True),
    "several": Variable(["north", "o-neill"], many=True),
    "gone": Variable(["it's gone"], many=True),
}
RANGES = {"7d": timedelta(days=7), "1y": timedelta(days=365), "1h": timedelta(hours=1)}
ONE_ROW = {"stat"}


def queries() -> list[Any]:
    found = []
    for path, text in build_all().items():
        board = json.loads(text)
        language = board["templating"]["list"][0]["query"]
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                found.append(
                    (
                        language,
                        panel["type"],
                        target["format"],
                        target["rawSql"],
                        f"{path.parent}-panel{panel['id']}",
                    )
                )
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                found.append(
                    (
                        language,
                        "variable",
                        "table",
                        variable["query"],
                        f"{path.parent}-{variable['name']}",
                    )
                )
        for note in board["annotations"]["list"]:
            found.append(
                (
                    language,
                    "annotation",
                    "table",
                    note["target"]["rawSql"],
                    f"{path.parent}-annotation",
                )
            )
    return [pytest.param(*f[:4], id=f[4]) for f in found]


@pytest.fixture
def reader(dsn: str, conn: Conn) -> Iterator[psycopg.Connection[Any]]:
    """A login that has the role greenpark_reader and nothing else."""
    name = sql.Identifier(f"test_reader_{conn.info.backend_pid}")
    conn.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE greenpark_reader").format(name))
    conn.commit()
    login = psycopg.conninfo.make_conninfo(dsn, user=name.as_string().strip('"'))
    with psycopg.connect(login, autocommit=True) as session:
        yield session
    conn.rollback()
    conn.execute(sql.SQL("DROP ROLE {}").format(name))
    conn.commit()


def variables(language: str, enterprise: Variable) -> dict[str, Variable]:
    return {"lang": Variable(language), "park": Variable("p"), "enterprise": enterprise}


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
def test_every_query_runs_for_every_selection_and_range(
    conn: Conn, reader: psycopg.Connection[Any], filled: bool
) -> None:
    if filled:
        insert(conn)
    for case in queries():
        language, kind, fmt, text = case.values
        for selection in SELECTIONS.values():
            for span in RANGES.values():
                frame = run(
                    reader,
                    expand(text, variables(language, selection), NOW - span, NOW, step_ms=900_000),
                    fmt,
                )
                if kind in ONE_ROW:
                    assert rows_of(frame) == 1, case.id
                if kind == "variable":
                    assert {f["name"] for f in frame["schema"]["fields"]} == {"__text", "__value"}
                if kind == "annotation":
                    assert {"time", "text"} <= {f["name"] for f in frame["schema"]["fields"]}


@pytest.mark.parametrize(("language", "kind", "fmt", "text"), queries())
def test_every_query_shows_something_on_data(
    conn: Conn, reader: psycopg.Connection[Any], language: str, kind: str, fmt: str, text: str
) -> None:
    insert(conn)
    if "water_m3_per_t AS value" in text:
        conn.execute("UPDATE indicator_value SET value = 2 WHERE indicator = 'water_intensity'")
        conn.commit()
    known = variables(language, SELECTIONS["all"])
    frame = run(reader, expand(text, known, NOW - timedelta(days=7), NOW), fmt)
    assert rows_of(frame) >= 1


def test_the_reader_reads_views_and_nothing_else(reader: psycopg.Connection[Any]) -> None:
    for table in ("park", "reading", "alert", "outbox", "enterprise", "quarantine"):
        with pytest.raises(pg.InsufficientPrivilege):
            reader.execute(sql.SQL("SELECT 1 FROM public.{}").format(sql.Identifier(table)))
    with pytest.raises(pg.InsufficientPrivilege):
        reader.execute("CREATE VIEW dash.mine AS SELECT 1")


def test_contacts_are_in_no_view(conn: Conn) -> None:
    rows = conn.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'dash' AND (column_name ~ 'mail|contact|recipient|document'"
        " OR data_type = 'jsonb')"
    ).fetchall()
    assert rows == []


def test_numeric_columns_of_views_name_their_unit(conn: Conn) -> None:
    rows = conn.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'dash' AND data_type = 'double precision'"
        " AND column_name !~ '_(kwh|kw|m3|t|ratio|s)$'"
        " AND col_description((table_schema || '.' || quote_ident(table_name))::regclass,"
        " ordinal_position) IS NULL"
    ).fetchall()
    assert rows == []


def ask(conn: Conn, text: str) -> dict[str, Any]:
    cursor = conn.execute(text)  # type: ignore[call-overload]
    row = cursor.fetchone()
    assert row is not None
    return dict(zip([c.name for c in cursor.description], row, strict=True))


def test_load_is_four_times_the_balance_and_null_where_a_channel_is_missing(conn: Conn) -> None:
    insert(conn)
    full = ask(
        conn,
        "SELECT * FROM dash.load_15min WHERE enterprise_key = 'north'"
        " ORDER BY bucket_start DESC LIMIT 1",
    )
    # 4 x (100 + 50 + 30 + 20 + 5 - 15 - 10) = 720 kW
    assert full["load_kw"] == pytest.approx(720)
    assert full["storage_charge_kw"] == pytest.approx(60)
    assert full["estimated_kw"] is None
    conn.execute(
        "DELETE FROM interval WHERE bucket_start = %s AND channel_id = (SELECT channel_id"
        " FROM channel WHERE role = 'onsite_pv')",
        (full["bucket_start"],),
    )
    hole = ask(
        conn,
        "SELECT * FROM dash.load_15min WHERE enterprise_key = 'north'"
        " ORDER BY bucket_start DESC LIMIT 1",
    )
    assert (hole["load_kw"], hole["channels"], hole["due_channels"]) == (None, 6, 7)


def test_a_replaced_meter_does_not_make_history_incomplete(conn: Conn) -> None:
    insert(conn)
    conn.execute(
        "UPDATE channel SET retired_at = %s WHERE role = 'onsite_pv'",
        (NOW - timedelta(minutes=37),),
    )  # in service for the two oldest buckets only
    conn.execute(
        "DELETE FROM interval WHERE bucket_start > %s AND channel_id = (SELECT channel_id"
        " FROM channel WHERE role = 'onsite_pv')",
        (NOW - timedelta(minutes=52),),
    )
    rows = conn.execute(
        "SELECT load_kw FROM dash.load_15min WHERE enterprise_key = 'north' ORDER BY bucket_start"
    ).fetchall()
    # with PV 720 kW, without its 4 x 30 kW
    assert [r[0] for r in rows] == pytest.approx([720, 720, 600, 600])


def test_chart_load_breaks_when_a_whole_enterprise_is_missing(
    conn: Conn, reader: psycopg.Connection[Any]
) -> None:
    insert(conn)
    text = next(c.values[3] for c in queries() if c.id == "en-panel8")
    frame = run(
        reader,
        expand(text, variables("en", SELECTIONS["all"]), NOW - timedelta(hours=2), NOW),
        "time_series",
    )
    # newest bucket: `o-neill` (100 kW) has no interval; before it both; oldest: `north` has none
    assert column(frame, "load_kw") == [None, 820, 820, 820, None]
    assert column(frame, "storage_charge_kw")[-1] == -60


def test_a_channel_is_not_missed_before_its_first_day_of_service(
    conn: Conn, reader: psycopg.Connection[Any]
) -> None:
    insert(conn)
    conn.execute(
        "UPDATE channel SET in_service_from = '2026-07-03' WHERE meter_id IN (SELECT meter_id"
        " FROM meter JOIN enterprise USING (enterprise_id) WHERE enterprise.key = 'o-neill')"
    )
    conn.commit()
    text = next(c.values[3] for c in queries() if c.id == "en-panel8")
    span = (NOW - timedelta(hours=2), NOW)
    frame = run(reader, expand(text, variables("en", SELECTIONS["all"]), *span), "time_series")
    assert column(frame, "load_kw")[-1] == 720


def test_glide_path_gap_and_required_share(conn: Conn) -> None:
    insert(conn)
    park = ask(conn, "SELECT * FROM dash.green_share_day WHERE is_park ORDER BY day DESC LIMIT 1")
    # 1 Jan .. 1 Jul = 182 of 365 days; 0.3 + 0.2 x 182/365 = 0.399726
    assert park["path_ratio"] == pytest.approx(0.399726, abs=1e-6)
    assert park["gap_ratio"] == pytest.approx(0.000274, abs=1e-6)
    # (0.5 - 182/365 x 0.4) / (183/365) = 0.599454
    assert park["required_ratio"] == pytest.approx(0.599454, abs=1e-6)
    assert park["at"].isoformat() == "2026-07-01T16:00:00+00:00"  # local midnight closing 1 July
    north = ask(conn, "SELECT * FROM dash.green_share_day WHERE NOT is_park ORDER BY day DESC")
    # own target 0.7: 0.3 + 0.4 x 182/365 = 0.499452
    assert north["path_ratio"] == pytest.approx(0.499452, abs=1e-6)


def test_the_goal_year_alone_has_a_path(conn: Conn) -> None:
    insert(conn)
    conn.execute("UPDATE park SET document = jsonb_set(document, '{goal,year}', '2027')")
    row = ask(conn, "SELECT * FROM dash.green_share_day WHERE is_park LIMIT 1")
    assert (row["path_ratio"], row["gap_ratio"], row["required_ratio"]) == (None, None, None)


def test_intensity_deviation_and_cannot_tell(conn: Conn) -> None:
    insert(conn)
    row = ask(conn, "SELECT * FROM dash.intensity")
    assert row["energy_deviation_ratio"] == pytest.approx(0.25)  # 500 / 400 - 1
    assert (row["water_m3_per_t"], row["water_deviation_ratio"]) == (None, None)
    assert row["water_completeness_ratio"] == pytest.approx(0.95)


def test_freshness_follows_the_park_clock_of_a_replay(conn: Conn) -> None:
    insert(conn)
    rows = conn.execute(
        "SELECT enterprise_key, behind_s, silent_channels FROM dash.freshness ORDER BY 1"
    ).fetchall()
    # last readings 04:00 and 03:45, now 04:07; silent means older than 45 minutes
    assert rows == [("north", 420.0, 0), ("o-neill", 1320.0, 0)]
    conn.execute("UPDATE job_run SET park_time = %s", (NOW + timedelta(minutes=40),))
    rows = conn.execute(
        "SELECT enterprise_key, silent_channels FROM dash.freshness ORDER BY 1"
    ).fetchall()
    assert rows == [("north", 7), ("o-neill", 1)]


def test_alert_numbers_are_words_a_reader_knows(
    conn: Conn, reader: psycopg.Connection[Any]
) -> None:
    insert(conn)
    text = next(c.values[3] for c in queries() if c.id == "zh-CN-panel9")
    frame = run(reader, expand(text, variables("zh", SELECTIONS["one"]), NOW, NOW), "table")
    assert set(zip(column(frame, "name"), column(frame, "value_target"), strict=True)) == {
        ("北厂", "500 / 400 kWh/t"),
        ("园区", None),
    }
