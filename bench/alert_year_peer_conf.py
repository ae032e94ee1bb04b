"""Rules and routes of the peer, written as an engineer would who wants the same from it.

Same limits and `for` as the rules of greenpark, hysteresis by a rule's own `ALERTS` series, the
warning under its critical twin, the effect under its cause, the meters under the outage, warnings
at night under `QuietHours`; a group for each enterprise, reminders after the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bench.alert_year_script import ALL, CONTACTS, FOUND, METERS, PARK, SUBJECTS
from bench.alert_year_world import (
    found,
    goal_path,
    hours,
    is_outage,
    is_silent,
    published,
    value,
)
from models.periods import next_month

QUIET_HOURS = "QuietHours"
_GROUP_WAIT_H, _GROUP_INTERVAL_H = 0.25, 0.5
_REMIND_H = {"warning": 168.0, "critical": 24.0}
_DIGEST_WAIT_H, _DIGEST_H = 12.0, 8.0  # 24 h would come to the same muted hour of every night
_SILENT = "(time() - meter_last_seen_seconds)"
_WITH_DATA = "on (enterprise) complete_ratio >= 0.9"


def rules(keep_h: int) -> dict[str, Any]:
    """The rule file; use per tonne goes on firing for `keep_h` after its breach (flapping)."""
    out: list[dict[str, Any]] = []
    for code, metric in (("energy_saving", "energy_ratio"), ("water_saving", "water_ratio")):
        for severity, limit in (("warning", 1.03), ("critical", 1.15)):
            expr = _held(code, severity, f"({metric} > {limit} and {_WITH_DATA})",
                         f"{metric} > 1.015" if severity == "warning" else "")  # fmt: skip
            out.append(_rule(code, severity, expr, keep_h=keep_h))
    for code, metric, limits in (
        ("energy_drift", "energy_ratio", (0.10, 0.25)),
        ("water_drift", "water_ratio", (0.15, 0.40)),
    ):
        usual = f"quantile_over_time(0.5, {metric}[4w] offset 1w)"
        out.append({"record": f"usual:{metric}", "expr": usual})
        excess = f"({metric} / usual:{metric} - 1)"
        for severity, over in zip(("warning", "critical"), limits, strict=True):
            expr = _held(
                code,
                severity,
                f"({excess} > {over} and {_WITH_DATA})",
                f"{excess} > {limits[0] / 2}" if severity == "warning" else "",
            )
            out.append(_rule(code, severity, expr, for_h=48, keep_h=24))
    for severity, limit in (("warning", 0.02), ("critical", 0.10)):
        expr = _held("green_share_ytd", severity, f"green_gap_ratio > {limit}",
                     "green_gap_ratio > 0.01" if severity == "warning" else "")  # fmt: skip
        out.append(_rule("green_share_ytd", severity, expr))
    for severity, limit in (("warning", 0.5), ("critical", 0.1)):
        expr = f"goal_probability_ratio < {limit}"
        out.append(_rule("green_forecast", severity, expr, for_h=72))
    out.append(_rule("green_required_rate", "warning", "needed_ratio > best_month_ratio", for_h=72))
    out.append(_rule("power_factor", "warning", "power_factor < 0.90"))
    for severity, limit in (("warning", 0.95), ("critical", 1.05)):
        out.append(_rule("demand_ratio", severity, f"demand_ratio > {limit}"))
    for severity, silent_h in (("warning", 2), ("critical", 24)):
        out.append(_rule("meter_silent", severity, f"{_SILENT} > {silent_h * 3600}"))
    least = f"min by (enterprise) ({_SILENT})"
    for severity, silent_h in (("warning", 1), ("critical", 24)):
        expr = f"{least} > {silent_h * 3600}"
        out.append(_rule("enterprise_silent", severity, expr))  # over before what inhibits it
    most = f"count({_SILENT} > 3600) / count(meter_last_seen_seconds) >= 0.8"
    out.append(_rule("park_silent", "critical", most, keep_h=1, enterprise=PARK))
    for code, pattern in (("water_leak", "water.leak.*"), ("data_finding", "validation.*")):
        out.append({"alert": code, "expr": f'finding{{about=~"{pattern}"}} == 1'})
    out.append(_rule("job_failed", "critical", "job_failed == 1", for_h=0.25, enterprise=PARK))
    night = "vector(1) and on () (hour() >= 21 or hour() < 7)"
    out.append(_rule(QUIET_HOURS, "none", night))
    return {"groups": [{"name": "park", "interval": "1h", "rules": out}]}


def _held(code: str, severity: str, opens: str, holds: str) -> str:
    """Hysteresis: what fires goes on until it is well on the good side."""
    if not holds:
        return opens
    alerts = f'ALERTS{{alertname="{code}",severity="{severity}",alertstate="firing"}}'
    firing = f"last_over_time({alerts}[61m])"  # the evaluation before, an hour ago
    return f"{opens} or ({holds} and on (enterprise) {firing})"


def _rule(
    code: str, severity: str, expr: str, for_h: float = 0, keep_h: float = 0, **labels: str
) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": code, "expr": expr, "labels": {"severity": severity} | labels}
    if for_h:
        rule["for"] = f"{round(for_h * 60)}m"
    if keep_h:
        rule["keep_firing_for"] = f"{round(keep_h * 60)}m"
    return rule


def series(start: datetime, stop: datetime) -> list[dict[str, str]]:
    """The script's signals, one sample an hour, as `promtool` reads them."""
    columns: dict[str, list[str]] = {}
    seen: dict[str, float] = {}
    times = list(hours(start, stop))
    for n, now in enumerate(times):
        for name, amount in _sampled(now, n * 3600.0, seen):
            columns.setdefault(name, ["_"] * n).append(f"{amount:.6g}")
        for samples in columns.values():
            samples.extend(["_"] * (n + 1 - len(samples)))
    return [{"series": name, "values": " ".join(v)} for name, v in columns.items()]


def _sampled(now: datetime, at_s: float, seen: dict[str, float]) -> Iterator[tuple[str, float]]:
    """What an exporter would show; what is not computed stays as it was."""
    if not is_outage(now):
        for signal, metric in (
            ("energy", "energy_ratio"),
            ("water", "water_ratio"),
            ("complete", "complete_ratio"),
            ("demand", "demand_ratio"),
        ):
            for e in ALL:
                seen[f'{metric}{{enterprise="{e}"}}'] = value(signal, e, now)
    for e in ALL:
        for kind in METERS:
            if not is_silent(f"{e}-{kind}", now):
                name = f'meter_last_seen_seconds{{enterprise="{e}",about="{e}-{kind}"}}'
                seen[name] = at_s
    for news in published(now):
        if news.signal == "green":
            gap = goal_path(next_month(news.month)) - news.value
            seen[f'green_gap_ratio{{enterprise="{news.subject}"}}'] = gap
        else:
            seen[f'power_factor{{enterprise="{news.subject}"}}'] = news.value
    for s in SUBJECTS:
        seen[f'goal_probability_ratio{{enterprise="{s}"}}'] = value("prob", s, now)
        seen[f'needed_ratio{{enterprise="{s}"}}'] = value("need", s, now)
        seen[f'best_month_ratio{{enterprise="{s}"}}'] = 0.60
    yield from seen.items()
    standing = found(now)
    for entry in FOUND:
        if entry.code == "job_failed":
            yield f'job_failed{{about="{entry.channel}"}}', float(entry in standing)
        elif entry in standing:
            labels = {
                "enterprise": entry.channel[0],
                "about": f"{entry.code}:{entry.channel}",
                "severity": entry.severity,
            }
            text = ",".join(f'{k}="{v}"' for k, v in labels.items())
            yield f"finding{{{text}}}", 1.0


def alertmanager(hooks: str, hour_s: float) -> dict[str, Any]:
    """Its configuration; durations are as much shorter as an hour is."""

    def long(duration_h: float) -> str:
        return f"{max(round(duration_h * hour_s * 1000), 1)}ms"

    routes: list[dict[str, Any]] = [
        {"receiver": "nobody", "matchers": [f"alertname={QUIET_HOURS}"]}
    ]
    receivers: list[dict[str, Any]] = [{"name": "nobody"}]
    for key in (*ALL, PARK):
        people = [c for c in CONTACTS[key] or CONTACTS[PARK] if not c.get("only_escalated")]
        for severity, remind_h in _REMIND_H.items():
            at_once = [c for c in people if c.get("at_once", severity) == severity]
            digest = [c for c in people if c not in at_once]
            name = f"{key}-{severity}"
            urls = [{"url": f"{hooks}/{c['email']}", "send_resolved": True} for c in at_once]
            receivers.append({"name": name, "webhook_configs": urls})
            matchers = [f"enterprise={key}", f"severity={severity}"]
            times = {
                "group_wait": long(_GROUP_WAIT_H),
                "group_interval": long(_GROUP_INTERVAL_H),
                "repeat_interval": long(remind_h),
            }
            routes.append({"receiver": name, "matchers": matchers, "continue": True} | times)
            if digest:
                daily = [{"url": f"{hooks}/{c['email']}", "send_resolved": True} for c in digest]
                receivers.append({"name": f"{name}-daily", "webhook_configs": daily})
                slow = {"group_wait": long(_DIGEST_WAIT_H), "group_interval": long(_DIGEST_H)}
                routes.append({"receiver": f"{name}-daily", "matchers": matchers} | times | slow)
    return {
        "route": {"receiver": "nobody", "group_by": ["enterprise"], "routes": routes},
        "receivers": receivers,
        "inhibit_rules": _inhibitions(),
    }


def _inhibitions() -> list[dict[str, Any]]:
    per_tonne = "energy_saving|water_saving|energy_drift|water_drift"

    def mutes(source: str, target: str, *equal: str) -> dict[str, Any]:
        return {
            "source_matchers": [f"alertname={source}"],
            "target_matchers": [f'alertname=~"{target}"'],
            "equal": list(equal),
        }

    return [
        {
            "source_matchers": [f"alertname={QUIET_HOURS}"],
            "target_matchers": ["severity=warning"],
        },
        {
            "source_matchers": ["severity=critical"],
            "target_matchers": ["severity=warning"],
            "equal": ["alertname", "enterprise", "about"],
        },
        mutes("park_silent", f"meter_silent|enterprise_silent|{per_tonne}"),
        mutes("enterprise_silent", f"meter_silent|{per_tonne}", "enterprise"),
        mutes("meter_silent", per_tonne, "enterprise"),
        mutes("energy_saving", "energy_drift", "enterprise"),
        mutes("water_saving", "water_drift", "enterprise"),
        mutes("green_share_ytd", "green_forecast|green_required_rate", "enterprise"),
        mutes("green_forecast", "green_required_rate", "enterprise"),
    ]
