"""Five weeks of the scripted year through the real pipeline: all of it said, nothing else, once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench.alert_year import WEEKS
from bench.alert_year_run import Heard, play
from bench.alert_year_score import FAULTS, Said, Score, judge
from bench.alert_year_script import YEAR, at
from storage.db import Conn


@pytest.fixture
def heard(conn: Conn, tmp_path: Path) -> Heard:
    return play(conn, tmp_path / "mails", *WEEKS)


def faults(score: Score) -> dict[str, int]:
    return {name: score.figures[name] for name in FAULTS if score.figures[name]}


def test_five_weeks_say_everything_once(heard: Heard) -> None:
    score = judge(heard.said, *WEEKS, acknowledged=heard.acknowledged.get)
    assert faults(score) == {}
    assert [(s.rule, s.enterprise, s.at) for s in score.false] == []
    assert score.figures["expected"] == 7
    assert score.figures["raised"] == 8  # it takes two to know that it flaps
    assert [(quiet.what, count) for quiet, count in score.temptations if count] == []
    assert heard.muted["inhibited"] >= 20  # the meters of the outage were found, and not told
    assert heard.muted["maintenance"] >= 3
    assert heard.muted["silence"] == 1
    assert len(heard.messages) < 50


def said(hour: int, change: str = "opened", **changes: object) -> Said:
    facts: dict[str, object] = {
        "at": at(6, 15, 10) + timedelta(hours=hour),
        "recipient": "zhao@d.example",
        "rule": "water_saving",
        "enterprise": "d",
        "about": "",
        "instance": "1",
        "severity": "warning",
        "change": change,
    }
    return Said(**facts | changes)  # type: ignore[arg-type]


END_H = 504  # 6 July, 10:00


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param([said(0), said(END_H, "resolved")], {}, id="right"),
        pytest.param([], {"missed": 1}, id="missed"),
        pytest.param(
            [said(-2), said(END_H, "resolved")], {"missed": 1, "false": 1}, id="too-early"
        ),
        pytest.param([said(2), said(END_H, "resolved")], {"late": 1}, id="late"),
        pytest.param([said(0)], {"ends_missed": 1}, id="no-end"),
        pytest.param([said(0), said(END_H + 3, "resolved")], {"ends_late": 1}, id="end-late"),
        pytest.param(
            [said(0), said(1), said(END_H, "resolved")], {"said_twice": 1}, id="same-mail-twice"
        ),
        pytest.param(
            [said(0), said(END_H, "resolved"), said(30, instance="2")],
            {"duplicates": 1},
            id="a-second-alert",
        ),
        pytest.param(
            [said(0), said(END_H, "resolved"), said(5, recipient="li@b.example")],
            {"misdirected": 1, "ends_unheard": 1},
            id="to-a-stranger",
        ),
        pytest.param(
            [said(0), said(72, "escalated"), said(END_H, "resolved")],
            {"escalations_wrong": 1},
            id="escalated-for-nothing",
        ),
        pytest.param(
            [said(0), said(14, "reminder"), said(END_H, "resolved")], {"woken": 1}, id="at-midnight"
        ),
    ],
)
def test_score_sees_each_fault(what: list[Said], expected: dict[str, int]) -> None:
    score = judge(what, at(6, 15), at(7, 10))
    assert faults(score) == expected


def test_nothing_said_is_a_year_of_missed_alerts() -> None:
    score = judge([], *YEAR)
    assert score.figures["missed"] == score.figures["expected"] == 28
