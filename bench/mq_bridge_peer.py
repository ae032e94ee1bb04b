"""The peer: mq-bridge (Rust core), MQTT to PostgreSQL with an upsert, in an environment of its own.

What it is asked to do: QoS 1, a persistent session, acknowledgement after the commit, commits of
2,000 rows, a repeated reading changes nothing. Singles use its fastest way (`columns: auto` with
a key: one multi-row upsert per batch); it has no step that splits a list, so lists are split by
PostgreSQL (`jsonb_array_elements`, one statement per message, one transaction per batch).
What it does not do here: look up channels, check ownership, plausibility or units, keep a
conflicting value (an upsert overwrites it), mark anything stale, keep what it cannot use (it logs
and drops it). Nothing of it is part of greenpark.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import measure, publisher
from bench.processes import cpu_s, peak_rss_mb, wait_drained
from bench.stage import Stage
from bench.workload import CHANNEL, Workload

VERSION = "1.2.0"
_CLIENT = "bench-peer"
_STORED = "SELECT m AS meter, ts, v AS value FROM peer_reading"
_TABLE = """
CREATE TABLE IF NOT EXISTS peer_reading (m text NOT NULL, ts timestamptz NOT NULL,
    v double precision NOT NULL, received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (m, ts))
"""
_HYPERTABLE = """
SELECT create_hypertable('peer_reading', 'ts', chunk_time_interval => interval '7 days',
                         if_not_exists => true)
"""
_SPLIT = (
    "INSERT INTO peer_reading (m, ts, v) SELECT i->>'m', (i->>'ts')::timestamptz,"
    f" (i->'values'->>'{CHANNEL}')::float8"
    " FROM jsonb_array_elements(convert_from($1::bytea, 'UTF8')::jsonb) AS i"
    " ON CONFLICT (m, ts) DO NOTHING"
)
_PROGRAM = """
import json, sys
from mq_bridge import Route
route = Route.from_config(json.loads(sys.argv[1]))
route.start()
sys.stdin.read()
route.stop()
route.join()
"""


def interpreter(*, install: bool) -> str:
    """A Python that has mq-bridge; empty: there is none.

    Args:
        install: make an environment for it below the user's cache folder.
    """
    if importlib.util.find_spec("mq_bridge"):
        return sys.executable
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "greenpark-bench" / f"mq-bridge-{VERSION}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        if not install:
            return ""
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", f"mq-bridge=={VERSION}"]
        subprocess.run(command, check=True, stdout=sys.stderr)
        (folder / "ready").touch()
    return str(python)


def route(stage: Stage, load: Workload, tasks: int, rows_per_commit: int) -> Mapping[str, Any]:
    """Its configuration."""
    how = {"columns": "auto", "key": "m,ts"} if load.items == 1 else {"insert_query": _SPLIT}
    source = {
        "url": f"tcp://127.0.0.1:{stage.broker.port}",
        "topic": "park/#",
        "client_id": _CLIENT,
        "qos": 1,
        "clean_session": False,
        "session_expiry_interval": 3600,
        "max_inflight": 6000,
        "queue_capacity": 6000,
    }
    url = stage.dsn.replace("postgresql://", "postgres://", 1)
    return {
        "input": {"mqtt": source},
        "output": {"sqlx": {"url": url, "table": "peer_reading", **how}},
        "batch_size": max(1, rows_per_commit // load.items),
        "concurrency": tasks,
    }


def drain(
    python: str, stage: Stage, load: Workload, tasks: int = 1, rows_per_commit: int = 2000
) -> measure.Result:
    """Measure the drain of the same backlog into an equal table.

    Raises:
        BenchError: it has not stored everything.
    """
    conn = stage.conn
    conn.execute(_TABLE)
    if conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
        conn.execute(_HYPERTABLE)
    conn.execute("TRUNCATE peer_reading")
    publisher.subscribe(stage.broker.port, _CLIENT)
    stage.fill(load)
    config = json.dumps(route(stage, load, tasks, rows_per_commit))
    with (stage.folder / "mq-bridge.log").open("ab") as log:
        process = subprocess.Popen(
            [python, "-c", _PROGRAM, config], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    try:
        with stage.servers_metered(load.messages) as servers:
            done = load.readings
            wait_drained(
                [process], lambda: stage.count("peer_reading") >= done, "mq-bridge stores", 240
            )
        used_s, memory_mb = cpu_s(process.pid), peak_rss_mb(process.pid)
    finally:
        _end(process)
    publisher.forget(stage.broker.port, _CLIENT)
    measure.verify(conn, load, _STORED)
    per_s = measure.rate(conn, "peer_reading")
    return measure.Result(per_s, used_s / load.messages * 1e6, memory_mb, **servers)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
