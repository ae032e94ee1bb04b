"""One alert on e-mail, webhook and chat: real PostgreSQL, SMTP and HTTP, and what breaks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from alerts.channels import Channels
from alerts.lifecycle import apply_verdicts
from alerts.outbox import LEASE, DeliveryResult, deliver_due
from alerts.packing import pack_messages
from app.cli import make_app
from app.clock import wall_now
from app.jobs.pipeline import run_once, transport
from app.settings import Settings, settings
from models.delivery import parse_channels
from models.park import Park
from models.verdicts import Outcome, Verdict
from storage.alerts import list_alerts
from storage.db import Conn, connect
from storage.parks import applied_parks, apply_park, enterprise_ids
from tests.integration.feed import feed, ramp
from tests.integration.mails import Crash, Sink
from tests.integration.test_pipeline import GRID, JAN1, NOW, Q
from tests.receivers import Receiver
from tests.unit.alerts import samples

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TOKEN = "tok3nThatNobodyMaySee"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ALL_THREE = samples.OFFICE | {"channels": ["email", "ops-hook", "night-shift"]}
OPENED, RESOLVED = samples.OPENED_AT, samples.RESOLVED_AT


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink(tmp_path / "mails") as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def entries(hook: Receiver, chat: Receiver) -> dict[str, dict[str, str]]:
    """`json://` of apprise leads to any host, so the room is the local server."""
    room = chat.url.replace("http:", "json:")
    return {
        "ops-hook": {"kind": "webhook", "url": f"{hook.url}/{TOKEN}", "secret": SECRET},
        "night-shift": {"kind": "chat", "url": f"{room}/{TOKEN}"},
    }


class Desk:
    """A park in a database whose office hears on three channels."""

    def __init__(self, conn: Conn, dsn: str, sink: Sink, document: Mapping[str, Any]) -> None:
        self.conn, self.sink = conn, sink
        self.connect = partial(connect, dsn, application="delivery")
        self.park = samples.make_park(contacts=[ALL_THREE])
        self.document = document
        with conn.transaction():
            apply_park(conn, self.park, OPENED)
        self.park_id = applied_parks(conn)[0].park_id

    def say(self, outcome: Outcome = Outcome.BREACH, about: str = "") -> None:
        now = OPENED if outcome is Outcome.BREACH else RESOLVED
        severity, evidence = samples.verdict().severity, samples.green()
        verdict = Verdict("green_share_ytd", self.park_id, None, outcome, severity, evidence, about)
        keys = {i: k for k, i in enterprise_ids(self.conn, self.park_id).items()}
        known = parse_channels(self.document, "channels.yaml")
        kinds = {name: target.kind for name, target in known.items()}
        with self.conn.transaction():
            apply_verdicts(self.conn, self.park_id, self.park, keys, [verdict], now, kinds)
            pack_messages(self.conn, self.park_id, self.park, keys, now)

    def channels(self) -> Channels:
        known = parse_channels(self.document, "channels.yaml")
        return Channels(self.sink.channel(), wall_now, known, "channels.yaml")

    def deliver(self, later_s: float = 5, through: Any = None) -> DeliveryResult:
        after = timedelta(seconds=later_s)
        with self.channels() as made:
            return deliver_due(
                self.connect, through or made, lambda: wall_now() + after, jitter=lambda: 0.0
            )

    def rows(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "SELECT channel, recipient, kind, sent_at IS NOT NULL, last_error FROM outbox"
            " ORDER BY outbox_id"
        ).fetchall()


@pytest.fixture
def desk(conn: Conn, dsn: str, sink: Sink, hook: Receiver, chat: Receiver) -> Desk:
    return Desk(conn, dsn, sink, entries(hook, chat))


def test_one_alert_is_one_message_on_each_channel(
    desk: Desk, sink: Sink, hook: Receiver, chat: Receiver
) -> None:
    desk.say()
    assert desk.deliver() == DeliveryResult(sent=3)
    assert desk.deliver() == DeliveryResult()
    (mail,), (called,), (said,) = sink.mails(), hook.got, chat.got
    subject = "[东河园区] 绿电占比 43.1 %，低于路径 47.5 %"
    assert mail["Subject"] == called.document["subject"] == said.document["title"] == subject
    assert [row[:4] for row in desk.rows()] == [
        ("email", "office@park.example", "opened", True),
        ("webhook", "ops-hook", "opened", True),
        ("chat", "night-shift", "opened", True),
    ]
    kept = json.dumps(
        desk.conn.execute(
            "SELECT jsonb_agg(to_jsonb(o)), (SELECT jsonb_agg(to_jsonb(n)) FROM notice n) "
            "FROM outbox o"
        ).fetchall()
    )
    assert len(kept) > 1000
    for secret in (TOKEN, SECRET, hook.url, chat.url):
        assert secret not in kept


def test_order_is_kept_in_each_channel_for_itself(
    desk: Desk, sink: Sink, hook: Receiver, chat: Receiver
) -> None:
    hook.answer(503, f"no {TOKEN}".encode())
    desk.say()
    assert desk.deliver() == DeliveryResult(sent=2, retried=1)
    desk.say(Outcome.CLEAR)
    assert desk.deliver(6) == DeliveryResult(sent=2)  # the webhook still owes its first message
    assert (len(sink.mails()), len(chat.got), len(hook.got)) == (2, 2, 1)
    waiting = [row for row in desk.rows() if not row[3]]
    assert [row[:3] for row in waiting] == [
        ("webhook", "ops-hook", "opened"),
        ("webhook", "ops-hook", "resolved"),
    ]
    assert "the receiver says 503 no ***" in str(waiting[0][4])
    assert desk.deliver(40) == DeliveryResult(sent=2)
    assert [g.document["kind"] for g in hook.got] == ["opened", "opened", "resolved"]
    assert hook.got[2].document["in_reply_to"] == hook.got[0].document["message_id"]


def test_crash_between_taking_and_marking_sends_the_same_id_again(
    desk: Desk, hook: Receiver
) -> None:
    class Dies:
        def __init__(self, inner: Channels) -> None:
            self.inner = inner

        def deliver(self, mail: Any) -> None:
            self.inner.deliver(mail)
            if mail.channel == "webhook":
                raise Crash

    desk.say()
    with pytest.raises(Crash):
        desk.deliver(through=Dies(desk.channels()))
    assert len(hook.got) == 1
    desk.deliver(10 + LEASE.total_seconds())
    first, second = hook.got
    for name in ("idempotency-key", "webhook-id"):
        assert first.headers[name] == second.headers[name]
    assert first.body == second.body
    assert all(row[3] for row in desk.rows())


def test_dead_webhook_keeps_no_mail_waiting(desk: Desk, sink: Sink, hook: Receiver) -> None:
    """Five messages to it come first; a run with a dead mail server would end after three."""
    document = dict(desk.document)
    document["ops-hook"] = {**document["ops-hook"], "url": "http://127.0.0.1:9/" + TOKEN}
    desk.document = document
    for number in range(5):
        desk.say(about=f"m{number}")
    desk.conn.execute(
        "UPDATE outbox SET next_try_at = next_try_at - interval '1 h' WHERE channel = 'webhook'"
    )
    assert desk.deliver() == DeliveryResult(sent=10, retried=5)
    assert len(sink.mails()) == 5
    errors = [str(row[4]) for row in desk.rows() if row[0] == "webhook"]
    assert sum("Refused" in e for e in errors) == 1
    assert sum("not asked again yet" in e for e in errors) == 4


def test_receiver_that_asks_for_time_gets_it(desk: Desk, hook: Receiver) -> None:
    hook.answer(429, Retry_After="900")
    desk.say()
    desk.deliver()
    assert desk.deliver(880) == DeliveryResult()
    assert desk.deliver(920) == DeliveryResult(sent=1)


def test_refused_for_good_is_visible_and_costs_only_itself(desk: Desk, hook: Receiver) -> None:
    hook.answer(400, b"unknown field")
    desk.say()
    assert desk.deliver() == DeliveryResult(sent=2, failed=1)
    assert desk.deliver(90_000) == DeliveryResult()
    (row,) = list_alerts(desk.conn)
    assert (row.mails_sent, row.mails_failed) == (2, 1)
    assert "ops-hook: refused for good: the receiver says 400 unknown field" in str(row.last_error)


def test_name_that_the_file_lacks_is_delivered_once_it_has_it(
    desk: Desk, hook: Receiver, chat: Receiver
) -> None:
    full, desk.document = desk.document, {}
    desk.say()
    assert desk.deliver() == DeliveryResult(sent=1, retried=2)
    (row,) = list_alerts(desk.conn)
    assert "which is not in channels.yaml" in str(row.last_error)
    desk.document = full
    assert desk.deliver(60) == DeliveryResult(sent=2)
    assert (len(hook.got), len(chat.got)) == (1, 1)
    assert hook.got[0].document["subject"] == chat.got[0].document["title"]


# --- the program


@pytest.fixture
def program(
    dsn: str,
    sink: Sink,
    hook: Receiver,
    chat: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """Its settings lead to the servers of the test; the channels file."""
    file = tmp_path / "channels.yaml"
    file.write_text(yaml.safe_dump(entries(hook, chat), sort_keys=False), encoding="utf-8")
    file.chmod(0o600)
    for name, value in {
        "DSN": dsn,
        "CHANNELS_FILE": str(file),
        "SMTP_HOST": sink.host,
        "SMTP_PORT": str(sink.port),
    }.items():
        monkeypatch.setenv(f"GREENPARK_{name}", value)
    settings.cache_clear()
    yield file
    settings.cache_clear()


def call(*words: str) -> Result:
    return CliRunner().invoke(make_app(words[0]), list(words), catch_exceptions=True)


def with_contacts(park: Park, *names: str) -> Park:
    people = samples.make_park(contacts=[samples.OFFICE | {"channels": names}]).contacts
    enterprises = tuple(e.model_copy(update={"contacts": ()}) for e in park.enterprises)
    return park.model_copy(update={"contacts": people, "enterprises": enterprises})


def test_run_tells_on_all_channels(
    program: Path, dsn: str, conn: Conn, park: Park, sink: Sink, hook: Receiver, chat: Receiver
) -> None:
    with conn.transaction():
        apply_park(conn, with_contacts(park, "email", "ops-hook", "night-shift"), JAN1)
    feed(dsn, GRID, ramp("import_kwh", JAN1, Q, (1000.0 + i for i in range(97))))
    results = run_once(partial(connect, dsn, application="run"), settings(), NOW)
    assert [r for r in results.values() if "error" in r] == []
    mails, calls = sink.mails(), [g.document["subject"] for g in hook.got]
    assert len(mails) == len(calls) == len(chat.got) > 0
    assert sorted(m["Subject"] for m in mails) == sorted(calls)
    labels = conn.execute("SELECT DISTINCT channel, recipient FROM notice ORDER BY 1").fetchall()
    assert labels == [
        ("chat", "night-shift"),
        ("email", "office@park.example"),
        ("webhook", "ops-hook"),
    ]


def test_list_and_try_channels(
    program: Path, conn: Conn, park: Park, hook: Receiver, chat: Receiver
) -> None:
    with conn.transaction():
        apply_park(conn, with_contacts(park, "email", "ops-hook", "pager"), JAN1)
    listed = call("alerts", "channels", "--format", "json")
    assert [(r["channel"], r["kind"], r["contacts"]) for r in json.loads(listed.stdout)] == [
        ("email", "email", "能源办 (park)"),
        ("ops-hook", "webhook", "能源办 (park)"),
        ("night-shift", "chat", ""),
        ("pager", "not in the file", "能源办 (park)"),
    ]
    assert hook.got == []
    tried = call("alerts", "channels", "--test", "ops-hook", "--language", "en")
    assert tried.exit_code == 0, tried.output
    assert "sending a test message to ops-hook (webhook)" in tried.output
    assert hook.got[0].document["subject"].endswith("test of a channel")
    assert call("alerts", "channels", "--test", "night-shift").exit_code == 0
    assert "消息渠道测试" in chat.got[0].document["title"]
    hook.answer(401, f"no {TOKEN}".encode())
    refused = call("alerts", "channels", "--test", "ops-hook")
    assert refused.exit_code == 1
    assert "the receiver says 401 no ***" in str(refused.exception)
    unknown = call("alerts", "channels", "--test", "pager")
    assert "expected one of: ops-hook, night-shift" in str(unknown.exception)
    for result in (listed, tried, refused, unknown):
        assert TOKEN not in result.output + str(result.exception)


def test_doctor_and_apply_tell_what_the_file_lacks(
    program: Path, conn: Conn, park: Park, tmp_path: Path
) -> None:
    with conn.transaction():
        apply_park(conn, with_contacts(park, "pager"), JAN1)

    def problems() -> str:
        return " ".join(
            f"{p['level']} {p['subject']} {p['problem']}"
            for p in json.loads(call("doctor", "--format", "json").stdout)
        )

    assert "error contact 能源办 (park) channel pager is not in GREENPARK" in problems()
    assert "everybody may read" not in problems()
    program.chmod(0o644)
    document = yaml.safe_load(program.read_text())
    document["pager"] = {"kind": "webhook", "url": "http://pager.example/x", "secret": SECRET}
    program.write_text(yaml.safe_dump(document), encoding="utf-8")
    found = problems()
    assert "channel pager is not in" not in found
    assert "warning GREENPARK_CHANNELS_FILE it holds secrets and everybody may read it" in found
    assert "warning channel pager messages travel unencrypted" in found
    program.write_text(f"pager: {{kind: fax, url: {TOKEN}}}", encoding="utf-8")
    assert "error GREENPARK_CHANNELS_FILE" in problems()
    assert TOKEN not in problems()

    source = yaml.safe_load((Path(__file__).parent.parent / "data" / "park.yaml").read_text())
    source["contacts"] = [samples.OFFICE | {"channels": ["email", "pager"]}]
    edited = tmp_path / "park.yaml"
    edited.write_text(yaml.safe_dump(source, allow_unicode=True), encoding="utf-8")
    told = call("apply", str(edited), "--dry-run")
    assert told.exit_code == 0, told.output
    assert "contact 能源办 (park): channel pager is not in" in told.output.replace("\n", " ")


def test_a_faulty_file_stops_no_mail(
    program: Path, conn: Conn, dsn: str, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    program.write_text(f"ops-hook: {{kind: fax, url: {TOKEN}}}", encoding="utf-8")
    desk = Desk(conn, dsn, sink, {})
    desk.say()
    with transport(Settings()) as made:
        result = desk.deliver(through=made)
    assert result == DeliveryResult(sent=1, retried=2)
    assert "which has faults" in str(list_alerts(conn)[0].last_error)
    assert "no channels but e-mail" in caplog.text
    assert TOKEN not in caplog.text
