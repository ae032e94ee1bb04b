"""The HTML of mails: what mail programs can show, contrast, nothing that the text lacks."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from alerts.links import Links
from alerts.messages import build_message
from models.verdicts import Outcome
from storage.outbox import ClaimedMail
from tests.unit.alerts import samples

LINKS = Links("https://grafana.example", "https://alerts.example", "s" * 32)
SUPPORT: dict[str, Any] = json.loads(
    (Path(__file__).parent / "mail_support.json").read_text(encoding="utf-8")
)
# Not in the table because every client has them since CSS 1.
EVERYWHERE = {"color", "font-family"}
# What a client that ignores it does instead.
ENHANCEMENTS = {
    "border-radius": "square corners",
    "max-height": "the preheader is hidden by display:none and mso-hide",
    "overflow": "the same",
    "height": "the picture keeps its ratio by its width attribute",
}
FEATURE_OF = {
    "border-top": "border",
    "b": "strong",
    "ol": "lists",
    "li": "lists",
    "tr": "table",
    "td": "table",
    "bgcolor": "css-background-color",
}
STRUCTURE = {"html", "head", "meta", "title", "a"}
# A client without the element: its rules are enhancements; the tables have the page's colours.
OPTIONAL = {"style", "body"}
VOID = {"meta", "img"}


@dataclass
class Node:
    """An element with its text and attributes."""

    tag: str
    attributes: dict[str, str]
    parent: Node | None
    texts: list[str] = field(default_factory=list)

    @property
    def style(self) -> dict[str, str]:
        pairs = (p.split(":", 1) for p in self.attributes.get("style", "").split(";") if p)
        return {name.strip(): value.strip() for name, value in pairs}

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def upwards(self) -> Iterator[Node]:
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent


class Tree(HTMLParser):
    """All elements, and whether every tag that was opened is closed in its place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._open: list[Node] = []
        self.feed(html)
        assert [n.tag for n in self._open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1] if self._open else None
        node = Node(tag, {name: value or "" for name, value in attrs}, parent)
        self.nodes.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].texts.append(data)


@cache
def received(language: str, kind: str) -> EmailMessage:
    mail = mails(language)[kind]
    sent = build_message(mail, "greenpark <greenpark@park.example>", LINKS).as_bytes()
    return email.message_from_bytes(sent, policy=policy.default)


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def mails(language: str) -> dict[str, ClaimedMail]:
    """Mails that together have every part of the template."""
    found = {"value": None, "unit": "", "found": {"size_m3_per_h": 2.3, "onset": "2026-03-02"}}
    others = (
        samples.verdict(
            rule="enterprise_silent",
            evidence={"value": 26.0, "target": 1.0, "unit": "h", "meters": 5},
        ),
        samples.verdict(rule="water_leak", evidence=found),
    )
    several = samples.claimed(language, others=others)
    many = samples.claimed(language, "summary", others=(samples.verdict(),) * 39)
    cleared = samples.verdict(Outcome.CLEAR, samples.green(0.478))
    kinds = {
        "one": samples.with_trends(samples.claimed(language), samples.course()),
        "several": samples.with_trends(several, samples.course()),
        "resolved": samples.claimed(language, "resolved", said=cleared),
        "escalated": samples.claimed(language, "escalated", reason="escalated", is_flapping=True),
        "digest": samples.as_digest(several),
        "summary": samples.with_trends(many, *[samples.course()] * 20),
    }
    for severity in ("info", "critical"):
        items = [item | {"severity": severity} for item in several.context["items"]]
        context = several.context | {"items": items}
        kinds[severity] = ClaimedMail(**several.__dict__ | {"context": context})
    return kinds


KINDS = list(mails("en"))


@cache
def tree(language: str, kind: str) -> Tree:
    return Tree(content(received(language, kind), "html"))


each_mail = pytest.mark.parametrize(
    ("language", "kind"), [(lang, kind) for lang in ("en", "zh-CN") for kind in KINDS]
)


def supported(feature: str) -> bool:
    """Every client shows it, at least in part."""
    return set(SUPPORT["features"].get(feature, "n")) <= {"y", "a", "u"}


@each_mail
def test_inline_styles_are_what_mail_programs_support(language: str, kind: str) -> None:
    used = {name for node in tree(language, kind).nodes for name in node.style}
    ours = {name for name in used if not name.startswith("mso-")} - EVERYWHERE
    unknown = {n for n in ours if not supported(f"css-{FEATURE_OF.get(n, n)}")}
    assert unknown <= set(ENHANCEMENTS)
    assert len(ours) > 8


def test_table_refuses_what_outlook_cannot_show() -> None:
    refused = ("css-display-flex", "css-position", "css-background-image", "css-box-shadow")
    assert not any(supported(feature) for feature in (*refused, "html-svg", "image-base64"))
    assert not supported("css-made-up")
    assert supported("css-padding")
    assert all(len(v) == len(SUPPORT["clients"]) for v in SUPPORT["features"].values())


@each_mail
def test_elements_are_what_mail_programs_support(language: str, kind: str) -> None:
    tags = {node.tag for node in tree(language, kind).nodes} - STRUCTURE
    assert {t for t in tags if not supported(f"html-{FEATURE_OF.get(t, t)}")} <= OPTIONAL
    displays = {n.style["display"] for n in tree(language, kind).nodes if "display" in n.style}
    assert displays <= {"none", "block", "inline-block"}
    units = " ".join(v for n in tree(language, kind).nodes for v in n.style.values())
    assert re.findall(r"\d(?:em|rem|vw|vh|pt)\b", units) == []


@each_mail
def test_pictures_have_words_and_a_width(language: str, kind: str) -> None:
    message = received(language, kind)
    attached = [
        p["Content-ID"][1:-1] for p in message.walk() if p.get_content_type() == "image/png"
    ]
    shown = [n for n in tree(language, kind).nodes if n.tag == "img"]
    assert [n.attributes["src"] for n in shown] == [f"cid:{name}" for name in attached]
    assert len(set(attached)) == len(attached) <= 6
    for node in shown:
        assert "%" in node.attributes["alt"]
        assert node.attributes["width"] == "544"


def words(text: str) -> str:
    """Without differences of white space and list signs."""
    return " ".join(text.replace("\u00a0", " ").split())


@each_mail
def test_text_says_everything_that_the_html_says(language: str, kind: str) -> None:
    text = words(content(received(language, kind), "plain"))
    said = {
        words(t)
        for node in tree(language, kind).nodes
        for t in [*node.texts, node.attributes.get("alt", "")]
        if node.tag not in ("title", "style") and node.style.get("display") != "none"
    }
    assert [t for t in said if t.strip(" ·") and t.lstrip("· ") not in text] == []
    links = {n.attributes["href"] for n in tree(language, kind).nodes if n.tag == "a"}
    lines = content(received(language, kind), "plain").splitlines()
    assert links
    assert links <= set(lines)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb. Source: WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # WCAG's known grey


def dark_rules(html_tree: Tree) -> dict[str, dict[str, str]]:
    """Declarations by class within the media query of dark pages."""
    css = "".join(t for n in html_tree.nodes if n.tag == "style" for t in n.texts)
    _, _, dark = css.partition("(prefers-color-scheme:dark)")
    return {
        name: {
            k: v.removesuffix("!important") for k, v in (p.split(":") for p in body.split(";") if p)
        }
        for name, body in re.findall(r"^\.(\w+)\{(.*)\}$", dark, re.M)
    }


def look(node: Node, name: str, rules: dict[str, dict[str, str]]) -> str:
    """A colour as it is shown: the next one upwards, a rule of the media query first."""
    for each in node.upwards():
        for css_class in reversed(each.classes):
            if name in rules.get(css_class, {}):
                return rules[css_class][name]
        if name in each.style:
            return each.style[name]
    return ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@each_mail
def test_every_text_can_be_read(language: str, kind: str, scheme: str) -> None:
    html_tree = tree(language, kind)
    rules = dark_rules(html_tree) if scheme == "dark" else {}
    assert (len(rules) > 10) is (scheme == "dark")
    poor, seen = [], 0
    for node in html_tree.nodes:
        hidden = any(n.style.get("display") == "none" for n in node.upwards())
        if node.tag in ("title", "style") or hidden or not "".join(node.texts).strip():
            continue
        ink, paper = look(node, "color", rules), look(node, "background-color", rules)
        seen += 1
        if contrast(ink, paper) < 4.5:
            poor.append((node.tag, ink, paper, node.texts))
    assert poor == []
    assert seen > 15


def test_dark_rules_name_classes_that_are_used() -> None:
    used = {c for kind in KINDS for n in tree("en", kind).nodes for c in n.classes}
    assert set(dark_rules(tree("en", "one"))) <= used


def test_mail_of_many_alerts_is_not_cut_off() -> None:
    html = content(received("zh-CN", "summary"), "html")
    assert len(html.encode()) < 102_000  # Gmail clips there
    assert html.count("<img") == 6
    assert "另有 24 项，请查看看板" in content(received("zh-CN", "summary"), "plain")


def test_outlook_gets_a_page_of_fixed_width_and_its_own_font() -> None:
    html = content(received("en", "one"), "html")
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 4
    assert '<!--[if mso]><table role="presentation" width="600"' in html
    assert '<meta name="color-scheme" content="light dark">' in html
