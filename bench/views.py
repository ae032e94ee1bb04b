"""What people look at: a year by day of every enterprise, and the panels of the dashboard."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

from bench.processes import BenchError, median
from bench.site import FIRST_DAY, PARK, TIMEZONE, Site
from dashboards.build import build_all
from dashboards.macros import Variable, expand, interval_ms
from storage.db import Conn

ROLE = "grid_import"
_POINTS = 1200  # of a chart that fills a screen
_RANGES = {"1 day": 1, "7 days": 7, "1 year": 365}
_TOLERANCE = 0.01  # the naive sum puts what an outage hid, and what crosses midnight, into one day

_ROLLED = """
SELECT enterprise_id, day, value FROM enterprise_day
WHERE role = %(role)s AND day >= %(first)s AND day < %(stop)s ORDER BY enterprise_id, day"""
_NAIVE = """
SELECT enterprise_id, (ts AT TIME ZONE %(zone)s)::date AS day,
       sum(factor * CASE WHEN rise < -0.9 * modulus THEN rise + modulus
           WHEN rise BETWEEN 0 AND 0.1 * modulus THEN rise END) AS value
FROM (
    SELECT r.channel_id, r.ts, r.value - lag(r.value) OVER (
        PARTITION BY r.channel_id ORDER BY r.ts) AS rise
    FROM reading r
    WHERE r.channel_id IN (SELECT channel_id FROM channel WHERE role = %(role)s)
      AND r.ts >= %(start)s AND r.ts < %(end)s) step
JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
GROUP BY 1, 2 ORDER BY 1, 2"""


def timed(conn: Conn, query: Any, params: Any = None) -> tuple[float, list[tuple[Any, ...]]]:
    """Milliseconds until all rows are here, and the rows."""
    began = time.perf_counter()
    rows = conn.execute(query, params).fetchall()
    return (time.perf_counter() - began) * 1000, rows


def year_view(conn: Conn, site: Site, repeats: int) -> dict[str, float]:
    """Grid energy by day and enterprise: from the roll-ups, and summed up from raw readings.

    Raises:
        BenchError: the two do not tell the same story.
    """
    last = FIRST_DAY + timedelta(days=site.days)
    params = {
        "role": ROLE,
        "zone": TIMEZONE,
        "first": FIRST_DAY,
        "stop": last,
        "start": site.instant(0),
        "end": site.instant(site.days),
    }
    ours = [timed(conn, _ROLLED, params) for _ in range(repeats)]
    naive = [timed(conn, _NAIVE, params) for _ in range(2)]
    rolled, raw = ours[0][1], naive[0][1]
    if len(rolled) != len(raw) or len(rolled) != site.days * site.enterprises:
        raise BenchError(f"year by day: {len(rolled)} rows from roll-ups, {len(raw)} from readings")
    sums = [sum(row[2] for row in rows) for rows in (rolled, raw)]
    if abs(sums[0] / sums[1] - 1) > _TOLERANCE:
        raise BenchError(f"year by day: {sums[0]:.0f} kWh from roll-ups, {sums[1]:.0f} from raw")
    ours_ms, naive_ms = median([ms for ms, _ in ours]), min(ms for ms, _ in naive)
    return {
        "year_view_ms": round(ours_ms, 2),
        "year_view_naive_ms": round(naive_ms, 1),
        "year_view_speedup": round(naive_ms / ours_ms, 1),
        "year_view_rows": len(rolled),
    }


def panels() -> dict[str, str]:
    """SQL of every panel and variable of the English overview, by title."""
    board = next(json.loads(text) for path, text in build_all().items() if path.parent.name == "en")
    found = {
        panel["title"]: target["rawSql"]
        for panel in board["panels"]
        for target in panel.get("targets", [])
    }
    named = {v["name"]: v["query"] for v in board["templating"]["list"] if v["type"] == "query"}
    return found | named


def dashboard(
    conn: Conn, stop: datetime, repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds of the queries of the overview, as Grafana sends them, for several ranges.

    Returns:
        Percentiles over all of them; the median of each panel and range.
    """
    every = Variable("", many=True, all_value="SELECT enterprise_key FROM dash.enterprise")
    selections = {"all": every, "one": Variable(["e00"], many=True)}
    taken: list[float] = []
    each: dict[str, float] = {}
    for title, text in panels().items():
        for span, day_count in _RANGES.items():
            start = stop - timedelta(days=day_count)
            for selected in selections.values():
                known = {"lang": Variable("en"), "park": Variable(PARK), "enterprise": selected}
                step_ms = interval_ms(start, stop, _POINTS)
                query = expand(text, known, start, stop, step_ms=step_ms)
                times = [timed(conn, query.encode())[0] for _ in range(repeats)]
                taken += times
                label = f"{title}, {span}"
                each[label] = max(each.get(label, 0.0), median(times))
    return percentiles(taken), each


def percentiles(times_ms: list[float]) -> dict[str, float]:
    """Median, 95th percentile (nearest rank) and largest."""
    ranked = sorted(times_ms)
    rank = -(-95 * len(ranked) // 100) - 1
    return {
        "dashboard_queries": len(ranked),
        "dashboard_p50_ms": round(median(ranked), 1),
        "dashboard_p95_ms": round(ranked[rank], 1),
        "dashboard_max_ms": round(ranked[-1], 1),
    }
