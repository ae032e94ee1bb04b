"""Run every query of a dashboard and write the input of a panel preview.

usage: python scripts/preview_dashboard.py DSN LANGUAGE OUTPUT [--now ISO] [--mode dark|light]

The output holds the dashboard and, per panel, data frames in the wire format of Grafana's
`/api/ds/query`. It is a preview of our own JSON and SQL, not a Grafana server.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))

from dashboards.macros import Variable, expand, interval_ms  # noqa: E402
from tests.grafana_frames import column, run  # noqa: E402

LOWEST_S = {"15m": 900, "1h": 3600, "1d": 86_400}


def main() -> None:
    """Parse, query, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dsn")
    parser.add_argument("language", choices=["en", "zh-CN"])
    parser.add_argument("output", type=Path)
    parser.add_argument("--name", default="overview")
    parser.add_argument("--now", type=datetime.fromisoformat, default=datetime.now(UTC))
    parser.add_argument("--mode", choices=["dark", "light"], default="dark")
    args = parser.parse_args()
    path = REPO / "dashboards" / "json" / args.language / f"{args.name}.json"
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    with psycopg.connect(args.dsn) as conn:
        conn.execute("SET ROLE greenpark_reader")
        results = query_all(conn, dashboard, args.now)
    start, stop = time_range("now-7d", args.now)
    own = {
        p["id"]: [ms(t) for t in time_range(p["timeFrom"], args.now)]
        for p in dashboard["panels"]
        if "timeFrom" in p
    }
    args.output.write_text(
        json.dumps(
            {
                "dashboard": dashboard,
                "results": results,
                "from": ms(start),
                "to": ms(stop),
                "panelRanges": own,
                "timeZone": "Asia/Shanghai",
                "mode": args.mode,
            }
        ),
        encoding="utf-8",
    )


def query_all(
    conn: psycopg.Connection[Any], dashboard: dict[str, Any], now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Frames of every panel by panel id, for the default variable values."""
    variables = defaults(conn, dashboard, now)
    results = {}
    for panel in dashboard["panels"]:
        start, stop = time_range(panel.get("timeFrom") or dashboard["time"]["from"], now)
        points = 1400 * panel["gridPos"]["w"] // 24
        step = interval_ms(start, stop, points, LOWEST_S.get(panel.get("interval", ""), 60))
        results[str(panel["id"])] = [
            run(conn, expand(t["rawSql"], variables, start, stop, step_ms=step), t["format"])
            for t in panel.get("targets", [])
        ]
    return results


def defaults(
    conn: psycopg.Connection[Any], dashboard: dict[str, Any], now: datetime
) -> dict[str, Variable]:
    """Values a fresh visitor gets: constants, the first option, or All."""
    known: dict[str, Variable] = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "constant":
            known[variable["name"]] = Variable(variable["query"])
            continue
        sql = expand(variable["query"], known, now - timedelta(days=7), now)
        options = column(run(conn, sql, "table"), "__value")
        if variable["includeAll"]:
            known[variable["name"]] = Variable(options, many=True, all_value=variable["allValue"])
        else:
            known[variable["name"]] = Variable(options[0] if options else "")
    return known


def time_range(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Range of `now-7d`, `7d` or `now/y`."""
    if text == "now/y":
        return now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0), now
    match = re.fullmatch(r"(?:now-)?(\d+)([hd])", text)
    if match is None:
        msg = f"time range {text!r}: expected now/y or a number of h or d"
        raise ValueError(msg)
    return now - timedelta(**{{"h": "hours", "d": "days"}[match[2]]: int(match[1])}), now


def ms(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


if __name__ == "__main__":
    main()
