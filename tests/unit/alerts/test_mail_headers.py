"""Headers, MIME structure and links of the e-mail."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from alerts.links import Links, read_pass
from alerts.messages import build_message
from storage.outbox import ClaimedMail
from tests.unit.alerts import samples
from tests.unit.alerts.test_messages import SENDER, body, received

LINKED = Links("https://grafana.example/", "https://alerts.example", "s" * 32)


def whole(mail: ClaimedMail) -> EmailMessage:
    """The message with all links, as it arrives."""
    sent = build_message(mail, SENDER, LINKED).as_bytes()
    assert max(map(len, sent.split(b"\r\n"))) <= 998  # RFC 5322, 2.1.1
    assert b"\n" not in sent.replace(b"\r\n", b"")
    return email.message_from_bytes(sent, policy=policy.default)


def shape(part: EmailMessage) -> object:
    """Content types as nested lists."""
    if not part.is_multipart():
        return part.get_content_type()
    return [part.get_content_type(), *(shape(p) for p in part.iter_parts())]  # type: ignore[arg-type]


def test_pictures_are_related_to_the_html_only() -> None:
    plain, drawn = (
        whole(samples.claimed()),
        samples.with_trends(samples.claimed(), samples.course()),
    )
    assert shape(plain) == ["multipart/alternative", "text/plain", "text/html"]
    message = whole(drawn)
    related = ["multipart/related", "text/html", "image/png"]
    assert shape(message) == ["multipart/alternative", "text/plain", related]
    (png,) = [p for p in message.walk() if p.get_content_maintype() == "image"]
    number = message["Message-ID"][1:-1]
    assert png["Content-ID"] == f"<chart1.{number}>"
    assert png["Content-Disposition"] == 'inline; filename="chart1.png"'
    assert png.get_content().startswith(b"\x89PNG\r\n")
    assert f'src="cid:chart1.{number}"' in body(message, "html")


def test_same_row_gives_the_same_bytes() -> None:
    mail = samples.with_trends(samples.claimed(), samples.course())
    links = Links("https://grafana.example")
    first, second = (build_message(mail, SENDER, links).as_bytes() for _ in range(2))
    assert first == second


def test_headers_of_an_automatic_mail() -> None:
    message = whole(samples.claimed("zh-CN"))
    assert [len(message.get_all(n, [])) for n in ("From", "To", "Subject", "Date")] == [1] * 4
    assert message["Date"].datetime == samples.CREATED_AT
    assert re.fullmatch(r"<opened\.[0-9a-f]{24}@donghe\.greenpark>", message["Message-ID"])
    assert message["Auto-Submitted"] == "auto-generated"  # RFC 3834
    assert message["List-Unsubscribe"] == "<mailto:greenpark@park.example?subject=unsubscribe>"
    assert message["Content-Language"] == "zh-CN"
    assert message["MIME-Version"] == "1.0"
    assert [p.get_content_charset() for p in message.iter_parts()] == ["utf-8", "utf-8"]


def test_subject_has_a_length_that_can_be_read() -> None:
    others = tuple(samples.verdict(rule=code) for code in ("energy_drift", "water_drift"))
    message = whole(samples.claimed("en", others=others))
    assert len(message["Subject"]) <= 160
    assert str(message["Subject"]).endswith("…")
    assert "electricity use per tonne against four weeks" in body(message, "plain")


def asked(mail: ClaimedMail) -> dict[str, list[str]]:
    """The query of the link to the dashboard."""
    lines = body(whole(mail), "plain").splitlines()
    (link,) = [line for line in lines if line.startswith("https://grafana.example/d/")]
    return parse_qs(urlsplit(link).query)


def epoch_ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> list[str]:
    return [str(int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000))]


def test_dashboard_opens_where_and_when_it_happened() -> None:
    # A week before 1 January in Shanghai; a day after the alert was opened (00:15 UTC).
    expected = {
        "var-park": ["donghe"],
        "var-enterprise": ["shengtai"],
        "from": epoch_ms(2025, 12, 24, 16),
        "to": epoch_ms(2026, 3, 16, 0, 15),
    }
    assert asked(samples.claimed()) == expected
    park = samples.verdict(enterprise_id=None)
    assert "var-enterprise" not in asked(samples.claimed(said=park))
    elsewhere = samples.verdict(enterprise_id=2)
    assert "var-enterprise" not in asked(samples.claimed(others=(elsewhere,)))


def test_dashboard_shows_no_days_to_come_of_a_forecast() -> None:
    year = {"value": 0.3, "target": 0.5, "unit": "ratio"}
    year |= {"period_start": "2026-01-01", "period_stop": "2027-01-01"}  # type: ignore[dict-item]
    query = asked(samples.claimed(said=samples.verdict(rule="green_forecast", evidence=year)))
    assert query["from"] == epoch_ms(2026, 3, 8, 0, 15)
    assert query["to"] == epoch_ms(2026, 3, 16, 0, 15)


def test_dashboard_of_a_digest_shows_what_it_covers() -> None:
    query = asked(samples.as_digest(samples.claimed()))
    assert query["from"] == epoch_ms(2026, 3, 8)
    assert query["to"] == epoch_ms(2026, 3, 17)


def test_acknowledge_link_is_shown_where_there_is_something_to_acknowledge() -> None:
    for kind in ("plain", "html"):
        (link,) = re.findall(
            r"https://alerts\.example/ack/[\w.-]+", body(whole(samples.claimed()), kind)
        )
        token = link.rpartition("/")[2]
        assert read_pass(LINKED.secret, token).alert_ids == (1,)
        assert "/ack/" not in body(whole(samples.claimed(kind="resolved")), kind)
        assert "确认告警" not in body(received(samples.claimed()), kind)  # not set up


def test_only_alerts_that_are_shown_are_acknowledged() -> None:
    mail = samples.claimed("en", "summary", others=(samples.verdict(),) * 19)
    text = body(whole(mail), "plain")
    (token,) = re.findall(r"/ack/([\w.-]+)", text)
    assert read_pass(LINKED.secret, token).alert_ids == tuple(range(1, 17))
    assert "and 4 more: see the dashboard" in text


def test_hours_of_silence_have_no_relative_gap() -> None:
    said = samples.verdict(
        rule="meter_silent", evidence={"value": 26.0, "target": 2.0, "unit": "h"}
    )
    assert "Gap" not in body(whole(samples.claimed("en", said=said)), "html")
    assert "Gap" in body(whole(samples.claimed("en")), "html")
