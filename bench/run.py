"""The lanes of one round, in turn, and what a run reports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bench import measure, mq_bridge_peer, publisher
from bench.lanes import Lane
from bench.measure import Result
from bench.processes import REPO, BenchError, median
from bench.stage import Stage
from bench.workload import Workload

_SINK = "bench-discard"
# name in the JSON: (ours, the other)
RATIOS = {
    "single_vs_discard": ("single", "discard"),
    "single_vs_discard_311": ("single", "discard_311"),
    "single_vs_lean_discard": ("single", "lean_discard"),
    "single_vs_copy": ("single", "copy"),
    "list20_vs_copy": ("list20", "copy20"),
    "single_vs_mq_bridge": ("single", "mq_bridge"),
    "list20_vs_mq_bridge": ("list20", "mq_bridge20"),
    "single_vs_mq_bridge_2": ("single", "mq_bridge_2"),
    "list20_vs_mq_bridge_2": ("list20", "mq_bridge20_2"),
    "shards_vs_single": ("single_shards", "single"),
    "shards_vs_list20": ("list20_shards", "list20"),
}


@dataclass
class Plan:
    """What to measure.

    Attributes:
        singles, lists: messages of each workload.
        peer: Python with mq-bridge, empty: without.
        shards: collectors that share the work, in a lane of their own; 1: no such lane.
        profile: only the collector.
    """

    singles: int
    lists: int
    rows_per_commit: int = 2000
    rounds: int = 1
    quick: bool = False
    peer: str = ""
    shards: int = 1
    profile: bool = False


@dataclass
class Run:
    """Measures round after round.

    Attributes:
        results: lane -> one result per round.
        say: told about every result.
    """

    stage: Stage
    plan: Plan
    say: Callable[[str], None]
    results: dict[str, list[Result]] = field(default_factory=dict)

    def round(self) -> None:
        """All lanes once; sessions of others are gone while one is filled."""
        plan = self.plan
        singles, lists = Workload.recent(plan.singles, 1), Workload.recent(plan.lists, 20)
        if not plan.profile:
            self._copy("copy", singles)
            self._copy("copy20", lists)
            self._discard(singles)
        self._collect({"single": singles, "list20": lists}, 1)
        if plan.shards > 1:
            self._collect({"single_shards": singles, "list20_shards": lists}, plan.shards)
        if plan.peer:
            self._peer({"mq_bridge": singles, "mq_bridge20": lists})

    def _keep(self, name: str, result: Result) -> None:
        self.results.setdefault(name, []).append(result)
        self.say(f"{name}: {result.per_s:,.0f} readings/s")

    def _copy(self, name: str, load: Workload) -> None:
        stage = self.stage
        measure.empty(stage.conn)
        with stage.servers_metered(load.messages) as servers:
            result = measure.copied(stage.conn, load, self.plan.rows_per_commit)
        self._keep(name, replace(result, database_us=servers["database_us"]))
        measure.verify(stage.conn, load, copied=True)
        measure.empty(stage.conn)

    def _discard(self, load: Workload) -> None:
        kinds = [("discard", "paho", "5"), ("lean_discard", "lean", "5")]
        if not self.plan.quick:
            kinds.append(("discard_311", "paho", "3.1.1"))
        port = self.stage.broker.port
        for name, kind, protocol in kinds:
            publisher.subscribe(port, _SINK)
            self.stage.fill(load)
            command = [sys.executable, "-m", "bench.discard", "--port", str(port)]
            command += ["--client-id", _SINK, "--count", str(load.messages)]
            command += ["--kind", kind, "--protocol", protocol]
            with self.stage.servers_metered(load.messages) as servers:
                own = json.loads(_output(command))
            publisher.forget(port, _SINK)
            self._keep(name, Result(**own, broker_us=servers["broker_us"]))

    def _collect(self, loads: Mapping[str, Workload], of: int) -> None:
        lane = Lane(self.stage, "bench" if of == 1 else "bench-shard", of)
        lane.prime()
        for name, load in loads.items():
            lane.batch = max(1, self.plan.rows_per_commit // load.items)
            self._keep(name, lane.drain(name, load))
            if name == "single" and not (self.plan.quick or self.plan.profile):
                self._keep("live", lane.drain("live", load, live=True))
        lane.forget()

    def _peer(self, loads: Mapping[str, Workload]) -> None:
        plan = self.plan
        for name, load in loads.items():
            for tasks, suffix in ((1, ""), (2, "_2")):
                result = mq_bridge_peer.drain(
                    plan.peer, self.stage, load, tasks, plan.rows_per_commit
                )
                self._keep(f"{name}{suffix}", result)

    def summary(self) -> dict[str, float]:
        """Medians for the last line: rates, ratios within the same round, CPU and memory."""
        of = self.results
        found = {
            name: round(median([a.per_s / b.per_s for a, b in zip(of[x], of[y], strict=True)]), 3)
            for name, (x, y) in RATIOS.items()
            if x in of and y in of
        }
        for name, results in of.items():
            found[f"{name}_per_s"] = round(median([r.per_s for r in results]))
        for name in ("single", "list20"):
            cpu_us = median([r.cpu_us for r in of[name]])
            readings = 1 if name == "single" else 20
            found[f"cpu_us_per_{name}"] = round(cpu_us, 1)
            found[f"cpu_s_per_million_{name}"] = round(cpu_us / readings, 2)
            for server in ("broker_us", "database_us"):
                used_us = median([getattr(r, server) for r in of[name]])
                found[f"{server}_per_{name}"] = round(used_us, 1)
        found["rss_mb"] = round(max(r.rss_mb for n in ("single", "list20") for r in of[n]), 1)
        return found


def _output(command: list[str]) -> bytes:
    """Last line of what a receiver prints.

    Raises:
        BenchError: it fails, or waits for messages that do not come.
    """
    try:
        done = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, check=True, timeout=120)
    except subprocess.SubprocessError as exc:
        raise BenchError(f"not all came to the receiver that throws away: {exc}") from exc
    return done.stdout.splitlines()[-1]
