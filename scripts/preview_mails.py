"""Write the sample mails as they arrive, and picture them in a browser.

usage: python scripts/preview_mails.py OUTPUT [--chromium chromium] [--only warning-en]

Every mail is built as for sending, taken apart again as a mail program does, and written as
`.eml`, `.txt` and `.html` (charts as data: URLs). With Chromium each is pictured on a phone
(390 px) and a desktop (900 px), light and dark.
"""

from __future__ import annotations

import argparse
import base64
import email
import json
import os
import shutil
import subprocess
import sys
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))

from alerts.links import Links  # noqa: E402
from alerts.messages import build_message  # noqa: E402
from models.verdicts import Outcome  # noqa: E402
from storage.outbox import ClaimedMail  # noqa: E402
from tests.unit.alerts import samples  # noqa: E402

LINKS = Links("https://grafana.park.example", "https://alerts.park.example", "preview " * 4)
SENDER = "greenpark <greenpark@park.example>"
VIEWS = {"phone": 390, "desktop": 900}


def sample_mails(language: str) -> dict[str, ClaimedMail]:
    """One mail of each kind."""
    facts = samples.green(14_192.0, 13_300.0, unit="kWh/t", period_start="2026-03-08")
    evidence = {k: v for k, v in facts.items() if k not in ("year_end_target", "share")}
    energy = samples.verdict(rule="energy_saving", evidence=evidence)
    silent = samples.verdict(
        rule="enterprise_silent",
        evidence={"value": 26.4, "target": 1.0, "unit": "h", "meters": 5}
        | {"last_at": "2026-03-13T22:03:00+00:00"},
    )
    leak = samples.verdict(
        rule="water_leak",
        evidence={"unit": "", "found": {"size_m3_per_h": 2.31, "onset": "2026-03-02"}},
    )
    forecast = samples.verdict(
        rule="green_forecast",
        evidence={"value": 0.31, "target": 0.5, "unit": "ratio", "period_start": "2026-01-01"}
        | {"period_stop": "2027-01-01", "expected_share": 0.472, "year_end_target": 0.5},
    )
    rise = [13_050.0 + 35.0 * (n % 3) for n in range(46)] + [13_150.0 + 120 * n for n in range(14)]
    steep = samples.course(
        values=rise[:46] + [13_100.0 + 156.0 * n for n in range(1, 8)] + [14_192.0] * 7
    )
    steep["targets"] = [13_300.0] * 60

    def mail(kind: str = "opened", **more: Any) -> ClaimedMail:
        return samples.claimed(language, kind, **more)

    several = mail(others=(energy, silent, leak))
    digest = samples.as_digest(mail(others=(energy, forecast, silent)))
    risen = samples.course(values=[0.42 + n * 0.058 / 59 for n in range(60)])
    back = samples.verdict(Outcome.CLEAR, samples.green(0.478))
    return {
        "warning": samples.with_trends(mail(), samples.course()),
        "several": samples.with_trends(several, samples.course(), steep),
        "resolved": samples.with_trends(mail("resolved", said=back), risen),
        "digest": samples.with_trends(digest, samples.course(), steep),
        "escalated": samples.with_trends(mail("escalated", reason="escalated"), samples.course()),
    }


def text_of(message: EmailMessage, kind: str) -> str:
    """One of the two bodies of a mail."""
    (part,) = [p for p in message.walk() if p.get_content_type() == f"text/{kind}"]
    return str(part.get_content())


def page_of(message: EmailMessage) -> str:
    """The HTML of a received mail with its charts inside."""
    html = text_of(message, "html")
    for part in message.walk():
        if part.get_content_maintype() == "image":
            data = base64.b64encode(part.get_content()).decode()
            html = html.replace(f"cid:{part['Content-ID'][1:-1]}", f"data:image/png;base64,{data}")
    return html


class Browser:
    """Headless Chromium, told what to do over a pipe (DevTools protocol)."""

    def __init__(self, program: str) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        command = f"exec {program} --headless=new --no-sandbox --disable-gpu --hide-scrollbars"
        self._process = subprocess.Popen(
            ["bash", "-c", f"{command} --remote-debugging-pipe 3<&{to_read} 4>&{to_write}"],
            pass_fds=(to_read, to_write),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._rest, self._number = b"", 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    _session = ""

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its answer; events in between are not of interest."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                self._rest += os.read(self._read, 1 << 20)
            message, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(message)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def picture(self, page: Path, width: int, scheme: str) -> bytes:
        """The whole page as PNG, `width` CSS pixels wide, for a reader of light or dark pages."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", features=features)
        size = {"width": width, "deviceScaleFactor": 2 if width < 600 else 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", height=800, **size)
        self.ask("Page.navigate", url=page.resolve().as_uri())
        height = 0
        script = "document.readyState == 'complete' && document.documentElement.scrollHeight"
        while not height:
            value = self.ask("Runtime.evaluate", expression=script)["result"].get("value")
            height = int(value or 0)
        self.ask("Emulation.setDeviceMetricsOverride", height=height, **size)
        found = self.ask("Runtime.evaluate", expression="document.documentElement.scrollWidth")
        if found["result"]["value"] > width:
            print(f"{page.name}: {found['result']['value']} px wide on a screen of {width} px")
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.ask("Browser.close")
        self._process.wait(timeout=20)


def main() -> None:
    """Write the mails, then picture them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--only", default="", help="mails whose name starts so")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    pages = []
    for language in ("zh-CN", "en"):
        for name, mail in sample_mails(language).items():
            path = args.output / f"{name}-{language[:2]}"
            if path.name.startswith(args.only):
                sent = build_message(mail, SENDER, LINKS).as_bytes()
                message = email.message_from_bytes(sent, policy=policy.default)
                path.with_suffix(".eml").write_bytes(sent)
                path.with_suffix(".html").write_text(page_of(message), encoding="utf-8")
                path.with_suffix(".txt").write_text(text_of(message, "plain"), encoding="utf-8")
                pages.append(path.with_suffix(".html"))
    print(f"{len(pages)} mails in {args.output}")
    if shutil.which(args.chromium) is None:
        print(f"{args.chromium} is not there: no pictures")
        return
    browser = Browser(args.chromium)
    for page in pages:
        for view, width in VIEWS.items():
            for scheme in ("light", "dark"):
                picture = page.with_name(f"{page.stem}-{view}-{scheme}.png")
                picture.write_bytes(browser.picture(page, width, scheme))
    browser.close()


if __name__ == "__main__":
    main()
