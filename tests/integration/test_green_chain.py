"""Green accounting through the chain: by hand, in any order, restated, explained."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from models.errors import ConfigError
from models.park import parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.green_site import JAN1, NOW, Q, calculate, send, site

Run = Callable[..., str]
DAY = 96
NIGHT, NOON, EVENING = range(40), range(40, 56), range(72, 88)


def day_of_works(pv: float = 60.0) -> dict[str, list[float | None]]:
    """Load 50 all day; at noon PV 60 and a line of 20 charge 30; in the evening 25 come back."""
    noon = [1.0 if n in NOON else 0.0 for n in range(DAY)]
    evening = [1.0 if n in EVENING else 0.0 for n in range(DAY)]
    return {
        "grid": [
            (50.0 - 25 * e) * (1 - m) + max(60 - pv, 0.0) * m
            for m, e in zip(noon, evening, strict=True)
        ],
        "export": [max(pv - 60, 0.0) * m for m in noon],
        "pv": [pv * m for m in noon],
        "direct": [20.0 * m for m in noon],
        "charge": [30.0 * m for m in noon],
        "discharge": [25.0 * e for e in evening],
        "could": [24.0 * m for m in noon],
    }


def days_of_works(dsn: str, days: int, pv: float = 60.0) -> None:
    values = {name: one * days for name, one in day_of_works(pv).items()}
    send(dsn, "works", **values)


@pytest.fixture
def works(conn: Conn, dsn: str) -> Conn:
    with conn.transaction():
        apply_park(conn, site(), NOW)
    days_of_works(dsn, 3)
    calculate(conn)
    return conn


def state(conn: Conn) -> list[list[tuple[Any, ...]]]:
    """All of green accounting but when it was computed."""
    return [
        conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        for table in ("balance_hour", "storage_stock")
    ] + [
        sorted(
            conn.execute(f"SELECT (to_jsonb(t) - 'computed_at')::text FROM {table} t").fetchall()
        )
        for table in ("balance_day", "indicator_value")
    ]


def value(conn: Conn, indicator: str, kind: str = "year", enterprise: str = "works") -> Any:
    row = conn.execute(
        "SELECT value FROM dash.indicator WHERE indicator = %s AND period_kind = %s"
        " AND enterprise_key = %s ORDER BY period_stop DESC LIMIT 1",
        (indicator, kind, enterprise),
    ).fetchone()
    return row and row[0]


def test_a_day_by_hand(works: Conn) -> None:
    # noon, 16 quarter-hours: PV 60 -> load 50, charge 10; line 20 -> charge; grid 0 -> charge 0
    # load 50 x 96 = 4800; charged 480, all green; 0.9 x 480 = 432 can come back, 400 do
    row = works.execute(
        "SELECT load_kwh, onsite_to_load_kwh, direct_to_charge_kwh, green_load_kwh, untraced_kwh,"
        " physical_green_kwh, grid_draw_kwh, consumption_kwh, green_lost_kwh, buckets"
        " FROM dash.green_day WHERE day = '2026-01-01'"
    ).fetchone()
    assert row is not None
    expected = (4800, 800, 320, 1200, 0, 1280, 3600, 4880, 48, 96)
    assert row == pytest.approx(expected, abs=1e-9)
    stored = works.execute("SELECT stored_kwh, green_ratio FROM dash.storage_day ORDER BY day")
    assert stored.fetchall() == [(pytest.approx(32.0 * n), pytest.approx(1)) for n in (1, 2, 3)]
    hours = works.execute(
        "SELECT sum(load_kwh), sum(green_load_kwh), count(*) FROM dash.green_hour"
    ).fetchone()
    assert hours == (pytest.approx(3 * 4800), pytest.approx(3 * 1200), 72)
    starts = works.execute("SELECT min(at), max(at) FROM dash.green_hour").fetchone()
    assert starts == (JAN1, JAN1 + 71 * timedelta(hours=1))


def test_indicators_by_hand(works: Conn) -> None:
    assert value(works, "green_share_physical") == pytest.approx(1280 / 4880)
    assert value(works, "green_share_tracked") == pytest.approx(1200 / 4800)
    assert value(works, "green_share_hourly") == pytest.approx(0.25)
    assert value(works, "green_share_metered") == pytest.approx(1280 / 4880)
    # the line gave 320 of 384 that it could have, none was exported
    assert value(works, "direct_selfuse_of_gen") == pytest.approx(320 / 384)
    assert value(works, "direct_selfuse_of_load") == pytest.approx(320 / 4880)
    assert value(works, "direct_export_ratio") == 0
    assert value(works, "curtailment_rate") == pytest.approx(64 / 384)
    assert value(works, "storage_eta") == pytest.approx(400 / 480)
    assert value(works, "storage_eta", "rolling_30d") == pytest.approx(400 / 480)
    assert value(works, "electricity_co2_location") == pytest.approx(3 * 3.6 * 0.6479)
    assert value(works, "nonfossil_share") is None
    note = works.execute(
        "SELECT note FROM dash.indicator WHERE indicator = 'nonfossil_share' LIMIT 1"
    ).fetchone()
    assert note == ("allocation_ratio of 2026 is not set",)
    assert value(works, "curtailment_rate", enterprise="park") == pytest.approx(64 / 384)


def test_the_year_and_the_month_are_provisional_while_they_last(works: Conn) -> None:
    rows = works.execute(
        "SELECT period_kind, period_stop, status, completeness_ratio FROM indicator_value"
        " JOIN enterprise USING (enterprise_id) WHERE key = 'works'"
        " AND indicator = 'green_share_physical' AND period_kind IN ('month', 'year') ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("month", date(2026, 2, 1), "final", pytest.approx(3 / 31)),
        ("year", date(2027, 1, 1), "provisional", pytest.approx(3 / 59)),
    ]


def test_rolling_windows(conn: Conn, dsn: str) -> None:
    with conn.transaction():
        apply_park(conn, site(), NOW)
    days_of_works(dsn, 10)
    send(dsn, "works", JAN1 + 40 * DAY * Q, **day_of_works(pv=0.0))
    calculate(conn)
    # the 41st day: 4 PV-less; the 10 first are out of the 30 days but in the 12 months
    row = conn.execute(
        "SELECT numerator, period_start, completeness_ratio FROM dash.indicator"
        " WHERE indicator = 'green_share_physical' AND period_kind = 'rolling_12m'"
        " AND enterprise_key = 'works' AND period_stop = '2026-02-11'"
    ).fetchone()
    assert row == (pytest.approx(10 * 1280 + 320), date(2025, 2, 11), pytest.approx(11 / 41))
    eta = conn.execute(
        "SELECT numerator, denominator FROM dash.indicator WHERE indicator = 'storage_eta'"
        " AND period_kind = 'rolling_30d' AND period_stop = '2026-02-11' AND NOT is_park"
    ).fetchone()
    assert eta == (pytest.approx(400), pytest.approx(480))


def test_late_data_give_what_a_rebuild_gives(conn: Conn, dsn: str) -> None:
    with conn.transaction():
        apply_park(conn, site(), NOW)
    day = day_of_works()
    late = {name: list(one) for name, one in day.items()}
    for n in range(44, 50):  # a piece of the first noon comes last
        late["pv"][n] = None
    send(dsn, "works", **{name: late[name] + day[name] * 2 for name in day})
    calculate(conn)
    open_day = conn.execute("SELECT buckets FROM balance_day ORDER BY day").fetchall()
    assert open_day == [(90,), (96,), (96,)]
    send(dsn, "works", JAN1 + 44 * Q, pv=[60.0] * 6)
    calculate(conn)
    one_by_one = state(conn)
    assert value(conn, "green_share_tracked") == pytest.approx(0.25)
    conn.execute("INSERT INTO stale_balance SELECT enterprise_id, day FROM balance_day")
    calculate(conn)
    assert state(conn) == one_by_one
    conn.execute("TRUNCATE balance_day, balance_hour, storage_stock, indicator_value")
    conn.execute(
        "INSERT INTO stale_balance SELECT DISTINCT m.enterprise_id, d.day FROM channel_day d"
        " JOIN channel USING (channel_id) JOIN meter m USING (meter_id)"
    )
    calculate(conn)
    assert state(conn) == one_by_one


@pytest.mark.parametrize("seed", range(3))
def test_days_in_any_order_with_jobs_in_between(conn: Conn, dsn: str, seed: int) -> None:
    rng = random.Random(seed)
    with conn.transaction():
        apply_park(conn, site(storage={"method": "fifo"}), NOW)
    order = list(range(6))
    rng.shuffle(order)
    for n in order:
        send(dsn, "works", JAN1 + n * DAY * Q, **day_of_works(60.0 + 7 * n))
        send(dsn, "mill", JAN1 + (5 - n) * DAY * Q, grid=[float(n)] * DAY)
        if rng.random() < 0.6:
            calculate(conn)
    calculate(conn)
    mixed = state(conn)
    conn.execute("INSERT INTO stale_balance SELECT enterprise_id, day FROM balance_day")
    calculate(conn)
    assert state(conn) == mixed


def test_the_choice_of_a_method_is_fixed(works: Conn) -> None:
    fifo = site(storage={"method": "fifo"})
    with pytest.raises(ConfigError, match=r"works\.storage\.method: weighted_average -> fifo"):
        apply_park(works, fifo, NOW)
    with works.transaction():
        apply_park(works, fifo, NOW, restate=True)
    assert works.execute("SELECT count(*) FROM stale_day").fetchone() != (0,)
    before = state(works)[1]
    calculate(works)
    assert [len(layers) for _, _, layers in before] == [3, 3, 3]
    assert max(len(layers) for _, _, layers in state(works)[1]) >= 3
    with works.transaction():
        apply_park(
            works, site(storage={"method": "fifo", "efficiency_ratio": 0.8}), NOW, restate=True
        )
    calculate(works)
    assert works.execute("SELECT sum(untraced_kwh) FROM balance_day").fetchone() == (
        pytest.approx(3 * (400 - 0.8 * 480)),
    )


def test_boundaries(works: Conn, dsn: str, run: Run) -> None:
    send(dsn, "mill", grid=[10.0] * DAY)
    send(dsn, "smelter", grid=[1000.0] * DAY)
    calculate(works)

    def s1(*words: str) -> dict[str, Any]:
        told = run("indicators", "green", "--now", NOW.isoformat(), "--format", "json", *words)
        rows = {r["indicator"]: r for r in json.loads(told)}
        found: dict[str, Any] = rows["green_share_physical"]
        return found

    whole = s1("--period", "2026")
    assert whole["denominator"] == pytest.approx(3 * 4880 + 960 + 96_000)
    assert whole["members"] == "works,mill,smelter"
    assert value(works, "aluminium_green_share", enterprise="park") == 0  # draws 96 MWh, no claims
    light = s1("--period", "2026", "--boundary", "light")
    assert light["value"] == pytest.approx(3 * 1280 / (3 * 4880 + 960))
    assert light["completeness_ratio"] == pytest.approx((3 + 1) * 96 / (2 * 59 * 96))
    assert s1("--without", "smelter")["value"] == pytest.approx(light["value"])
    one = s1("--enterprise", "works", "--enterprise", "mill", "--period", "2026-01-01")
    assert one["value"] == pytest.approx(1280 / (4880 + 960))
    assert (one["period_start"], one["period_stop"]) == ("2026-01-01", "2026-01-02")
    assert one["completeness_ratio"] == 1.0
    assert one["status"] == "final"
    view = works.execute(
        "SELECT value_ratio, told_members, members FROM dash.green_boundary"
        " WHERE boundary_key = 'light' AND indicator = 'green_share_physical'"
        " AND period_kind = 'year'"
    ).fetchone()
    assert view == (pytest.approx(light["value"]), 2, 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--enterprise", "nobody"), "no enterprise 'nobody'"),
        (("--boundary", "dark"), "no boundary 'dark'; there are: light"),
        (("--enterprise", "mill", "--without", "mill"), "no enterprise is left"),
    ],
)
def test_what_is_not_there_is_said(
    works: Conn, run: Run, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        run("indicators", "green", *words)


def test_explain_tells_every_kwh(works: Conn, dsn: str, run: Run) -> None:
    def lines(at: str) -> dict[str, dict[str, Any]]:
        told = run("green", "explain", "--enterprise", "works", "--at", at, "--format", "json")
        return {f"{r['step']} {r['line']}": r for r in json.loads(told)}

    noon = lines("2026-01-02T10:07:00+08:00")
    assert noon["meter works/works-m/pv_kwh"]["kwh"] == 60
    assert noon["flow on-site generation -> load"]["kwh"] == 50
    assert noon["flow direct line -> charging"]["green_kwh"] == 20
    assert noon["storage before: can still give"]["kwh"] == pytest.approx(32)
    assert noon["storage after: can still give"]["kwh"] == pytest.approx(32 + 27)
    assert "assumed, not measured" in noon["storage after: can still give"]["note"]
    assert noon["sum E use"]["kwh"] == 80
    send(dsn, "works", JAN1 + 3 * DAY * Q, **day_of_works(pv=45.0))
    calculate(works)
    later = lines("2026-01-04T18:00:00+08:00")  # charged 15 of the line and 15 of the grid, x 0.9
    mix = (3 * 32 + 16 * 13.5) / (3 * 32 + 16 * 27)
    assert later["flow storage -> load"]["green_kwh"] == pytest.approx(25 * mix)
    evening = lines("2026-01-01T18:00:00+08:00")
    assert evening["flow storage -> load"]["green_kwh"] == pytest.approx(25)
    assert evening["sum load"]["green_kwh"] == pytest.approx(25)


def test_explain_of_an_open_balance_names_the_channel(works: Conn, dsn: str, run: Run) -> None:
    send(dsn, "works", JAN1 + 3 * DAY * Q, grid=[1.0], pv=[1.0])
    calculate(works)
    told = run("green", "explain", "--enterprise", "works", "--at", "2026-01-04T00:00:00+08:00")
    assert "not closed" in told
    assert "missing" in told
    nothing = run("green", "explain", "--enterprise", "works", "--at", "2026-01-09T00:00:00+08:00")
    assert "nothing is stored of that day" in nothing


def test_a_data_gap_leaves_green_out_and_not_zero(works: Conn) -> None:
    row = works.execute("SELECT count(*) FROM dash.green_day WHERE day = '2026-01-04'").fetchone()
    assert row == (0,)


def test_a_plant_that_belongs_to_nobody_who_uses_it(conn: Conn, dsn: str) -> None:
    document = site().model_dump(mode="json")
    roles = ("direct_generation", "direct_export", "direct_available")
    kwh = {"quantity": "active_energy", "unit": "kWh", "kind": "interval"}
    meter = {
        "key": "farm-m",
        "name": {"zh": "f", "en": "f"},
        "channels": {f"{role}_kwh": kwh | {"role": role} for role in roles},
    }
    farm = {"key": "farm", "name": {"zh": "f", "en": "f"}, "meters": [meter], "kind": "energy"}
    document["enterprises"].append(farm | {"direct_users": ["works", "mill"]})
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), NOW)
    made = {"direct_generation": 10.0, "direct_export": 1.0, "direct_available": 12.0}
    send(dsn, "farm", **{role: [amount] * DAY for role, amount in made.items()})
    days_of_works(dsn, 1)
    calculate(conn)
    assert value(conn, "direct_selfuse_of_gen", enterprise="farm") is None  # the mill is silent
    send(dsn, "mill", grid=[10.0] * DAY)
    calculate(conn)
    # 960 made, 96 exported, 1152 could have been made; the users use 4880 + 960
    for subject in ("farm", "park"):
        assert value(conn, "direct_selfuse_of_gen", enterprise=subject) == pytest.approx(864 / 1152)
        load = value(conn, "direct_selfuse_of_load", enterprise=subject)
        assert load == pytest.approx(864 / (4880 + 960))
    assert value(conn, "direct_export_ratio", enterprise="farm") == pytest.approx(96 / 1152)
    assert value(conn, "curtailment_rate", enterprise="farm") == pytest.approx(192 / 1152)
    assert value(conn, "green_share_physical", enterprise="farm") is None
    told = conn.execute(
        "SELECT completeness_ratio FROM dash.indicator WHERE enterprise_key = 'farm'"
        " AND indicator = 'direct_selfuse_of_gen' AND period_kind = 'month'"
    ).fetchone()
    assert told == (pytest.approx(1 / 31),)


def test_several_users_of_one_plant(conn: Conn, dsn: str) -> None:
    document = site().model_dump()
    document["enterprises"][1]["direct_users"] = ["works", "mill"]  # the mill owns the plant
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), NOW)
    days_of_works(dsn, 1)
    send(dsn, "mill", grid=[10.0] * DAY)
    calculate(conn)
    share = pytest.approx(320 / (4880 + 960))
    assert value(conn, "direct_selfuse_of_load", enterprise="mill") == share
    assert value(conn, "direct_selfuse_of_load") is None  # told once, where the plant is
    assert value(conn, "direct_selfuse_of_load", enterprise="park") == share
