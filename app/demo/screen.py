"""The live table of the demo: enterprises, load, green share against the path, last alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from models.park import Park
from rules.green import glide_path
from storage.alerts import AlertFilter, AlertRow, list_alerts
from storage.db import Conn
from storage.status import figures


@dataclass(frozen=True)
class Scene:
    """Everything that one picture shows."""

    park: Park
    now: datetime
    rows: Sequence[dict[str, Any]]
    loads_kw: dict[str, float]
    alerts: Sequence[AlertRow]
    totals: dict[str, Any]
    mails: int
    notes: Sequence[str]


def look(
    conn: Conn, park_id: int, park: Park, now: datetime, mails: Path, notes: Sequence[str]
) -> Scene:
    """Read what there is now."""
    loads: dict[str, float] = {}
    for row in figures(conn, "load_status", park_id):
        loads[row["key"]] = loads.get(row["key"], 0.0) + row["load_kw"]
    return Scene(
        park,
        now,
        figures(conn, "enterprise_status", park_id),
        loads,
        list_alerts(conn, AlertFilter(park=park.key, include_resolved=True), 5),
        figures(conn, "totals")[0],
        len(list(mails.glob("*.eml"))),
        notes,
    )


def picture(scene: Scene) -> Group:
    """The scene as text for a terminal."""
    table = Table(title=_title(scene), title_justify="left")
    table.add_column("enterprise")
    for heading in (
        "load MW",
        "green S1",
        "S3 settled",
        "path",
        "kWh/t",
        "m³/t",
        "alerts",
    ):
        table.add_column(heading, justify="right")
    for row in scene.rows:
        path = path_of(scene.park, row)
        load = scene.loads_kw.get(row["key"])
        s3 = row["s3_ratio"]
        style = "yellow" if row["open_alerts"] else ""
        table.add_row(
            f"{row['name_zh']} {row['key']}",
            _number(load and load / 1000, 2),
            _percent(row["s1_ratio"]),
            _percent(s3),
            _percent(path),
            _number(row["energy_kwh_per_t"], 0),
            _number(row["water_m3_per_t"], 2),
            str(row["open_alerts"] or ""),
            style=style,
        )
    lines = [_alert_line(a, scene.park) for a in scene.alerts]
    notes = [Text(note, style="cyan") for note in scene.notes[-3:]]
    totals = Text(
        f"{scene.totals['readings']:,} readings · {scene.totals['intervals']:,} "
        f"intervals · {scene.totals['open_alerts']} open, "
        f"{scene.totals['resolved_alerts']} resolved alerts · {scene.mails} e-mails"
    )
    return Group(table, *lines, *notes, totals)


def path_of(park: Park, row: dict[str, Any]) -> float | None:
    """Where the share of an enterprise should have been on the day of its settled value."""
    if row["s3_stop"] is None:
        return None
    goal = park.enterprise(row["key"]).targets.green_share_ratio
    end = park.goal.year_end_ratio if goal is None else goal
    return glide_path(park.goal, end, row["s3_stop"])


def _title(scene: Scene) -> str:
    local = scene.now.astimezone(scene.park.zone)
    label = "SIMULATED DATA 模拟数据" if scene.park.simulated else ""
    return f"{scene.park.name.zh} {scene.park.name.en}   {local:%Y-%m-%d %H:%M}   {label}"


def _alert_line(alert: AlertRow, park: Park) -> Text:
    who = alert.enterprise_key or park.key
    style = "green" if alert.state == "resolved" else "bold yellow"
    at = alert.resolved_at or alert.opened_at
    return Text(
        f"{at.astimezone(park.zone):%m-%d %H:%M} {alert.state:9} {who}: {alert.rule} "
        f"{_number(alert.evidence.get('value'), 3)} "
        f"(target {_number(alert.evidence.get('target'), 3)})",
        style=style,
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
