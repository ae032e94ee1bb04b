"""The closing page of the demo: one HTML file with charts of the numbers in the database."""

from __future__ import annotations

import io
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from app.demo.screen import Scene, path_of
from rules.green import glide_path
from storage.db import Conn
from storage.status import figures

_SOURCES = (
    ("direct_kwh", "direct supply", "#4db6ac"),
    ("onsite_kwh", "on-site", "#ff9800"),
    ("import_kwh", "grid import", "#488fc2"),
)


def write_page(conn: Conn, park_id: int, scene: Scene, out: Path) -> Path:
    """Write the page; the charts are SVG inside it, nothing is loaded from elsewhere."""
    environment = Environment(
        loader=PackageLoader("app.demo", "templates"), autoescape=select_autoescape()
    )
    rows = [
        dict(
            row,
            path=path_of(scene.park, row),
            load_mw=scene.loads_kw[row["key"]] / 1000 if row["key"] in scene.loads_kw else None,
        )
        for row in scene.rows
    ]
    charts = [  # the captions are in the page: SVG text would need a Chinese font here
        _share_chart(figures(conn, "daily_shares", park_id), scene),
        _source_chart(figures(conn, "monthly_sources", park_id)),
    ]
    html = environment.get_template("page.html.j2").render(
        park=scene.park,
        now=scene.now.astimezone(scene.park.zone),
        rows=rows,
        alerts=scene.alerts,
        totals=scene.totals,
        mails=scene.mails,
        charts=[Markup(c) for c in charts],  # noqa: S704 - our own SVG
    )
    out.write_text(html, encoding="utf-8")
    return out


def _figure(width: float, height: float) -> Any:
    os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
    }
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _share_chart(days: list[dict[str, Any]], scene: Scene) -> str:
    figure = _figure(9, 3.4)
    axes = figure.subplots()
    settled = [r for r in days if r["is_final"]]
    waiting = [r for r in days if settled and r["day"] >= settled[-1]["day"]]
    goal = scene.park.goal
    ends = [date(goal.year, 1, 1), date(goal.year + 1, 1, 1)]
    for rows, column, colour, style, label in (
        (settled, "s3_ratio", "#2e7d32", "-", "S3 claimable, settled"),
        (waiting, "s3_ratio", "#2e7d32", ":", "S3 until settlements arrive"),
        (days, "s1_ratio", "#ff9800", "-", "S1 physical"),
    ):
        axes.plot(
            [r["day"] for r in rows],
            [_part(r[column]) for r in rows],
            color=colour,
            ls=style,
            lw=2,
            label=label,
        )
    path = [100 * glide_path(goal, goal.year_end_ratio, d) for d in ends]
    axes.plot(ends, path, color="#555", ls="--", lw=1.2, label=f"path to {goal.year_end_ratio:.0%}")
    axes.set_ylabel("year to date, %")
    axes.set_ylim(0, 100 * max(0.6, goal.year_end_ratio + 0.1))
    axes.legend(loc="lower right", ncols=2, frameon=False)
    return _svg(figure)


def _source_chart(months: list[dict[str, Any]]) -> str:
    figure = _figure(9, 3.0)
    axes = figure.subplots()
    labels = [f"{m['month']:%Y-%m}" for m in months]
    bottom = [0.0] * len(months)
    for column, name, colour in _SOURCES:
        values = [(m[column] or 0.0) / 1e6 for m in months]
        axes.bar(labels, values, bottom=bottom, color=colour, label=name, width=0.7)
        bottom = [b + v for b, v in zip(bottom, values, strict=True)]
    axes.set_ylabel("GWh")
    axes.legend(loc="upper left", ncols=3, frameon=False, bbox_to_anchor=(0, -0.08))
    return _svg(figure)


def _part(ratio: float | None) -> float | None:
    return None if ratio is None else 100 * ratio
