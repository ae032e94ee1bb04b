"""From a verdict to a mail in the box: real PostgreSQL, real SMTP, and everything that breaks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alerts.lifecycle import LifecycleResult, apply_verdicts
from alerts.outbox import LEASE, DeliveryResult, deliver_due, pause
from alerts.packing import pack_messages
from app.embedded import free_port
from models.findings import Severity
from models.park import Park
from models.verdicts import Outcome, Verdict
from storage.alerts import AlertFilter, list_alerts
from storage.db import Conn, connect
from storage.parks import applied_parks, apply_park, enterprise_ids
from tests.integration.mails import Crash, DiesAfterDelivery, Sink
from tests.unit.alerts import samples

OPENED = samples.OPENED_AT
LATER = samples.RESOLVED_AT


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink(tmp_path / "mails") as made:
        yield made


def at(offset_s: float = 0) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=offset_s)


class Site:
    """A park in a database, and what its rules say."""

    def __init__(self, conn: Conn, dsn: str, park: Park) -> None:
        self.conn, self.connect = conn, partial(connect, dsn, application="delivery")
        with conn.transaction():
            apply_park(conn, park, OPENED)
        self.park_id = applied_parks(conn)[0].park_id
        self.park, self.ids = park, enterprise_ids(conn, self.park_id)

    def say(
        self,
        outcome: Outcome,
        now: datetime = OPENED,
        enterprise: str | None = "shengtai",
        severity: Severity = Severity.WARNING,
        then: type[BaseException] | None = None,
        **evidence: Any,
    ) -> LifecycleResult:
        number = self.ids[enterprise] if enterprise else None
        verdict = Verdict(
            "green_share_ytd", self.park_id, number, outcome, severity, samples.green(**evidence)
        )
        keys = {v: k for k, v in self.ids.items()}
        with self.conn.transaction():
            result = apply_verdicts(self.conn, self.park_id, self.park, keys, [verdict], now)
            pack_messages(self.conn, self.park_id, self.park, keys, now)
            if then is not None:
                raise then
            return result

    def notes(self) -> list[tuple[str | None, str, str]]:
        return self.conn.execute(
            "SELECT old_state, new_state, note FROM alert_event ORDER BY alert_event_id"
        ).fetchall()


@pytest.fixture
def site(conn: Conn, dsn: str) -> Site:
    return Site(conn, dsn, samples.make_park())


def test_alert_opens_and_resolves_with_two_threaded_mails(site: Site, sink: Sink) -> None:
    assert site.say(Outcome.BREACH) == LifecycleResult(opened=1, fired=1)
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult(sent=2)
    assert site.say(Outcome.CLEAR, LATER, value=0.48) == LifecycleResult(resolved=1)
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult(sent=2)

    opened_zh, opened_en, resolved_zh, _ = sink.mails()
    assert opened_zh["Subject"] == "[东河园区] 盛泰: 绿电占比 43.1 %，低于路径 47.5 %"
    assert opened_en["To"] == "Ann Smith <smith@shengtai.example>"
    assert opened_en["Subject"].startswith("[Donghe park] Shengtai: green share 43.1 %")
    assert resolved_zh["Subject"] == "[东河园区] 盛泰: 已恢复，绿电占比 48.0 %（路径 47.5 %）"
    assert resolved_zh["In-Reply-To"] == opened_zh["Message-ID"]
    assert [n[:2] for n in site.notes()] == [(None, "firing"), ("firing", "resolved")]


def test_still_in_breach_sends_no_second_mail(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH)
    later = OPENED + timedelta(hours=1)
    assert site.say(Outcome.BREACH, later) == LifecycleResult()
    worse = site.say(Outcome.BREACH, later, value=0.3, severity=Severity.CRITICAL)
    assert worse == LifecycleResult(updated=1)
    site.say(Outcome.HOLD, later, value=0.46)
    last = later + timedelta(hours=1)
    site.say(Outcome.CANNOT_TELL, last, value=None)
    # two contacts hear of it twice: that it is there, and that it got worse
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult(sent=4)
    assert sink.mails()[-1]["In-Reply-To"] in {m["Message-ID"] for m in sink.mails()[:2]}
    (alert,) = list_alerts(site.conn)
    assert (alert.evidence["value"], alert.severity) == (0.3, "critical")
    assert (alert.opened_at, alert.evaluated_at) == (OPENED, last)
    assert site.notes()[-1] == ("firing", "firing", "severity warning -> critical")


def test_a_resolved_alert_can_open_again(site: Site, sink: Sink) -> None:
    for outcome in (Outcome.BREACH, Outcome.CLEAR, Outcome.BREACH):
        site.say(outcome)
    assert deliver_due(site.connect, sink.channel(), at(5)).sent == 6
    assert len({m["Message-ID"] for m in sink.mails()}) == 6
    assert [a.state for a in list_alerts(site.conn)] == ["firing"]
    assert len(list_alerts(site.conn, AlertFilter(include_resolved=True))) == 2


def test_enterprise_without_contact_is_noted_and_told_to_the_park(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH, enterprise="huize")
    deliver_due(site.connect, sink.channel(), at(5))
    (mail,) = sink.mails()
    assert mail["To"].addresses[0].addr_spec == "office@park.example"
    assert "汇泽尚未配置联系人" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert site.notes() == [(None, "firing", "no contact configured: sent to the park's contacts")]


def test_park_alert_goes_to_the_park(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH, enterprise=None)
    site.say(Outcome.BREACH, enterprise=None)  # null enterprise: still one alert
    assert deliver_due(site.connect, sink.channel(), at(5)).sent == 1
    assert sink.mails()[0]["Subject"] == "[东河园区] 绿电占比 43.1 %，低于路径 47.5 %"
    assert list_alerts(site.conn)[0].enterprise_key is None


def test_alert_of_a_retired_enterprise_is_closed_in_silence(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH)
    deliver_due(site.connect, sink.channel(), at(5))
    gone = site.ids.pop("shengtai")
    said = replace(samples.verdict(enterprise_id=gone), park_id=site.park_id)
    keys = {v: k for k, v in site.ids.items()}
    for expected in (LifecycleResult(resolved=1), LifecycleResult()):
        with site.conn.transaction():
            result = apply_verdicts(site.conn, site.park_id, site.park, keys, [said], LATER)
        assert result == expected
    assert list_alerts(site.conn) == []
    assert site.notes()[-1][2] == "enterprise is no longer in the park"
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult()


def test_alert_and_mail_appear_together_or_not_at_all(site: Site, sink: Sink) -> None:
    with pytest.raises(Crash):
        site.say(Outcome.BREACH, then=Crash)
    assert list_alerts(site.conn) == []
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult()


def test_a_figure_that_is_no_number_stops_nothing(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH, value=float("nan"))  # JSON has no NaN
    assert list_alerts(site.conn)[0].evidence["value"] is None
    assert deliver_due(site.connect, sink.channel(), at(5)).sent == 2


def test_restart_between_enqueue_and_delivery(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH)
    site.conn.close()
    assert deliver_due(site.connect, sink.channel(), at(5)).sent == 2
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult()


def test_crash_after_data_sends_again_with_the_same_message_id(site: Site, sink: Sink) -> None:
    site.say(Outcome.BREACH, enterprise="huize")
    with pytest.raises(Crash):
        deliver_due(site.connect, DiesAfterDelivery(sink.channel()), at(5))
    assert deliver_due(site.connect, sink.channel(), at(10)) == DeliveryResult()  # leased
    after = at(10 + LEASE.total_seconds())
    assert deliver_due(site.connect, sink.channel(), after) == DeliveryResult(sent=1)
    first, second = sink.mails()
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


def test_server_down_is_retried_with_growing_pauses(site: Site, tmp_path: Path) -> None:
    site.say(Outcome.BREACH, enterprise="huize")
    down = Sink(tmp_path / "late", port=free_port())
    waited = 5.0
    for attempt in (1, 2, 3):
        deliver = partial(deliver_due, site.connect, down.channel(), jitter=lambda: 0.0)
        assert deliver(at(waited)) == DeliveryResult(retried=1)
        assert deliver(at(waited + 25 * 2 ** (attempt - 1))) == DeliveryResult()  # too early
        waited += 31 * 2 ** (attempt - 1)
    (row,) = list_alerts(site.conn)
    assert (row.mails_waiting, row.mails_failed) == (1, 0)
    assert "ConnectionRefusedError" in str(row.last_error)
    with down:
        assert deliver_due(site.connect, down.channel(), at(waited)) == DeliveryResult(sent=1)
    assert list_alerts(site.conn)[0].last_error is None


def test_dead_server_does_not_cost_a_timeout_per_mail(site: Site, tmp_path: Path) -> None:
    for enterprise in ("shengtai", "huize", None):
        site.say(Outcome.BREACH, enterprise=enterprise)
    down = Sink(tmp_path, port=free_port())
    assert deliver_due(site.connect, down.channel(), at(5)) == DeliveryResult(retried=3)
    assert deliver_due(site.connect, down.channel(), at(6)) == DeliveryResult(retried=1)


def test_refused_recipient_fails_for_good_and_is_visible(site: Site, sink: Sink) -> None:
    sink.refuses["zhang@shengtai.example"] = "550 no such user"
    site.say(Outcome.BREACH)
    assert deliver_due(site.connect, sink.channel(), at(5)) == DeliveryResult(sent=1, failed=1)
    assert deliver_due(site.connect, sink.channel(), at(90_000)) == DeliveryResult()
    (row,) = list_alerts(site.conn)
    assert (row.mails_sent, row.mails_waiting, row.mails_failed) == (1, 0, 1)
    assert "zhang@shengtai.example: refused for good" in str(row.last_error)
    assert "550 no such user" in str(row.last_error)


def test_resolved_waits_until_opened_is_through(site: Site, sink: Sink) -> None:
    sink.refuses["zhang@shengtai.example"] = "451 try later"
    site.say(Outcome.BREACH)
    first = deliver_due(site.connect, sink.channel(), at(5), jitter=lambda: 0.0)
    assert first == DeliveryResult(sent=1, retried=1)
    site.say(Outcome.CLEAR, LATER)
    second = deliver_due(site.connect, sink.channel(), at(6), jitter=lambda: 0.0)
    assert second == DeliveryResult(sent=1)  # only to the other contact
    sink.refuses.clear()
    assert deliver_due(site.connect, sink.channel(), at(40)) == DeliveryResult(sent=2)
    to_zhang = [m for m in sink.mails() if "zhang" in str(m["To"])]
    assert [m["In-Reply-To"] is None for m in to_zhang] == [True, False]


def test_two_workers_deliver_each_mail_once(conn: Conn, dsn: str, sink: Sink) -> None:
    people = [{"name": f"P{n}", "email": f"p{n}@park.example"} for n in range(30)]
    site = Site(conn, dsn, samples.make_park(contacts=people))
    site.say(Outcome.BREACH, enterprise=None)
    start, results = threading.Barrier(2), []

    def work() -> None:
        start.wait()
        results.append(deliver_due(site.connect, sink.channel(), at(5)))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(r.sent for r in results) == 30
    assert Counter(str(m["To"].addresses[0].addr_spec) for m in sink.mails()) == {
        p["email"]: 1 for p in people
    }


def test_two_evaluations_at_once_open_one_alert(site: Site, sink: Sink) -> None:
    """The second one waits for the first and finds its alert."""
    other = Site.__new__(Site)
    other.__dict__ = site.__dict__ | {"conn": site.connect()}
    results: list[LifecycleResult] = []
    second = threading.Thread(target=lambda: results.append(other.say(Outcome.BREACH)))
    with site.conn.transaction():
        results.append(site.say(Outcome.BREACH))
        second.start()
        second.join(0.1)
        assert second.is_alive()
    second.join()
    other.conn.close()
    assert results == [LifecycleResult(opened=1, fired=1), LifecycleResult()]
    assert deliver_due(site.connect, sink.channel(), at(5)).sent == 2


def test_late_worker_does_not_undo_the_work_of_the_next(site: Site, sink: Sink) -> None:
    """A worker that overslept its lease learns of a refusal after the other one has delivered."""
    site.say(Outcome.BREACH, enterprise="huize")
    channel = sink.channel()

    class Sleepy:
        def deliver(self, mail: object) -> None:
            sink.refuses.clear()
            again = deliver_due(site.connect, channel, at(10 + LEASE.total_seconds()))
            assert again == DeliveryResult(sent=1)
            sink.refuses["office@park.example"] = "550 gone"
            channel.deliver(mail)  # type: ignore[arg-type]

    assert deliver_due(site.connect, Sleepy(), at(5)).failed == 1
    (row,) = list_alerts(site.conn)
    assert (row.mails_sent, row.mails_failed, row.last_error) == (1, 0, None)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (500, 3600)]
)
def test_pause(attempts: int, seconds: float) -> None:
    assert pause(attempts, 0.0) == timedelta(seconds=seconds)
    assert pause(attempts, 1.0) == timedelta(seconds=seconds * 0.8)
