"""Readings to intervals, balances, shares, verdicts: only what is stale, the same every time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.jobs.balances import compute_balances
from app.jobs.evaluate import evaluate_rules, pack_due
from app.jobs.indicators import compute_indicators
from app.jobs.intervals import compute_intervals
from models.claims import CertificateRow, TradeRow
from models.errors import ConfigError
from models.park import Park
from models.rules import Tuning, rule_definitions
from storage.db import Conn
from storage.ledger import import_certificates, import_trades
from storage.parks import apply_park, enterprise_ids
from tests.integration.feed import feed, ramp

Q = timedelta(minutes=15)
JAN1 = datetime(2025, 12, 31, 16, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
GRID, PV = "park/testpark/alpha/a-grid", "park/testpark/alpha/a-pv"
BETA = "park/testpark/beta/b-grid"
NOW = JAN1 + timedelta(days=31)


def calculate(conn: Conn, now: datetime = NOW) -> dict[str, int]:
    done = compute_intervals(conn, now)
    compute_balances(conn, now)
    compute_indicators(conn, now)
    return done


def month_of_alpha(dsn: str, days: int = 31) -> None:
    """Alpha: 100 kWh of grid (register +1, multiplier 100) and 50 kWh of PV per quarter-hour."""
    n = days * 96
    feed(dsn, GRID, ramp("import_kwh", JAN1, Q, (1000.0 + i for i in range(n + 1))))
    feed(dsn, PV, ramp("gen_kwh", JAN1, Q, (50.0 * i for i in range(n + 1))))


def share(conn: Conn, indicator: str, enterprise: str | None, day: date) -> tuple[float, str]:
    row = conn.execute(
        "SELECT value, v.status FROM indicator_value v LEFT JOIN enterprise e USING (enterprise_id)"
        " WHERE indicator = %s AND period_kind = 'ytd' AND period_stop = %s"
        " AND e.key IS NOT DISTINCT FROM %s",
        (indicator, day, enterprise),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_physical_and_claimable_share(dsn: str, conn: Conn, applied: Park) -> None:
    month_of_alpha(dsn)
    ids = enterprise_ids(conn, 1)
    # January: E = 31 x 96 x 150 = 446,400 kWh, D = 297,600 kWh, P = 148,800 kWh
    import_trades(
        conn,
        ids,
        [TradeRow(2, "alpha", "K1", date(2026, 1, 1), "green", 44_640_000)],
        "trades.csv",
        b"x",
        NOW,
    )
    import_certificates(
        conn,
        ids,
        [CertificateRow(2, "alpha", "A", 1, 20, date(2026, 1, 1), date(2026, 1, 20))],
        "certificates.csv",
        b"y",
        NOW,
    )
    calculate(conn)
    assert share(conn, "green_share_physical", "alpha", date(2026, 2, 1)) == (
        pytest.approx(148_800 / 446_400),
        "final",
    )
    # S3 = (148,800 + 44,640 + 20,000) / 446,400
    assert share(conn, "green_share_claim", "alpha", date(2026, 2, 1)) == (
        pytest.approx(213_440 / 446_400),
        "final",
    )
    # half of the month: half of the settled energy
    assert share(conn, "green_share_claim", "alpha", date(2026, 1, 17))[0] == pytest.approx(
        (148_800 + 64_640) * 16 / 31 / (446_400 * 16 / 31)
    )
    assert share(conn, "green_share_claim", None, date(2026, 2, 1))[0] == pytest.approx(
        213_440 / 446_400
    )  # beta sends nothing: it is missing, not zero


def test_claims_are_capped_by_the_grid_draw(dsn: str, conn: Conn, applied: Park) -> None:
    month_of_alpha(dsn)
    import_trades(
        conn,
        enterprise_ids(conn, 1),
        [TradeRow(2, "alpha", "K1", date(2026, 1, 1), "green", 300_000_000)],
        "trades.csv",
        b"x",
        NOW,
    )  # 300,000 kWh > D = 297,600 kWh
    calculate(conn)
    assert share(conn, "green_share_claim", "alpha", date(2026, 2, 1))[0] == pytest.approx(1.0)
    finding = conn.execute(
        "SELECT evidence->>'excess_kwh' FROM finding WHERE code = 'green.claims_above_grid_draw'"
    ).fetchone()
    assert finding is not None
    assert float(finding[0]) == pytest.approx(2400)


def test_only_what_a_reading_made_stale_is_computed_again(
    dsn: str, conn: Conn, applied: Park
) -> None:
    month_of_alpha(dsn, 5)
    calculate(conn)
    before = conn.execute("SELECT * FROM interval ORDER BY 1, 2").fetchall()
    feed(
        dsn,
        GRID,
        [
            {
                "ts": (JAN1 + 200 * Q + timedelta(minutes=5)).isoformat(),
                "values": {"import_kwh": 1200.4},
            }
        ],
    )
    later = NOW + timedelta(days=1)
    assert calculate(conn, later)["buckets"] == 0
    after = conn.execute("SELECT * FROM interval ORDER BY 1, 2").fetchall()
    assert len(before) == len(after)
    changed = [b for a, b in zip(before, after, strict=True) if a != b]
    assert changed == []  # 1200..1201 still is 100 kWh; the reading inside changes nothing
    feed(
        dsn,
        GRID,
        [
            {
                "ts": (JAN1 + 200 * Q).isoformat(),
                "correction": True,
                "values": {"import_kwh": 1200.2},
            }
        ],
    )
    calculate(conn, later)
    rows = conn.execute(
        "SELECT bucket_start, old_value, new_value, reason FROM restatement ORDER BY 1"
    ).fetchall()
    assert rows == [
        (JAN1 + 199 * Q, 100.0, pytest.approx(120.0), "correction"),
        (JAN1 + 200 * Q, 100.0, pytest.approx(80.0), "correction"),
    ]


def test_any_order_of_arrival_gives_the_same_intervals(dsn: str, conn: Conn, applied: Park) -> None:
    items = ramp("import_kwh", JAN1, timedelta(minutes=7), (999_900 + 1.37 * i for i in range(70)))
    items += ramp(
        "import_kwh",
        JAN1 + timedelta(minutes=490),
        timedelta(minutes=7),
        (3.0 + 1.37 * i for i in range(60)),
    )  # rolls over at 1,000,000
    for part in (items[1::2], items[::-3], items):
        feed(dsn, GRID, part)
        calculate(conn)
    shuffled = conn.execute(
        "SELECT bucket_start, value, quality FROM interval ORDER BY 1"
    ).fetchall()
    conn.execute("TRUNCATE reading, interval, stale_range, stale_day")
    feed(dsn, GRID, items)
    calculate(conn)
    straight = conn.execute(
        "SELECT bucket_start, value, quality FROM interval ORDER BY 1"
    ).fetchall()
    assert shuffled == straight
    assert sum(v for _, v, _ in straight) > 0


def test_a_gap_is_estimated_and_found(dsn: str, conn: Conn, applied: Park) -> None:
    items = ramp("import_kwh", JAN1, Q, (10.0 + i for i in range(20)))
    feed(dsn, GRID, items[:5] + items[12:])
    calculate(conn)
    rows = conn.execute(
        "SELECT quality, count(*), sum(value) FROM interval GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert rows == [("estimated", 8, pytest.approx(800)), ("measured", 11, pytest.approx(1100))]
    assert conn.execute("SELECT code, severity FROM finding").fetchall() == [
        ("interval.gap", "info")
    ]


def only_green(conn: Conn, park: Park) -> None:
    """Switch every rule off but the one about the glide path."""
    off = {c: Tuning(enabled=False) for c in rule_definitions() if c != "green_share_ytd"}
    rules = park.rules.model_copy(update={"tune": off})
    with conn.transaction():
        apply_park(conn, park.model_copy(update={"rules": rules}), NOW)


def test_rules_open_and_resolve(dsn: str, conn: Conn, applied: Park) -> None:
    only_green(conn, applied)
    # beta reports every quarter-hour that it uses nothing; were it silent, the park could not tell
    feed(dsn, BETA, ramp("import_kwh", JAN1, Q, [5.0] * (96 * 59 + 1)))
    month_of_alpha(dsn)  # S3 = S1 = 33.3 %; path on 1 Feb = 30 % + 20 % x 31/365 = 31.7 %
    calculate(conn)
    assert evaluate_rules(conn, NOW)["opened"] == 0
    ids = enterprise_ids(conn, 1)
    feed(
        dsn,
        GRID,
        ramp(
            "import_kwh",
            JAN1 + timedelta(days=31),
            Q,
            (1000.0 + 2976 + 2 * i for i in range(96 * 28 + 1)),
        ),
    )
    feed(
        dsn,
        PV,
        ramp(
            "gen_kwh",
            JAN1 + timedelta(days=31),
            Q,
            (148_800 + 20.0 * i for i in range(96 * 28 + 1)),
        ),
    )
    march = JAN1 + timedelta(days=59)
    calculate(conn, march)
    assert evaluate_rules(conn, march)["opened"] == 2  # alpha and the park as a whole
    assert evaluate_rules(conn, march)["opened"] == 0  # once
    assert pack_due(conn, march)["messages"] == 2
    import_certificates(
        conn,
        ids,
        [CertificateRow(2, "alpha", "A", 1, 300, date(2026, 2, 1), date(2026, 2, 27))],
        "certificates.csv",
        b"y",
        march,
    )
    calculate(conn, march)
    assert evaluate_rules(conn, march)["resolved"] == 2
    assert pack_due(conn, march)["messages"] == 2
    kinds = conn.execute("SELECT kind, recipient FROM outbox ORDER BY 1, 2").fetchall()
    assert kinds == [
        ("opened", "energy@park.example"),
        ("opened", "wang@alpha.example"),
        ("resolved", "energy@park.example"),
        ("resolved", "wang@alpha.example"),
    ]


def test_a_certificate_counts_once(conn: Conn, applied: Park) -> None:
    ids = enterprise_ids(conn, 1)
    jan, day = date(2026, 1, 1), date(2026, 2, 3)
    first = [CertificateRow(2, "alpha", "A", 1, 20, jan, day)]
    assert import_certificates(conn, ids, first, "c", b"", NOW).new == 1
    assert import_certificates(conn, ids, first, "c", b"", NOW).same == 1
    rows = [
        CertificateRow(2, "beta", "B", 1, 5, jan, day),
        CertificateRow(3, "beta", "A", 20, 25, jan, day),
    ]
    with pytest.raises(
        ConfigError, match="line 3: serials A 20-20 of beta overlap 1-20, claimed by alpha"
    ):
        import_certificates(conn, ids, rows, "c", b"", NOW)
    assert conn.execute("SELECT count(*) FROM ledger_entry").fetchone() == (1,)  # nothing of it


def test_history_is_not_rewritten_silently(dsn: str, conn: Conn, applied: Park) -> None:
    month_of_alpha(dsn, 1)
    calculate(conn)
    changed = applied.model_dump(mode="json")
    changed["enterprises"][0]["meters"][0]["channels"]["import_kwh"]["multiplier"] = 200
    park = Park.model_validate(changed)
    with pytest.raises(ConfigError, match=r"multiplier: 100.0 -> 200.0 would change values"):
        apply_park(conn, park, NOW)
    apply_park(conn, park, NOW, restate=True)
    calculate(conn)
    row = conn.execute(
        "SELECT count(*), min(old_value), max(new_value) FROM restatement"
    ).fetchone()
    assert row == (96, 100.0, 200.0)


def test_a_channel_added_later_does_not_empty_the_past(dsn: str, conn: Conn, applied: Park) -> None:
    n = 4 * 96
    feed(dsn, GRID, ramp("import_kwh", JAN1, Q, (1.0 * i for i in range(n + 1))))
    calculate(conn)
    assert conn.execute("SELECT count(*) FROM balance_day").fetchone() == (0,)  # PV is missing
    changed = applied.model_dump(mode="json")
    channel = changed["enterprises"][0]["meters"][1]["channels"]["gen_kwh"]
    channel["in_service_from"] = "2026-01-03"
    apply_park(conn, Park.model_validate(changed), NOW)
    calculate(conn)
    days = conn.execute("SELECT day, consumption_kwh FROM balance_day ORDER BY 1").fetchall()
    assert days == [(date(2026, 1, 1), 9600.0), (date(2026, 1, 2), 9600.0)]


def park_year(conn: Conn, day: date) -> tuple[float, float, str]:
    row = conn.execute(
        "SELECT value, completeness_ratio, status FROM indicator_value WHERE enterprise_id IS NULL"
        " AND indicator = 'green_share_physical' AND period_stop = %s",
        (day,),
    ).fetchone()
    assert row is not None
    return row


def test_a_silent_enterprise_makes_the_park_incomplete(dsn: str, conn: Conn, applied: Park) -> None:
    month_of_alpha(dsn)
    calculate(conn)
    assert park_year(conn, date(2026, 2, 1))[1] == pytest.approx(0.5)


def test_a_change_of_the_boundary_moves_the_park(dsn: str, conn: Conn, applied: Park) -> None:
    month_of_alpha(dsn)
    feed(dsn, BETA, ramp("import_kwh", JAN1, Q, (0.15 * i for i in range(31 * 96 + 1))))
    calculate(conn)  # beta uses 150 kWh of grid energy per quarter-hour, as much as alpha in all
    assert park_year(conn, date(2026, 2, 1))[0] == pytest.approx(1 / 6)
    changed = applied.model_dump(mode="json")
    changed["enterprises"][1]["in_goal_boundary"] = False
    apply_park(conn, Park.model_validate(changed), NOW)
    calculate(conn)
    assert park_year(conn, date(2026, 2, 1)) == (pytest.approx(1 / 3), 1.0, "final")


def test_a_balance_that_cannot_close_any_more_takes_its_shares_along(
    dsn: str, conn: Conn, applied: Park
) -> None:
    month_of_alpha(dsn, 5)
    calculate(conn)
    assert conn.execute("SELECT count(*) > 0 FROM indicator_value").fetchone() == (True,)
    changed = applied.model_dump(mode="json")
    wind = dict(changed["enterprises"][0]["meters"][1]["channels"]["gen_kwh"], role="onsite_wind")
    changed["enterprises"][0]["meters"][1]["channels"]["wind_kwh"] = wind
    apply_park(conn, Park.model_validate(changed), NOW)
    calculate(conn)
    assert conn.execute("SELECT count(*) FROM balance_day").fetchone() == (0,)
    left = conn.execute("SELECT DISTINCT indicator FROM indicator_value ORDER BY 1").fetchall()
    assert {key for (key,) in left} == {"completeness", "max_demand", "water_unit_intake"}


def test_a_modulus_set_later_turns_a_fall_into_a_roll_over(
    dsn: str, conn: Conn, applied: Park
) -> None:
    feed(dsn, PV, ramp("gen_kwh", JAN1, Q, [999_980.0, 999_990.0, 5.0, 15.0]))
    calculate(conn)
    assert conn.execute("SELECT count(*) FROM interval").fetchone() == (2,)
    changed = applied.model_dump(mode="json")
    changed["enterprises"][0]["meters"][1]["channels"]["gen_kwh"]["modulus"] = 1_000_000
    apply_park(conn, Park.model_validate(changed), NOW)
    calculate(conn)
    values = conn.execute("SELECT value FROM interval ORDER BY bucket_start").fetchall()
    assert values == [(10.0,), (15.0,), (10.0,)]


def test_dead_meters_do_not_keep_alerts_alive_or_close_them(
    dsn: str, conn: Conn, applied: Park
) -> None:
    only_green(conn, applied)
    month_of_alpha(dsn)
    calculate(conn)
    later = NOW + timedelta(days=120)
    assert evaluate_rules(conn, later)["opened"] == 0


def test_a_false_zero_is_held_back_until_the_register_returns(
    dsn: str, conn: Conn, applied: Park
) -> None:
    items = ramp("import_kwh", JAN1, Q, [100.0, 101.0, 0.0, 103.0, 104.0])
    feed(dsn, GRID, items[:3])
    calculate(conn)
    assert conn.execute("SELECT code FROM finding").fetchall() == [("register.held",)]
    assert conn.execute("SELECT sum(value) FROM interval").fetchone() == (100.0,)
    feed(dsn, GRID, items[3:])
    calculate(conn)
    codes = conn.execute("SELECT code, withdrawn_at FROM finding ORDER BY 1").fetchall()
    assert codes == [("interval.gap", None), ("register.glitch", None), ("register.held", NOW)]
    assert conn.execute("SELECT sum(value), count(*) FROM interval").fetchone() == (400.0, 4)
