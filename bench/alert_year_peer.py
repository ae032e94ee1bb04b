"""The peer: Prometheus' rules and Alertmanager (Debian packages) hear the same script.

Prometheus cannot run faster than the wall clock, so its two halves are asked separately. The
alerting rules are evaluated by `promtool test rules` for every hour of the script, exactly, in
simulated time. What fires hour by hour is posted to a running Alertmanager as Prometheus would,
in compressed time: one hour of the park takes `hour_s`, and every interval of its configuration is
as much shorter. A webhook for each recipient notes what was said to whom. Of the real thing only
the quiet hours differ: time intervals know no compressed clock, so an alert that fires at night
inhibits warnings, which mutes the same and lets go at the same hour.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.embedded import free_port
from bench.alert_year_peer_conf import QUIET_HOURS, alertmanager, rules, series
from bench.alert_year_score import Said
from bench.alert_year_script import MAINTENANCE, SILENCES, Quieted
from bench.alert_year_world import BEFORE, HOUR, hours
from bench.processes import BenchError, until

PACKAGES = "prometheus prometheus-alertmanager"
"""What Debian calls them; Alertmanager needs its templates in place, unpacking does not do."""
_LABELS = re.compile(r"(\w+)=\"([^\"]*)\"")
_FAILED = re.compile(r"time: (\w+),\s+exp: \S+\s+got: ([^\n]*)")
_FOREVER = timedelta(days=365)

Labels = frozenset[tuple[str, str]]


@dataclass
class PeerHeard:
    """What the peer said.

    Attributes:
        notifications: recipient and hour of each; `reminders`: how many of them had nothing new.
        repeated: alerts that were listed again because another one of their group changed.
    """

    said: list[Said] = field(default_factory=list)
    notifications: list[tuple[str, datetime]] = field(default_factory=list)
    reminders: int = 0
    repeated: int = 0


def programs() -> tuple[str, str] | None:
    """`promtool` and Alertmanager as Debian installs them; None: they are not there."""
    tool = shutil.which("promtool")
    manager = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    return (tool, manager) if tool and manager else None


def versions(found: tuple[str, str]) -> dict[str, str]:
    """What was asked."""
    said = [subprocess.run([p, "--version"], capture_output=True, text=True, check=False).stdout
            for p in found]  # fmt: skip
    return {
        name: (re.findall(r"version (\S+?)[,+ ]", text) or ["unknown"])[0]
        for name, text in zip(("prometheus", "alertmanager"), said, strict=True)
    }


def firing(
    promtool: str, folder: Path, start: datetime, stop: datetime, keep_h: int
) -> dict[datetime, frozenset[Labels]]:
    """What Prometheus' rules say at every hour: label sets of the alerts that fire.

    `promtool` has no output but failures: every hour it is told to expect that nothing fires.

    Raises:
        BenchError: it found a fault in the rules.
    """
    first = start - BEFORE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(json.dumps(rules(keep_h)), encoding="utf-8")
    offset = int((start - first) / HOUR)
    count = int((stop - start) / HOUR)
    asked = [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{offset + n}h", "exp_samples": []}
        for n in range(count)
    ]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1h",
        "tests": [
            {"interval": "1h", "input_series": series(first, stop), "promql_expr_test": asked}
        ],
    }
    (folder / "test.yml").write_text(json.dumps(test), encoding="utf-8")
    subprocess.run([promtool, "check", "rules", str(folder / "rules.yml")], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    done = subprocess.run([promtool, "test", "rules", str(folder / "test.yml")],
                          capture_output=True, text=True, check=False)  # fmt: skip
    text = done.stdout + done.stderr
    out: dict[datetime, frozenset[Labels]] = {}
    for eval_time, got in _FAILED.findall(text):
        samples = re.findall(r"\{([^}]*)\}", got)
        alerts = frozenset(_labels(sample) for sample in samples)
        out[first + _duration_h(eval_time) * HOUR] = alerts
    if not out and "SUCCESS" not in text:
        raise BenchError(f"promtool: {text[-800:]}")
    return out


def _labels(sample: str) -> Labels:
    pairs = _LABELS.findall(sample)
    return frozenset((k, v) for k, v in pairs if k not in ("__name__", "alertstate", "instance"))


def _duration_h(text: str) -> int:
    """Hours of a duration as Prometheus writes it, e.g. 5w2d3h."""
    units = {"y": 8760, "w": 168, "d": 24, "h": 1}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)([ywdh])", text))


def notify(
    manager: str,
    folder: Path,
    states: Mapping[datetime, frozenset[Labels]],
    span: tuple[datetime, datetime],
    hour_s: float,
    progress: Callable[[int], None] = lambda _: None,
) -> PeerHeard:
    """Live through the script with a running Alertmanager, one hour in `hour_s` seconds.

    Raises:
        BenchError: it does not start or take an alert.
    """
    start, stop = span
    began = 0.0
    got: list[tuple[float, str, dict[str, Any]]] = []
    with _webhooks(got) as hooks, _running(manager, folder, hooks, hour_s) as url:
        began = time.monotonic()
        known: dict[Labels, datetime] = {}
        for n, now in enumerate(hours(start, stop)):
            pause = began + n * hour_s - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            for window in (*MAINTENANCE, *SILENCES):
                if window.start == now:
                    _silence(url, window, hour_s)
            _post_changes(url, known, states.get(now, frozenset()))
            progress(n + 1)
        time.sleep(max(hour_s, 0.5))

    def hour(at_s: float) -> datetime:
        return start + (at_s - began) / hour_s * HOUR

    return _understood([(hour(at_s), who, body) for at_s, who, body in got if hour(at_s) < stop])


def _post_changes(url: str, known: dict[Labels, datetime], now: frozenset[Labels]) -> None:
    """Tell Alertmanager what began and what ended, as Prometheus does."""
    wall = datetime.now(UTC)
    changes = []
    for labels in now - known.keys():
        known[labels] = wall
        changes.append(_alert(labels, wall, wall + _FOREVER))
    for labels in known.keys() - now:
        changes.append(_alert(labels, known.pop(labels), wall))
    if changes:
        _post(f"{url}/api/v2/alerts", changes)


def _alert(labels: Labels, start: datetime, stop: datetime) -> dict[str, Any]:
    return {"labels": dict(labels), "startsAt": start.isoformat(), "endsAt": stop.isoformat()}


def _silence(url: str, window: Quieted, hour_s: float) -> None:
    wanted = {"enterprise": window.enterprise, "alertname": window.rule, "about": window.about}
    now = datetime.now(UTC)
    length = timedelta(seconds=(window.stop - window.start) / HOUR * hour_s)
    matchers = [
        {"name": name, "value": value, "isRegex": False, "isEqual": True}
        for name, value in wanted.items()
        if value
    ]
    body = {"matchers": matchers, "startsAt": now.isoformat(),
            "endsAt": (now + length).isoformat(), "createdBy": "Li",
            "comment": window.reason}  # fmt: skip
    _post(f"{url}/api/v2/silences", body)


def _post(url: str, body: Any) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own address
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass
    except OSError as exc:
        raise BenchError(f"Alertmanager did not take {json.dumps(body)[:300]}: {exc}") from exc


@contextmanager
def _running(manager: str, folder: Path, hooks: str, hour_s: float) -> Iterator[str]:
    config = folder / "alertmanager.yml"
    config.write_text(json.dumps(alertmanager(hooks, hour_s)), encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [manager, f"--config.file={config}", f"--storage.path={folder / 'store'}",
               f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
               "--log.level=warn"]  # fmt: skip
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: _ready(url, process), f"Alertmanager is ready, see {log.name}", 20)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise BenchError(f"Alertmanager ended with {process.returncode}")
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2):  # noqa: S310 - our own address
            return True
    except OSError:
        return False


@contextmanager
def _webhooks(got: list[tuple[float, str, dict[str, Any]]]) -> Iterator[str]:
    """A server that keeps what is posted to `/<recipient>`; gives its address."""

    class Hook(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((time.monotonic(), self.path.removeprefix("/"), json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _understood(got: Sequence[tuple[datetime, str, dict[str, Any]]]) -> PeerHeard:
    """Notifications as what they said: new, over, or said before."""
    heard = PeerHeard()
    seen: Counter[tuple[str, str, str]] = Counter()
    for now, recipient, body in sorted(got, key=lambda g: g[0]):
        heard.notifications.append((recipient, now))
        again = 0
        for alert in body["alerts"]:
            labels = alert["labels"]
            if labels["alertname"] == QUIET_HOURS:
                continue
            instance = f"{alert['fingerprint']}@{alert['startsAt']}"
            change = "opened" if alert["status"] == "firing" else "resolved"
            seen[(recipient, instance, change)] += 1
            if seen[(recipient, instance, change)] > 1:
                change, again = "repeat", again + 1
            heard.said.append(
                Said(now, recipient, labels["alertname"], labels["enterprise"],
                     labels.get("about", ""), instance, labels["severity"], change)
            )  # fmt: skip
        if again == len(body["alerts"]):
            heard.reminders += 1
        else:
            heard.repeated += again
    return heard
