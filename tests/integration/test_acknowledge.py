"""The acknowledge link over HTTP on a real database: one press, nothing else, nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from alerts.links import LINK_DAYS, Links
from app.acknowledge import AcknowledgePage
from app.clock import FixedClock
from models.errors import Unavailable
from storage.alerts import AlertFilter, AlertRow, alert_events, list_alerts
from storage.db import Conn
from tests.integration.mails import Sink
from tests.integration.test_alert_flow import NOW, Town
from tests.unit.alerts import samples

EVERY = AlertFilter(include_resolved=True)
SECRET = "correct horse battery staple"


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Not on the terminal."""


@dataclass
class Web:
    """The page behind a real HTTP server."""

    town: Town
    port: int
    base: str = "http://alerts.example"

    def link(self, *alert_ids: int, language: str = "zh-CN", secret: str = SECRET) -> str:
        links = Links("http://grafana.example", self.base, secret)
        return urlsplit(links.acknowledge(alert_ids, "office@park.example", language)).path

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            connection.request(method, path, urlencode(form) if form else None, headers)
            answer = connection.getresponse()
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def alerts(self) -> dict[str, AlertRow]:
        return {a.rule: a for a in list_alerts(self.town.conn, EVERY)}


@pytest.fixture
def serve(conn: Conn) -> Iterator[Callable[..., int]]:
    servers = []

    def start(page: AcknowledgePage) -> int:
        server = make_server("127.0.0.1", 0, page, handler_class=Quiet)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def web(conn: Conn, dsn: str, tmp_path: Path, serve: Callable[..., int]) -> Web:
    with Sink(tmp_path / "mails") as sink:
        town = Town(conn, dsn, sink, contacts=[samples.OFFICE])
        town.run(0, town.said("water_saving"), town.said("green_share_ytd"))
    return Web(town, serve(AcknowledgePage(town.connect, FixedClock(NOW), SECRET)))


def test_opening_changes_nothing_the_button_acknowledges(web: Web, conn: Conn) -> None:
    water, green = (web.alerts()[r].alert_id for r in ("water_saving", "green_share_ytd"))
    path = web.link(water)
    for method in ("GET", "HEAD", "GET"):  # mail gateways and previews open links
        status, page = web.ask(method, path)
        assert status == 200
        assert ("<button>确认</button>" in page) is (method == "GET")
    assert {a.state for a in web.alerts().values()} == {"firing"}
    status, page = web.ask("POST", path, note="阀门已订购\r\nBcc: x@evil.example")
    assert status == 200
    assert "<form" not in page
    seen = web.alerts()
    assert (seen["water_saving"].state, seen["water_saving"].acknowledged_by) == (
        "acknowledged",
        "office@park.example",
    )
    assert seen["green_share_ytd"].state == "firing"  # the link was not for this one
    last = alert_events(conn, water)[-1]
    assert (last["actor"], last["note"]) == (
        "office@park.example",
        "阀门已订购 Bcc: x@evil.example",
    )
    status, page = web.ask("POST", path, note="again")  # a second press changes nothing
    assert (status, alert_events(conn, water)[-1]) == (200, last)
    assert "没有需要确认的告警" in web.ask("GET", path)[1]
    assert "Acknowledge alerts" in web.ask("GET", web.link(water, green, language="en"))[1]


def test_no_other_link_is_taken(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    water = web.alerts()["water_saving"].alert_id
    path = web.link(water)
    token = path.rpartition("/")[2]
    body, _, signature = token.partition(".")
    other_purpose = URLSafeTimedSerializer(SECRET).dumps([[water], "a", "en"])
    other_facts = URLSafeTimedSerializer(SECRET, salt="greenpark.acknowledge").dumps("all")
    forged = [
        token.replace(signature, "A" * len(signature.rpartition(".")[2])),
        "A" + token,
        f"{body}x.{signature}",
        body,
        other_purpose,
        other_facts,
        "",
        "%00",
        "x" * 5000,
        web.link(water, secret="guess").rpartition("/")[2],
    ]
    for wrong in forged:
        for method in ("GET", "POST"):
            assert web.ask(method, f"/ack/{wrong}")[0] == 404, wrong
    assert web.ask("DELETE", path)[0] == 405
    written = TimestampSigner.get_timestamp
    monkeypatch.setattr(
        TimestampSigner, "get_timestamp", lambda self: written(self) + LINK_DAYS * 86_400 + 60
    )
    status, page = web.ask("POST", path)
    assert status == 410
    assert str(LINK_DAYS) in page
    assert web.alerts()["water_saving"].state == "firing"


def test_without_a_secret_no_link_is_made_or_taken(
    web: Web, town_page: Callable[[str], int]
) -> None:
    water = web.alerts()["water_saving"].alert_id
    assert web.link(water, secret="") == ""
    unset = Web(web.town, town_page(""))
    signed_with_nothing = URLSafeTimedSerializer("", salt="greenpark.acknowledge")
    assert unset.ask("POST", f"/ack/{signed_with_nothing.dumps([[water], 'a', 'en'])}")[0] == 404
    assert web.alerts()["water_saving"].state == "firing"


@pytest.fixture
def town_page(web: Web, serve: Callable[..., int]) -> Callable[[str], int]:
    def start(secret: str) -> int:
        return serve(AcknowledgePage(web.town.connect, FixedClock(NOW), secret))

    return start


def test_database_away_is_said_and_nothing_is_lost(web: Web, serve: Callable[..., int]) -> None:
    def away() -> Conn:
        raise Unavailable("connect", "no server")

    path = web.link(web.alerts()["water_saving"].alert_id)
    status, page = Web(web.town, serve(AcknowledgePage(away, FixedClock(NOW), SECRET))).ask(
        "POST", path
    )
    assert status == 503
    assert "确认未能保存" in page
    assert web.ask("POST", path)[0] == 200
    assert web.alerts()["water_saving"].state == "acknowledged"


def test_a_form_that_is_no_form(web: Web) -> None:
    path = web.link(web.alerts()["water_saving"].alert_id)
    status, _ = web.ask("POST", path, note="x" * 20_000)
    assert status == 200
    assert (
        len(alert_events(web.town.conn, web.alerts()["water_saving"].alert_id)[-1]["note"]) == 500
    )
