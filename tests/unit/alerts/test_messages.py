"""The e-mail that people read: subject, figures, language, headers that cannot be broken."""

from __future__ import annotations

import email
import re
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest

from alerts.links import Links
from alerts.messages import build_message
from models.errors import NotifyError
from models.rules import rule_definitions
from models.verdicts import Outcome
from storage.outbox import ClaimedMail
from tests.unit.alerts import samples

SENDER = "greenpark <greenpark@park.example>"


def received(mail: ClaimedMail, sender: str = SENDER) -> EmailMessage:
    """The message as a mail program sees it."""
    sent = build_message(mail, sender, Links("http://grafana.example/")).as_bytes()
    assert all(len(line) < 130 and line.isascii() for line in sent.split(b"\r\n"))
    return email.message_from_bytes(sent, policy=policy.default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("zh-CN", "[东河园区] 盛泰: 绿电占比 43.1 %，低于路径 47.5 %"),
        ("en", "[Donghe park] Shengtai: green share 43.1 %, below the path 47.5 %"),
    ],
)
def test_subject_says_what_to_act_on(language: str, subject: str) -> None:
    assert received(samples.claimed(language))["Subject"] == subject


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("zh-CN", "[东河园区] 盛泰: 已恢复，单位产品取水量 3.214 m³/t（目标 3.300 m³/t）"),
        (
            "en",
            "[Donghe park] Shengtai: back in range, water intake per tonne 3.214 m³/t "
            "(target 3.300 m³/t)",
        ),
    ],
)
def test_resolved_subject_keeps_every_space(language: str, subject: str) -> None:
    said = samples.verdict(
        Outcome.CLEAR, samples.green(3.214, 3.3, unit="m3/t"), rule="water_saving"
    )
    assert received(samples.claimed(language, "resolved", said=said))["Subject"] == subject


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(
    ("language", "facts"),
    [
        (
            "zh-CN",
            [
                "张伟，您好",
                "43.1 %",
                "47.5 %",
                "−4.4 个百分点",
                "2026年1月1日至2026年3月14日",
                "2026年3月15日 08:15（UTC+08:00）",
                "99.2 %",
                "1.3 %",
                "暂定值",
                "模拟数据",
                "2026 年底 50.0 %",
                "绿电交易",
                "http://grafana.example/d/greenpark-overview-zh",
                "您是盛泰的联系人",
            ],
        ),
        (
            "en",
            [
                "Dear 张伟,",
                "43.1 %",
                "47.5 %",
                "−4.4 percentage points",
                "1 January 2026 to 14 March 2026",
                "15 March 2026, 08:15 (UTC+08:00)",
                "99.2 %",
                "1.3 %",
                "Provisional",
                "Simulated data",
                "50.0 % at the end of 2026",
                "green-power trades",
                "http://grafana.example/d/greenpark-overview-en",
                "you are a contact of Shengtai",
            ],
        ),
    ],
)
def test_body_has_every_fact(kind: str, language: str, facts: list[str]) -> None:
    text = body(received(samples.claimed(language)), kind)
    assert [fact for fact in facts if fact not in text] == []


def test_real_park_has_no_notice_of_simulation() -> None:
    mail = samples.claimed(park=samples.make_park(simulated=False))
    assert "模拟" not in body(received(mail), "plain")


def test_physical_goal_does_not_advise_certificates() -> None:
    said = samples.verdict(evidence=samples.green(share="S1"))
    text = body(received(samples.claimed("en", said=said)), "plain")
    assert "S1: physical green power" in text
    assert "do not count for the physical share" in text


def test_park_alert_names_the_park_once() -> None:
    park = samples.make_park(contacts=[samples.SMITH])
    mail = samples.claimed("en", park=park, said=samples.verdict(enterprise_id=None))
    message = received(mail)
    assert message["Subject"] == "[Donghe park] green share 43.1 %, below the path 47.5 %"
    assert "because you are a contact of Donghe park." in body(message, "plain")


def test_unknown_rule_and_missing_figures_are_still_a_mail() -> None:
    said = samples.verdict(evidence={"reason": "x"}, rule="new_rule")
    message = received(samples.claimed("zh-CN", said=said))
    assert message["Subject"] == "[东河园区] 盛泰: new_rule：盛泰"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(
    ("rule", "share"),
    [
        ("green_share_ytd", "S1"),
        ("green_share_ytd", "S3"),
        ("energy_saving", ""),
        ("water_saving", ""),
        ("other", ""),
    ],
)
def test_chinese_mail_has_no_english_left(rule: str, share: str, language: str) -> None:
    said = samples.verdict(rule=rule, evidence=samples.green(share=share))
    for kind in ("opened", "resolved"):
        mail = samples.claimed(language, kind, said=said)
        text = re.sub(r"http\S+|UTC|other", "", body(received(mail), "plain"))
        assert bool(re.search("[A-Za-z]{2,}", text)) is (language == "en")
        assert "%(" not in text


def test_names_are_escaped_in_html() -> None:
    evil = '<script>alert(1)</script>"&'
    message = received(samples.claimed(name={"zh": evil, "en": evil}))
    html = body(message, "html")
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&amp;" in html
    assert evil in body(message, "plain")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"])
def test_newline_in_a_name_adds_no_header(newline: str) -> None:
    evil = f"盛泰{newline}Bcc: thief@evil.example{newline}{newline}body"
    mail = samples.claimed(
        name={"zh": evil, "en": evil},
        contact=samples.ZHANG | {"name": evil},
        park=samples.make_park(name={"zh": evil, "en": evil}),
    )
    message = received(mail, f"park{newline} <greenpark@park.example>")
    assert message["Bcc"] is None
    assert message["From"].addresses[0].addr_spec == "greenpark@park.example"
    assert [a.addr_spec for a in message["To"].addresses] == ["zhang@shengtai.example"]
    assert "盛泰 Bcc: thief@evil.example body" in message["Subject"]


@pytest.mark.parametrize(
    "name",
    [
        "Zhang, Wei",
        '"Boss" <ceo@evil.example>',
        "盛泰，能源部 (一期) 张伟 " * 4,
        'below "x" energy, ' * 5 + '"',
        "back\\slash",
        "=?utf-8?q?x?=",
    ],
)
def test_name_of_the_recipient_arrives_whole(name: str) -> None:
    mail = samples.claimed(contact=samples.ZHANG | {"name": name})
    raw = email.message_from_bytes(
        build_message(mail, SENDER, Links("http://g.example")).as_bytes()
    )
    shown, address = email.utils.parseaddr(raw["To"])
    assert address == "zhang@shengtai.example"
    assert str(make_header(decode_header(shown))) == name.strip()


@pytest.mark.parametrize("address", ["a@b@c.example", "no-at", 'x"y@z.example', "a..b@c.example"])
def test_unusable_address_is_refused_for_good(address: str) -> None:
    mail = samples.claimed(contact=samples.ZHANG)
    broken = ClaimedMail(**mail.__dict__ | {"recipient": address})
    with pytest.raises(NotifyError) as refused:
        build_message(broken, SENDER, Links("http://g.example"))
    assert refused.value.permanent


def test_unreadable_context_waits_for_a_repair() -> None:
    broken = ClaimedMail(**samples.claimed().__dict__ | {"context": {"kind": "opened"}})
    with pytest.raises(NotifyError) as later:
        build_message(broken, SENDER, Links("http://g.example"))
    assert later.value.retryable


def test_headers_thread_and_mark_as_automatic() -> None:
    opened = received(samples.claimed())
    resolved = received(samples.claimed(kind="resolved"))
    assert opened["Message-ID"] != resolved["Message-ID"]
    assert opened["In-Reply-To"] is None
    assert resolved["In-Reply-To"] == resolved["References"] == opened["Message-ID"]
    assert opened["Auto-Submitted"] == "auto-generated"
    assert opened["Date"].datetime == samples.CREATED_AT
    assert opened["From"] == SENDER


def test_long_park_key_keeps_the_message_id_in_one_piece() -> None:
    mail = samples.claimed(park=samples.make_park(key="p" * 48))
    assert received(mail)["Message-ID"] == mail.message_id


@pytest.mark.parametrize(
    ("kind", "zh", "en"),
    [
        ("worse", "情况加重：绿电占比 43.1 %，低于路径 47.5 %", "now worse: green share"),
        ("reminder", "提醒：绿电占比 43.1 %，低于路径 47.5 %", "reminder: green share"),
        ("escalated", "尚未确认：绿电占比 43.1 %，低于路径 47.5 %", "not acknowledged: green"),
        ("summary", "其余 1 项告警合并为一封", "1 more alerts in one mail"),
    ],
)
def test_subject_says_why_it_comes_again(kind: str, zh: str, en: str) -> None:
    assert zh in str(received(samples.claimed("zh-CN", kind))["Subject"])
    assert en in str(received(samples.claimed("en", kind))["Subject"])


def test_several_alerts_share_a_mail() -> None:
    silent = samples.verdict(
        rule="meter_silent", evidence={"value": 26.0, "target": 2.0, "unit": "h"}
    )
    message = received(samples.claimed("zh-CN", others=(silent,)))
    expected = "[东河园区] 盛泰: 2 项告警：绿电占比 43.1 %，低于路径 47.5 %; 盛泰 已 26.00 h 无数据"
    assert message["Subject"] == expected
    for kind in ("plain", "html"):
        text = body(message, kind)
        assert text.count("43.1 %") >= 2
        assert "请检查表计及其网关的供电与网络" in text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("code", list(rule_definitions()))
def test_every_rule_can_be_told(code: str, language: str) -> None:
    definition = rule_definitions()[code]
    for value in (0.5, None):
        evidence = {"value": value, "target": value, "unit": definition.unit}
        for kind in ("opened", "worse", "reminder", "escalated", "resolved", "summary"):
            said = samples.verdict(rule=code, evidence=evidence)
            message = received(samples.claimed(language, kind, said=said))
            text = str(message["Subject"]) + body(message, "plain")
            assert "None" not in text
            assert "%(" not in text
            named = definition.name.get(language)
            special = code.endswith("_silent") or definition.code in _OWN_WORDS
            assert special or named in text


_OWN_WORDS = ("green_share_ytd", "energy_saving", "water_saving")
