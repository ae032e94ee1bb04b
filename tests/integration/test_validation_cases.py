"""Plain cases of validation, as somebody who does not know the program would try them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from models.park import Park, parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE
from tests.integration.feed import feed
from tests.integration.test_validation import (
    BETA,
    DAY,
    GRID,
    JAN5,
    Q,
    days_of,
    readings,
    run,
    standing,
)

LONG_AFTER = timedelta(hours=3)
LOAD = [6.0 + 4 * (28 <= n < 72) + n % 3 for n in range(96)]
"""A plant that works from 07:00 to 18:00: 96 x 7 + 44 x 4 = 848 a day."""


def found(conn: Conn, *codes: str) -> list[tuple[str, int, int]]:
    """(code, day since 5 January, quarter-hours) of those that stand."""
    return [(code, n // 96, size) for code, _, n, size in standing(conn) if code in codes]


def plant(*scales: float) -> list[float]:
    return [scale * v for scale in scales for v in LOAD]


@pytest.mark.parametrize(("amount", "code"), [(400, "low"), (2000, "high"), (900, None)])
def test_one_day_unlike_ten_equal_ones(
    dsn: str, conn: Conn, applied: Park, amount: float, code: str | None
) -> None:
    # 960 kWh on all days from Monday on; ten of them are working days, then Monday the 19th
    sent = readings("import_kwh", JAN5, [0.1] * 14 * 96 + [amount / 9600] * 96)
    feed(dsn, GRID, sent)
    run(conn, JAN5 + 15 * DAY)
    assert [(c, n // 96) for c, _, n, _ in standing(conn)] == (
        [(f"validation.{code}", 14)] if code else []
    )


def test_a_new_level_is_told_on_its_first_day_only(dsn: str, conn: Conn, applied: Park) -> None:
    # 0.3 a quarter-hour adds up to a little more or less on each day: no news within two steps
    feed(dsn, GRID, readings("import_kwh", JAN5, [0.1] * 14 * 96 + [0.3] * 5 * 96))
    run(conn, JAN5 + 19 * DAY + LONG_AFTER)
    assert found(conn, "validation.high", "validation.low") == [("validation.high", 14, 96)]


@pytest.mark.parametrize("hour", [0, 10])
def test_a_register_that_stops_for_good_is_told_by_the_next_day(
    dsn: str, conn: Conn, applied: Park, hour: int
) -> None:
    amounts = [0.1] * (8 * 96 + 4 * hour) + [0.0] * (4 * 96)
    sent = readings("import_kwh", JAN5, amounts)
    at = 8 * 96 + 4 * hour
    for days in (9, 10, 11):
        feed(dsn, GRID, sent[: days * 96 + 1])
        run(conn, JAN5 + days * DAY)
        stuck = [f for f in standing(conn) if f[0] == "validation.stuck"]
        assert stuck == [("validation.stuck", "import_kwh", at, days * 96 - at)]


def test_a_register_that_stops_in_the_evening_waits_for_six_hours(
    dsn: str, conn: Conn, applied: Park
) -> None:
    sent = readings("import_kwh", JAN5, [0.1] * (8 * 96 + 80) + [0.0] * (4 * 96))
    feed(dsn, GRID, sent[: 9 * 96 + 1])
    run(conn, JAN5 + 9 * DAY)
    assert standing(conn) == []
    feed(dsn, GRID, sent[9 * 96 : 10 * 96 + 1])
    run(conn, JAN5 + 10 * DAY)
    assert found(conn, "validation.stuck") == [("validation.stuck", 8, 112)]


@pytest.mark.parametrize("scale", [1.5, 0.5])
@pytest.mark.parametrize("weekday", range(7))
def test_a_constant_ratio_after_ten_days_is_told_once(
    dsn: str, conn: Conn, applied: Park, scale: float, weekday: int
) -> None:
    start = JAN5 + weekday * DAY
    feed(dsn, GRID, readings("import_kwh", start, plant(*[1] * 10, *[scale] * 3)))
    run(conn, start + 13 * DAY)
    ((_, day, _),) = found(conn, "validation.ratio_jump")
    # of weekends there are two days before the change, one too few, if it is a Saturday
    assert day - weekday == (11 if weekday == 2 else 10)


@pytest.mark.parametrize("scale", [1.5, 0.5, 2])
def test_a_constant_ratio_from_the_middle_of_a_day_on_is_told_on_the_next(
    dsn: str, conn: Conn, applied: Park, scale: float
) -> None:
    amounts = plant(*[1] * 7, *[scale] * 4)
    amounts[7 * 96 : 7 * 96 + 40] = LOAD[:40]
    feed(dsn, GRID, readings("import_kwh", JAN5, amounts))
    run(conn, JAN5 + 11 * DAY)
    assert found(conn, "validation.ratio_jump") == [("validation.ratio_jump", 8, 96)]


def family(conn: Conn, children: int) -> None:
    """The test park with meters below that of alpha, without a loss limit of its own."""
    document = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    (beta,) = document["enterprises"][1:]
    (meter,) = beta["meters"]
    beta["meters"] = [meter | {"key": f"b-{n}", "parent": "a-grid"} for n in range(children)]
    with conn.transaction():
        apply_park(conn, parse_park(document, "test"), JAN5)


def test_a_parent_is_judged_when_all_its_children_are_there(dsn: str, conn: Conn) -> None:
    family(conn, 2)
    feed(dsn, GRID, readings("import_kwh", JAN5, days_of(1, 1, 1)))  # 12,480 kWh a day
    half = [6.2 / 96] * 96  # MWh; twice 6.2 are 0.6 % less
    feed(dsn, f"{BETA[:-4]}0", readings("import_kwh", JAN5, half * 3))
    sent = readings("import_kwh", JAN5, half * 2 + [5.8 / 96] * 96)  # on the third day 3.8 % less
    feed(dsn, f"{BETA[:-4]}1", sent[:97])
    now = JAN5 + 3 * DAY + LONG_AFTER
    run(conn, now)
    assert found(conn, "validation.parent") == []
    feed(dsn, f"{BETA[:-4]}1", sent[192:])
    run(conn, now)
    assert found(conn, "validation.parent") == [("validation.parent", 2, 96)]


def minutes(at: int) -> timedelta:
    return timedelta(minutes=at)


@pytest.mark.parametrize(
    ("missing", "after", "ready"),
    [
        (range(20, 30), minutes(0), True),  # a hole, but the day ended with a value
        (range(90, 97), minutes(5), False),  # the end is missing: perhaps it is late
        (range(90, 97), minutes(60), True),
    ],
    ids=["hole", "end", "settled"],
)
def test_a_day_waits_only_for_its_end(
    dsn: str, conn: Conn, applied: Park, missing: range, after: timedelta, ready: bool
) -> None:
    power = [
        {"ts": (JAN5 + n * Q).isoformat(), "values": {"power_kw": 10.0 + n % 5}}
        for n in range(97)
        if n not in missing
    ]
    feed(dsn, GRID, power)
    run(conn, JAN5 + DAY + after)
    codes = [f[:2] for f in standing(conn)]
    assert codes == [("validation.completeness", "power_kw")] * ready


def test_a_day_with_values_after_its_end_does_not_wait(dsn: str, conn: Conn, applied: Park) -> None:
    power = [
        {"ts": (JAN5 + n * Q).isoformat(), "values": {"power_kw": 10.0 + n % 5}}
        for n in range(99)
        if not 90 <= n < 96
    ]
    feed(dsn, GRID, power)
    run(conn, JAN5 + DAY + 2 * Q)
    assert [f[:2] for f in standing(conn)] == [("validation.completeness", "power_kw")]
