"""greenpark alerts and greenpark rules on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import make_app
from app.jobs.evaluate import evaluate_rules
from app.settings import settings
from models.errors import ConfigError
from storage.db import Conn
from tests.integration.mails import Sink
from tests.integration.test_alert_flow import NOW, Town
from tests.unit.alerts import samples
from tests.unit.alerts.test_bounces import DSN

Run = Callable[..., Result]


@pytest.fixture
def town(conn: Conn, dsn: str, tmp_path: Path) -> Town:
    with Sink(tmp_path / "mails") as sink:
        town = Town(conn, dsn, sink, contacts=[samples.OFFICE])
        town.run(0, town.said("water_saving"), town.said("meter_silent", about="st-1"))
    return town


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("GREENPARK_DSN", dsn)
    settings.cache_clear()

    def call(*words: str) -> Result:
        return CliRunner().invoke(make_app(words[0]), words, catch_exceptions=True)

    return call


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return list(json.loads(result.stdout))


def test_list_show_acknowledge_comment(town: Town, run: Run) -> None:
    listed = rows(run("alerts", "list", "--format", "json"))
    # the silent meter mutes what depends on it
    assert {(a["rule"], a["muted_by"]) for a in listed} == {
        ("meter_silent", None),
        ("water_saving", "inhibited:meter_silent"),
    }
    number = next(a["alert_id"] for a in listed if a["rule"] == "meter_silent")
    by = ("--by", "Li", "--now", NOW.isoformat())
    assert "acknowledged" in run("alerts", "ack", str(number), *by, "--note", "on my way").output
    again = run("alerts", "ack", str(number), "--by", "Wang", "--now", NOW.isoformat())
    assert "is acknowledged, nothing changed (by Li)" in again.output
    noted = run("alerts", "comment", str(number), *by, "--note", "fuse", "--assign", "Zhao")
    assert noted.exit_code == 0
    (shown,) = rows(run("alerts", "show", str(number), "--format", "json"))
    assert (shown["state"], shown["assignee"], shown["acknowledged_by"]) == (
        "acknowledged",
        "Zhao",
        "Li",
    )
    assert [e["note"] for e in shown["history"]][-2:] == ["on my way", "fuse"]
    assert rows(run("alerts", "list", "--rule", "gec_cap", "--format", "json")) == []


def test_silence_dry_run_and_end(town: Town, run: Run) -> None:
    words = ("alerts", "silence", "--rule", "meter_silent", "--by", "Li", "--reason", "overhaul")
    words += ("--now", NOW.isoformat(), "--hours", "5")
    dry = run(*words, "--dry-run")
    assert "st-1" in dry.output
    assert rows(run("alerts", "silences", "--now", NOW.isoformat(), "--format", "json")) == []
    assert run(*words).exit_code == 0
    (made,) = rows(run("alerts", "silences", "--now", NOW.isoformat(), "--format", "json"))
    assert (made["rule"], made["reason"]) == ("meter_silent", "overhaul")
    end = ("alerts", "unsilence", str(made["silence_id"]), "--by", "Li")
    assert run(*end, "--now", (NOW + timedelta(hours=1)).isoformat()).exit_code == 0
    late = run(*end, "--now", (NOW + timedelta(hours=2)).isoformat())
    assert isinstance(late.exception, ConfigError)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("alerts", "ack", "999", "--by", "Li"), "there is no alert 999"),
        (("alerts", "show", "999"), "there is no alert 999"),
        (("alerts", "list", "--rule", "nonsense"), "no rule 'nonsense'; expected one of: green"),
        (("alerts", "ack", "1", "--by", " "), "is empty; expected a name"),
        (
            ("alerts", "silence", "--enterprise", "x", "--by", "Li", "--reason", "overhaul"),
            "no enterprise 'x'; expected one of: shengtai, huize",
        ),
        (
            ("rules", "test", "--from", "2026-03-02", "--to", "2026-03-01"),
            "expected a start before an end",
        ),
        (
            ("rules", "test", "--from", "2026-03-01", "--to", "2026-03-02", "--set", "gec_cap=1"),
            "got 'gec_cap=1'; expected RULE.PARAMETER=VALUE",
        ),
        (
            ("rules", "test", "--from", "2026-03-01", "--to", "2026-03-02", "--set",
             "gec_cap.warn=x"),
            "gec_cap.warn: Input should be a valid number",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named(town: Town, run: Run, words: tuple[str, ...], told: str) -> None:
    result = run(*words)
    assert isinstance(result.exception, ConfigError)
    assert told in str(result.exception)


def test_rules_are_listed_with_what_the_park_says(town: Town, run: Run) -> None:
    listed = {r["rule"]: r for r in rows(run("rules", "list", "--format", "json"))}
    assert listed["demand_ratio"]["critical"] == 1.05
    assert listed["co2_per_tce"]["enabled"] is False


def test_history_is_replayed_without_a_trace(town: Town, run: Run) -> None:
    """A month of power factor 0.87 (limit 0.90): one alert, a reminder every week."""
    town.conn.execute(
        "INSERT INTO indicator_value (indicator, park_id, enterprise_id, period_kind, period_start,"
        " period_stop, value, numerator, denominator, unit, completeness_ratio, estimated_ratio,"
        " status, computed_at) VALUES ('power_factor', %s, %s, 'month', '2026-01-01', '2026-02-01',"
        " 0.87, 1, 1, 'ratio', 1, 0, 'final', now())",
        (town.park_id, town.ids["shengtai"]),
    )
    before = town.conn.execute("SELECT count(*) FROM alert").fetchone()
    asked = ("rules", "test", "--from", "2026-02-01", "--to", "2026-02-20", "--rule",
             "power_factor", "--set", "power_factor.warn=0.9", "--format", "json")  # fmt: skip
    (told,) = rows(run(*asked))
    assert (told["enterprise"], told["severity"], told["value"]) == ("shengtai", "warning", 0.87)
    assert told["messages"] == "1 opened, 1 escalated, 2 reminder"
    assert rows(run(*asked, "--set", "power_factor.warn=0.85")) == []
    assert rows(run(*asked, "--set", "power_factor.for_hours=800")) == []
    assert town.conn.execute("SELECT count(*) FROM alert").fetchone() == before


def test_a_mail_that_came_back_is_recorded_and_the_park_hears_of_it(
    town: Town, run: Run, tmp_path: Path
) -> None:
    (number, recipient) = town.conn.execute(  # type: ignore[misc]
        "SELECT message_id, recipient FROM outbox ORDER BY outbox_id LIMIT 1"
    ).fetchone()
    text = DSN.format(action="failed", status="5.1.1", kind="message/rfc822")
    file = tmp_path / "bounce.eml"
    file.write_text(text.replace("<opened.abc@donghe.greenpark>", number))
    assert f"{recipient}: for good: came back: 5.1.1" in run("alerts", "bounce", str(file)).output
    assert evaluate_rules(town.conn, NOW + timedelta(hours=1))["opened"] == 1
    (alert,) = rows(run("alerts", "list", "--rule", "mail_undeliverable", "--format", "json"))
    assert (alert["about"], alert["enterprise_key"]) == (recipient, None)
    file.write_text(text)
    stranger = run("alerts", "bounce", str(file))
    assert "is not one of this database" in str(stranger.exception)
    file.write_text("Subject: out of office")
    assert "expected a multipart/report" in str(run("alerts", "bounce", str(file)).exception)
