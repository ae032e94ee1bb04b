"""Finished days to findings through feed, intervals, balances and the validation job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import yaml

from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from app.jobs.validation import compute_validation
from models.park import Park, parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE
from tests.integration.feed import feed

Q, DAY = timedelta(minutes=15), timedelta(days=1)
JAN5 = datetime(2026, 1, 4, 16, tzinfo=UTC)  # Monday 2026-01-05 00:00 in Shanghai
GRID, WATER = "park/testpark/alpha/a-grid", "park/testpark/alpha/a-water"
BETA = "park/testpark/beta/b-grid"
SHAPE = [1.0 + 0.2 * (n % 4) for n in range(96)]  # kWh before the multiplier, 124.8 a day


def run(conn: Conn, now: datetime) -> dict[str, int]:
    compute_intervals(conn, now)
    compute_balances(conn, now)
    return compute_validation(conn, now)


def readings(
    channel: str, start: datetime, amounts: Iterable[float], register: float = 0.0
) -> list[dict[str, Any]]:
    """Register readings every quarter-hour, one more than amounts."""
    values = register + np.concatenate(([0.0], np.cumsum(list(amounts))))
    return [
        {"ts": (start + n * Q).isoformat(), "values": {channel: round(float(v), 4)}}
        for n, v in enumerate(values)
    ]


def days_of(*totals: float) -> list[float]:
    """Amounts of days that have the usual shape, scaled."""
    return [scale * v for scale in totals for v in SHAPE]


def standing(conn: Conn, *but: str) -> list[tuple[str, str, int, int]]:
    """(code, channel, first quarter-hour, quarter-hours) since 5 January of what stands."""
    rows = conn.execute(
        "SELECT f.code, c.key, period_start, period_stop FROM finding f JOIN channel c"
        " USING (channel_id) WHERE withdrawn_at IS NULL ORDER BY period_start, f.code, c.key"
    ).fetchall()
    return [
        (code, key, (start - JAN5) // Q, (stop - start) // Q)
        for code, key, start, stop in rows
        if code not in but and not code.startswith(("interval.", "register."))
    ]


def evidence(conn: Conn, code: str) -> list[dict[str, Any]]:
    rows = conn.execute(
        "SELECT evidence FROM finding WHERE code = %s AND withdrawn_at IS NULL ORDER BY 1", (code,)
    )
    return [row[0] for row in rows.fetchall()]


def test_a_steady_park_has_no_findings(dsn: str, conn: Conn, applied: Park) -> None:
    feed(dsn, GRID, readings("import_kwh", JAN5, days_of(*[1] * 16)))
    done = run(conn, JAN5 + 16 * DAY + timedelta(hours=2))
    assert done["days"] == 16
    assert standing(conn) == []


def test_an_unfinished_day_waits(dsn: str, conn: Conn, applied: Park) -> None:
    amounts = days_of(1)
    amounts[40] = 20.0
    sent = readings("import_kwh", JAN5, amounts)
    feed(dsn, GRID, sent[:-1])
    done = run(conn, JAN5 + DAY + timedelta(minutes=59))
    assert (done["days"], standing(conn)) == (0, [])
    done = run(conn, JAN5 + DAY + timedelta(minutes=60))
    assert done["days"] == 1
    assert standing(conn) == [
        ("validation.completeness", "import_kwh", 0, 96),
        ("validation.spike", "import_kwh", 40, 1),
    ]
    assert evidence(conn, "validation.spike")[0]["highest_kwh"] == pytest.approx(2000)
    assert run(conn, JAN5 + DAY + timedelta(minutes=61)) == {"days": 0, "checked": 0, "findings": 0}


def test_a_complete_day_does_not_wait(dsn: str, conn: Conn, applied: Park) -> None:
    amounts = days_of(1)
    amounts[40] = 20.0
    feed(dsn, GRID, readings("import_kwh", JAN5, amounts))
    assert run(conn, JAN5 + DAY)["days"] == 1
    assert standing(conn) == [("validation.spike", "import_kwh", 40, 1)]


def test_late_data_withdraws_what_was_found(dsn: str, conn: Conn, applied: Park) -> None:
    sent = readings("import_kwh", JAN5, days_of(1, 1, 1))
    # what is known ends on the second day at 12:00; the third has nothing
    feed(dsn, GRID, sent[:145])
    now = JAN5 + 3 * DAY + timedelta(hours=2)
    run(conn, now)
    assert standing(conn) == [
        ("validation.completeness", "import_kwh", 96, 96),
        ("validation.silent", "import_kwh", 192, 96),
    ]
    assert evidence(conn, "validation.completeness")[0]["buckets"] == 48
    feed(dsn, GRID, sent[145:])
    run(conn, now + timedelta(minutes=5))
    assert standing(conn) == []
    kept = conn.execute(
        "SELECT count(*) FROM finding WHERE withdrawn_at = %s", (now + timedelta(minutes=5),)
    ).fetchone()
    assert kept == (2,)


def test_silence_grows_as_one_finding_and_is_cut_by_late_data(
    dsn: str, conn: Conn, applied: Park
) -> None:
    sent = readings("import_kwh", JAN5, days_of(*[1] * 60))
    feed(dsn, GRID, sent[:97])
    for days, silent in ((1, 0), (2, 1), (3, 2), (50, 49)):
        run(conn, JAN5 + days * DAY + timedelta(hours=2))
        wanted = [("validation.silent", "import_kwh", 96, 96 * silent)] if silent else []
        assert standing(conn) == wanted
    # days 10 and 11 come after all; a reading at midnight opens the next day
    feed(dsn, GRID, sent[960:1152])
    run(conn, JAN5 + 50 * DAY + timedelta(hours=3))
    silent = [f for f in standing(conn) if f[0] == "validation.silent"]
    assert silent == [("validation.silent", "import_kwh", 1152, 96 * 38)]
    # the register tells the gap before them: it was estimated, nothing is silent there
    assert standing(conn, "validation.silent") == [
        ("validation.completeness", "import_kwh", 1056, 96)
    ]


def test_a_stuck_register_is_one_finding_for_weeks(dsn: str, conn: Conn, applied: Park) -> None:
    amounts = days_of(*[1] * 10, *[0] * 50)
    sent = readings("import_kwh", JAN5, amounts)
    feed(dsn, GRID, sent)
    for days in (11, 12, 30, 45, 60):
        run(conn, JAN5 + days * DAY + timedelta(hours=2))
        stuck = [f for f in standing(conn) if f[0] == "validation.stuck"]
        assert stuck == [("validation.stuck", "import_kwh", 960, 96 * (days - 10))]
    zero = [f[2] // 96 for f in standing(conn) if f[0] == "validation.zero"]
    # Thursday and Friday; Saturday 12 has only two days of its kind before it; from the fourth
    # working day on, and the fourth weekend day, all like days are zero
    assert zero == [10, 11, 13, 14, 19]


def mixed_history() -> list[dict[str, Any]]:
    """49 days with a spike, a stuck stretch, a silence, a change of ratio, and a low day."""
    scales = [1.0] * 17 + [0.3] + [1.0] * 10 + [2.0] * 21
    amounts = days_of(*scales)
    amounts[9 * 96 + 50] = 30.0
    amounts[20 * 96 + 30 : 22 * 96 + 10] = [0.0] * 172
    sent = readings("import_kwh", JAN5, amounts)
    return sent[: 25 * 96 + 20] + sent[26 * 96 + 70 :]


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_arrival_gives_the_same_findings(
    dsn: str, conn: Conn, applied: Park, seed: int
) -> None:
    random = np.random.default_rng(seed)
    sent = mixed_history()
    now = JAN5 + 50 * DAY
    cuts = sorted(random.choice(np.arange(1, len(sent)), 5, replace=False).tolist())
    parts = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    for n, number in enumerate(random.permutation(6)):
        feed(dsn, GRID, parts[number])
        run(conn, now - (5 - n) * int(random.integers(1, 6)) * DAY)
    run(conn, now)
    found = [(*row, str(e)) for row, e in zip(standing(conn), details(conn), strict=True)]
    conn.execute("TRUNCATE finding, channel_check, stale_check")
    conn.execute("INSERT INTO stale_check SELECT channel_id, day FROM channel_day")
    compute_validation(conn, now)
    again = [(*row, str(e)) for row, e in zip(standing(conn), details(conn), strict=True)]
    assert found == again
    codes = {row[0] for row in found}
    assert {
        "validation.spike",
        "validation.stuck",
        "validation.ratio_jump",
        "validation.low",
    } < codes


def details(conn: Conn) -> list[dict[str, Any]]:
    rows = conn.execute(
        "SELECT evidence FROM finding f JOIN channel c USING (channel_id) WHERE withdrawn_at IS"
        " NULL AND f.code !~ '^(interval|register)' ORDER BY period_start, f.code, c.key"
    ).fetchall()
    return [row[0] for row in rows]


def test_the_sum_guards_what_is_stored(dsn: str, conn: Conn, applied: Park) -> None:
    feed(dsn, GRID, readings("import_kwh", JAN5, days_of(1, 1, 1)))
    now = JAN5 + 3 * DAY + timedelta(hours=2)
    run(conn, now)
    assert standing(conn) == []
    # the last digit is 0.1 x 100 kWh, two of them are tolerated; somebody adds 21 kWh to a
    # quarter-hour of the second day, which was 12,480 kWh
    conn.execute(
        "UPDATE interval SET value = value + 21, quality = 'edited' WHERE bucket_start = %s",
        (JAN5 + DAY + 10 * Q,),
    )
    conn.execute("INSERT INTO stale_check VALUES (1, '2026-01-06')")
    compute_validation(conn, now)
    assert standing(conn) == [("validation.sum", "import_kwh", 96, 96)]
    (facts,) = evidence(conn, "validation.sum")
    assert facts["difference_kwh"] == pytest.approx(21)
    assert facts["register_kwh"] == pytest.approx(12_480)
    assert facts["edited_buckets"] == 1
    # on the day of an installation record the register is not one row
    conn.execute(
        "INSERT INTO installation (channel_id, at, replaced, origin, who, reason, recorded_at)"
        " VALUES (1, %s, false, 'command', 'test', 'test', %s)",
        (JAN5 + DAY + 40 * Q, now),
    )
    conn.execute("INSERT INTO stale_check VALUES (1, '2026-01-06')")
    compute_validation(conn, now)
    assert standing(conn) == []


def tree(conn: Conn, **more: Any) -> None:
    """The test park: the meter of beta hangs below that of alpha, which counts reactive energy."""
    document = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    alpha, beta = document["enterprises"]
    alpha["meters"][0] |= more
    alpha["meters"][0]["channels"]["import_kvarh"] = {
        "quantity": "reactive_energy",
        "unit": "kvarh",
        "kind": "register",
    }
    beta["meters"][0]["parent"] = "a-grid"
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), JAN5)


def test_parent_against_child_and_reactive_against_active(dsn: str, conn: Conn) -> None:
    tree(conn)
    # alpha 100 x 124.8 = 12,480 kWh a day; beta in MWh: 12.2304 are 2 % less. The hour
    # without active energy is not made up for: 11,960 kWh, of which 11.362 are 5 % less
    active = days_of(1, 1)
    active[100:104] = [0.0] * 4
    feed(dsn, GRID, readings("import_kwh", JAN5, active))
    feed(dsn, GRID, readings("import_kvarh", JAN5, [3.0] * 192))
    feed(dsn, BETA, readings("import_kwh", JAN5, [12.2304 / 96] * 96 + [11.362 / 96] * 96))
    now = JAN5 + 2 * DAY + timedelta(hours=2)
    run(conn, now)
    assert standing(conn, "validation.spike") == [
        ("validation.parent", "import_kwh", 96, 96),
        ("validation.reactive", "import_kvarh", 100, 4),
    ]
    (facts,) = evidence(conn, "validation.parent")
    assert facts["lost_ratio"] == pytest.approx(0.05, abs=1e-4)
    assert evidence(conn, "validation.reactive")[0]["reactive_kvarh"] == pytest.approx(12)
    tree(conn, losses_ratio=0.06)  # applied: all days are checked again
    compute_validation(conn, now)
    assert standing(conn, "validation.spike") == [("validation.reactive", "import_kvarh", 100, 4)]


def test_a_changed_child_checks_its_parent_again(dsn: str, conn: Conn) -> None:
    tree(conn)
    feed(dsn, GRID, readings("import_kwh", JAN5, days_of(1)))
    now = JAN5 + DAY + timedelta(hours=2)
    run(conn, now)
    assert standing(conn) == []
    feed(dsn, BETA, readings("import_kwh", JAN5, [12.0 / 96] * 96))  # 3.8 % less
    run(conn, now)
    assert standing(conn) == [("validation.parent", "import_kwh", 0, 96)]


def test_a_slow_clock_is_told_by_the_lag(dsn: str, conn: Conn, applied: Park) -> None:
    sent = readings("import_kwh", JAN5, days_of(1, 1))
    for n, item in enumerate(sent):  # the second day arrives an hour late, the first at once
        late = 3600 if n >= 96 else 2
        feed(dsn, GRID, [item], JAN5 + n * Q + timedelta(seconds=late + n % 7))
    run(conn, JAN5 + 2 * DAY + timedelta(hours=3))
    assert standing(conn) == [("clock.skew", "import_kwh", 96, 96)]
    (facts,) = evidence(conn, "clock.skew")
    assert facts["near_whole_minutes"] == 60


def test_a_channel_in_service_that_never_spoke_is_silent(dsn: str, conn: Conn) -> None:
    document = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    meter = document["enterprises"][1]["meters"][0]
    meter["channels"]["import_kwh"]["in_service_from"] = "2026-01-06"
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), JAN5)
    run(conn, JAN5 + 4 * DAY)
    assert standing(conn) == [("validation.silent", "import_kwh", 96, 192)]
    run(conn, JAN5 + 5 * DAY)
    assert standing(conn) == [("validation.silent", "import_kwh", 96, 288)]
