"""A household meter of two tariffs in both directions, against its logger's own books.

All expected numbers come from the files by pandas, see docs/measured-data.md. The logger keeps the
register of the end of a minute or an hour under the start of it, in local time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.acceptance.conftest import Program
from tests.acceptance.metering import apply_park, by, findings, import_file
from tests.conftest import DATA

FOLDER = DATA / "registers" / "p1mon"
REGISTERS = {
    "VERBR_KWH_181": "import_t1",
    "VERBR_KWH_182": "import_t2",
    "GELVR_KWH_281": "export_t1",
    "GELVR_KWH_282": "export_t2",
}
SIDES = {"import": "VERBR_KWH_X", "export": "GELVR_KWH_X"}
SAME_KWH = 5e-4  # half a step of the register
EXACT_KWH = 1e-6
Rollups = dict[str, dict[str, dict[str, str]]]


def table(name: str) -> pd.DataFrame:
    """A table of the logger with its own steps: import and export, both tariffs together."""
    data = pd.read_csv(FOLDER / f"e_history_{name}.csv.gz", parse_dates=["TIMESTAMP"])
    for side, code in (("import", "VERBR_KWH_18"), ("export", "GELVR_KWH_28")):
        data[side] = data[f"{code}1"] + data[f"{code}2"]
        data[f"{side}_step"] = data[side].diff()
        data[f"{side}_agrees"] = (data[f"{side}_step"] - data[SIDES[side]]).abs() < SAME_KWH
    return data.set_index("TIMESTAMP")


def imported(program: Program, folder: Path, name: str, period_s: int) -> str:
    register = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}
    register |= {"period_s": period_s, "resolution": 0.001}
    apply_park(
        program, folder, "Europe/Amsterdam", {"p1": dict.fromkeys(REGISTERS.values(), register)}
    )
    # the one 02:00 of the long October night is overwritten by its second hour
    time = {"column": "TIMESTAMP", "fold": "second", "shift_s": period_s}
    mapping = {
        "park": "site",
        "time": time,
        "columns": {column: f"p1/{key}" for column, key in REGISTERS.items()},
    }
    said = import_file(program, folder, FOLDER / f"e_history_{name}.csv.gz", mapping)
    program("run", "--once", "--now", "2024-03-04T00:00:00+01:00")
    return said


def ours(rollups: Rollups, side: str) -> pd.Series:
    """Both tariffs together by naive local period; a period that lacks a tariff is absent."""
    one, two = (
        pd.Series({p: float(r["value"]) for p, r in rollups[f"{side}_t{t}"].items()})
        for t in (1, 2)
    )
    both = (one + two).dropna()
    both.index = pd.to_datetime(both.index.str[:19])
    return both[~both.index.duplicated(keep="last")]


def total(rollups: Rollups, channel: str) -> float:
    return sum(float(r["value"]) for r in rollups[channel].values() if r["value"])


def explained(hours: pd.DataFrame) -> pd.Series:
    """Why the logger's delta of an hour is not the step of the register, by import."""
    wrong = hours.iloc[1:]
    wrong = wrong[~wrong["import_agrees"]]
    pauses_h = hours.index.to_series().diff() / pd.Timedelta(hours=1)
    pause_h = pauses_h.reindex(wrong.index)
    next_step = hours["import_step"].shift(-1).reindex(wrong.index)
    early = (pauses_h.shift(-1).reindex(wrong.index) > 2) & (
        (wrong["VERBR_KWH_X"] - next_step).abs() < 0.01
    )
    error = wrong["VERBR_KWH_X"] - wrong["import_step"]
    spring = (wrong.index.month == 3) & (wrong.index.dayofweek == 6) & (pause_h == 2)
    autumn = (
        (wrong.index.month == 10)
        & (wrong.index.dayofweek == 6)
        & (wrong.index.day > 24)
        & (wrong.index.hour == 2)
    )
    spike = wrong["import_step"].abs() > 1300
    fall = (wrong["import_step"] < 0) & ~spike
    why = np.select(
        [spike, fall, spring, autumn, early, pause_h > 1, error.abs() < 0.0075, error < 0],
        ["spike", "fall", "spring", "autumn", "early", "pause", "few Wh", "lost"],
        "twice",
    )
    return pd.Series(why, index=wrong.index)


def test_the_logger_against_itself() -> None:
    """What is known of the files before any of ours looks at them."""
    if not DATA.exists():
        pytest.skip("full measured data sets are not here")
    hours, days, months, years = (table(n) for n in ("uur", "dag", "maand", "jaar"))
    assert len(hours) == 24_822
    why = explained(hours)
    assert len(why) == 57
    assert why.value_counts().to_dict() == {
        "few Wh": 12, "lost": 15, "twice": 12, "early": 1, "pause": 8, "autumn": 3, "spring": 3,
        "spike": 2, "fall": 1,
    }  # fmt: skip
    assert (~hours["export_agrees"]).sum() - 1 == 44
    assert (len(days), len(months), len(years)) == (89, 57, 6)
    # registers of the longer tables are those of the last hour, but the day that was not over
    for longer, rule, unlike in ((days, "D", 1), (months, "MS", 1), (years, "YS", 1)):
        last = hours[list(REGISTERS)].resample(rule).last().reindex(longer.index)
        off = (longer[list(REGISTERS)] - last).abs().max(axis=1)
        assert (off > SAME_KWH).sum() == unlike
    # and their deltas are the sums of its deltas: with all their errors
    assert agreeing_months(months, "import") == 12
    assert agreeing_months(months, "export") == 19
    assert (days["import_agrees"].sum(), days["export_agrees"].sum()) == (87, 86)
    assert (years["import_agrees"] | years["export_agrees"]).sum() == 0


def agreeing_months(months: pd.DataFrame, side: str) -> int:
    return int(months.loc["2021-04":, f"{side}_agrees"].sum())


@pytest.mark.fulldata
def test_three_years_of_hours(program: Program, tmp_path: Path) -> None:
    assert "99,288 readings: 99,288 stored\n" in imported(program, tmp_path, "uur", 3600)
    hours = table("uur")
    by_hour, by_day, by_month = (by(program, p) for p in ("hour", "day", "month"))
    # wherever the logger agrees with itself, so do we: 24,764 hours of import, 24,777 of export
    for side, agreeing in (("import", 24_764), ("export", 24_777)):
        sound = hours[hours[f"{side}_agrees"]]
        difference = (ours(by_hour, side).reindex(sound.index) - sound[SIDES[side]]).abs()
        assert (len(sound), (difference < EXACT_KWH).sum()) == (agreeing, agreeing), side
    where_it_does_not(hours, ours(by_hour, "import"))
    # nothing is lost or made up: last register less first, of each
    for rollups in (by_hour, by_day, by_month):
        assert {c: round(total(rollups, c), 6) for c in rollups} == {
            "import_t1": 11707.088,
            "import_t2": 3839.338,
            "export_t1": 3094.617,
            "export_t2": 7669.098,
        }
    days_of_the_logger(by_day)
    months_and_years_of_the_logger(by_month)
    gaps(program, by_hour, by_day)
    the_reset_that_was_none(program, by_hour)


def where_it_does_not(hours: pd.DataFrame, mine: pd.Series) -> None:
    """Of the 57 hours ours is the step of the register, but where one step says nothing."""
    why = explained(hours)
    off = (mine.reindex(why.index) - hours["import_step"].reindex(why.index)).abs()
    assert why[off > EXACT_KWH].value_counts().to_dict() == {
        "pause": 8,  # the step is that of the pause
        "autumn": 3,  # the step is that of two hours
        "spike": 2,  # the register was wrong
        "fall": 1,  # it came back within the pause that followed
    }
    assert (mine.reindex(why.index) >= 0).all()


def days_of_the_logger(by_day: Rollups) -> None:
    days = table("dag")
    for side, agreeing in (("import", 86), ("export", 86)):
        mine = ours(by_day, side).reindex(days.index)
        sound = days[days[f"{side}_agrees"]].index
        difference = (mine - days[SIDES[side]])[sound].abs()
        # but the last one: its hour went on for 15 Wh after the day was written
        assert (difference < EXACT_KWH).sum() == agreeing, difference[difference > EXACT_KWH]
        both = slice("2024-02-24", "2024-02-25")
        assert mine[both].sum() == pytest.approx(days.loc[both, f"{side}_step"].sum(), abs=1e-6)


def months_and_years_of_the_logger(by_month: Rollups) -> None:
    months, years = table("maand"), table("jaar")
    for side, agreeing, went_on in (
        ("import", 11, ["2021-05"]),
        ("export", 18, ["2021-05", "2022-11"]),
    ):
        mine = ours(by_month, side)
        sound = months.loc["2021-04":"2024-02"]
        sound = sound[sound[f"{side}_agrees"]]
        difference = (mine.reindex(sound.index) - sound[SIDES[side]]).abs()
        # of them the month at whose end a pause began goes on in ours
        crossed = sound.index[difference > EXACT_KWH].strftime("%Y-%m").to_list()
        assert (len(sound), crossed) == (agreeing, went_on)
        steps = months[f"{side}_step"]
        whole = mine.loc["2021-04":"2024-02"].index
        off = (mine[whole] - steps.reindex(whole)).abs() > EXACT_KWH
        assert whole[off | steps.reindex(whole).isna()].strftime("%Y-%m").to_list() == [
            "2021-05", "2021-06", "2022-11", "2022-12", "2023-01",
        ]  # fmt: skip
        for months_of_pause in (slice("2021-05", "2021-06"), slice("2022-11", "2023-01")):
            assert mine[months_of_pause].sum() == pytest.approx(
                steps[months_of_pause].sum(), abs=1e-6
            )
        # the year 2022 ends in a pause, its register is that of 24 November
        assert mine["2022":"2023"].sum() == pytest.approx(
            years.loc["2022":"2023", f"{side}_step"].sum(), abs=1e-6
        )


def gaps(program: Program, by_hour: Rollups, by_day: Rollups) -> None:
    """Eleven days and 46 days without a reading: totals kept, shapes estimated."""
    spans = {(f["period_start"], f["period_stop"]) for f in findings(program, "interval.gap")}
    assert ("2021-05-29T22:00:00+00:00", "2021-06-09T22:00:00+00:00") in spans
    assert ("2022-11-24T12:00:00+00:00", "2023-01-09T10:00:00+00:00") in spans
    for side, kwh in (("import", 78.558), ("export", 126.955)):
        eleven = ours(by_day, side)["2021-05-30":"2021-06-09"]
        assert (len(eleven), round(eleven.sum(), 6)) == (11, kwh)
    for side, kwh in (("import", 1005.365), ("export", 94.087)):
        inside = ours(by_hour, side)["2022-11-24 13:00":"2023-01-09 10:00"]
        assert (len(inside), round(inside.sum(), 6)) == (1102, kwh)
    days = by_day["import_t1"]
    assert {days[d]["estimated_ratio"] for d in days if "2021-05-30" <= d < "2021-06-10"} == {"1.0"}
    assert days["2021-05-29"]["estimated_ratio"] == "0.0"


def the_reset_that_was_none(program: Program, by_hour: Rollups) -> None:
    """2022-11-04 15:00 holds the registers of January: +1,329.647 and -1,329.374 kWh."""
    found = [f for f in findings(program, "register") if f["period_start"][:10] == "2022-11-04"]
    assert [(f["code"], f["channel"]) for f in found] == [
        ("register.glitch", c) for c in sorted(REGISTERS.values())
    ]
    assert [(f["evidence"]["before"], f["evidence"]["value"]) for f in found] == [
        (2858.339, 2913.665), (6802.693, 6961.511), (9293.488, 10288.632), (4035.974, 4370.477),
    ]  # fmt: skip
    two_hours = slice("2022-11-04 15:00", "2022-11-04 16:00")
    assert ours(by_hour, "import")[two_hours].sum() == pytest.approx(1329.647 - 1329.374, abs=1e-6)
    assert ours(by_hour, "export")[two_hours].sum() == pytest.approx(214.144 - 213.964, abs=1e-6)
    assert by_hour["import_t2"]["2022-11-04T15:00:00+01:00"]["estimated_ratio"] == "1.0"
    # the only other falls: 41 Wh on 2023-08-12, 109 and 30 Wh on 2024-02-25
    kinds = [f["code"] for f in findings(program, "register")]
    assert kinds == ["register.glitch"] * 7


@pytest.mark.fulldata
def test_a_month_of_minutes(program: Program, tmp_path: Path) -> None:
    """31 days by minute: the hours of the logger, and which of two registers was wrong."""
    assert "175,920 readings: 175,920 stored\n" in imported(program, tmp_path, "min", 60)
    hours = table("uur").loc["2024-02-01 12:00":"2024-03-03 10:00"]
    by_hour = by(program, "hour")
    for side, agreeing in (("import", 729), ("export", 729)):
        mine = ours(by_hour, side).reindex(hours.index)
        sound = hours[f"{side}_agrees"]
        same = (mine - hours[SIDES[side]]).abs() < EXACT_KWH
        assert (sound.sum(), (same & sound).sum()) == (agreeing, agreeing), side
    # register of the end of 10:59 on the last day less that of 11:14 on the first
    assert {c: round(total(by_hour, c), 6) for c in by_hour} == {
        "import_t1": 508.491,
        "import_t2": 153.751,
        "export_t1": 33.127,
        "export_t2": 76.932,
    }
    # 23:17 on 24 February holds the register of the next morning; in the hours it cannot be told
    found = findings(program, "register")
    assert [(f["code"], f["channel"], f["period_start"]) for f in found] == [
        ("register.glitch", "export_t1", "2024-02-24T22:18:00+00:00"),
        ("register.glitch", "import_t1", "2024-02-24T22:18:00+00:00"),
    ]


@pytest.mark.fulldata
def test_the_reset_of_the_month_table(program: Program, tmp_path: Path) -> None:
    # between the rows of 2019-11 and 2020-01 both import registers fall, 1542.463 to 1411.779 and
    # 1285.66 to 950.667 kWh, and count on: another meter. Only the month table reaches that far.
    register = {"quantity": "active_energy", "unit": "kWh", "kind": "register", "period_s": 86400}
    apply_park(program, tmp_path, "Europe/Amsterdam", {"p1": {"t1": register, "t2": register}})
    columns = {"VERBR_KWH_181": "p1/t1", "VERBR_KWH_182": "p1/t2"}
    mapping = {"park": "site", "time": {"column": "TIMESTAMP"}, "columns": columns}
    import_file(program, tmp_path, FOLDER / "e_history_maand.csv.gz", mapping)
    program("run", "--once", "--now", "2024-03-04T00:00:00+01:00")
    found = [(f["channel"], f["period_start"]) for f in findings(program, "register.reset")]
    at = "2019-12-31T23:00:00+00:00"
    assert found == [("t1", at), ("t2", at)]
    months = by(program, "month")
    for key, expected in (("t1", 430.499 + 14_222.251), ("t2", 350.991 + 5_091.567)):
        periods = {p[:7] for p, row in months[key].items() if row["value"]}
        assert not {"2019-11", "2019-12"} & periods  # nothing is known across the fall
        assert total(months, key) == pytest.approx(expected, abs=1e-6)
