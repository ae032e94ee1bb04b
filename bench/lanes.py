"""The collector as its users run it: make its session, drain a backlog, measure."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench import measure, publisher
from bench.processes import cpu_s, peak_rss_mb, until, wait_drained
from bench.stage import Stage
from bench.workload import Workload

_LIMIT_S = 240.0


@dataclass
class Lane:
    """Collectors with sessions of their own; one without a shard, or several with one each.

    Attributes:
        batch: messages per commit.
        idle_cpu_s: CPU of start and idling, found when the session was made.
    """

    stage: Stage
    client_id: str
    of: int = 1
    batch: int = 2000
    idle_cpu_s: float = 0.0

    @property
    def settings(self) -> list[dict[str, str]]:
        """Settings of each process."""
        own = {
            "GREENPARK_MQTT_CLIENT_ID": self.client_id,
            "GREENPARK_COLLECTOR_BATCH": str(self.batch),
        }
        if self.of == 1:
            return [own]
        return [own | {"GREENPARK_SHARD": f"{n}/{self.of}"} for n in range(1, self.of + 1)]

    @property
    def client_ids(self) -> list[str]:
        """MQTT client ids of the processes."""
        if self.of == 1:
            return [self.client_id]
        return [f"{self.client_id}-{n}" for n in range(1, self.of + 1)]

    def prime(self) -> None:
        """Connect once, so that the broker has the sessions, and end."""
        self.stage.conn.execute("DELETE FROM collector_subscription")
        asked = "SELECT count(DISTINCT client_id) FROM collector_subscription"
        with self.stage.running(self.settings) as processes:
            until(lambda: self._one(asked) == self.of, "subscriptions are granted", 30)
            time.sleep(0.5)  # what every start does later: first health, directory
            self.idle_cpu_s = sum(cpu_s(p.pid) for p in processes)

    def drain(self, name: str, load: Workload, *, live: bool = False) -> measure.Result:
        """Measure a backlog, or with `live` a publisher at full speed beside the collector.

        Args:
            name: of the lane, for the profile.

        Raises:
            BenchError: a reading is missing, wrong, refused or received twice.
        """
        stage = self.stage
        measure.empty(stage.conn)
        if not live:
            stage.fill(load)
        with (
            stage.servers_metered(load.messages) as servers,
            stage.running(self.settings, name) as processes,
        ):
            if live:
                stage.fill(load)
            done = load.readings
            wait_drained(processes, lambda: stage.count() >= done, "rows are stored", _LIMIT_S)
            until(lambda: stage.settled(done), "all is acknowledged", 10, 0.1)
            used_s = sum(cpu_s(p.pid) for p in processes) - self.idle_cpu_s
            memory_mb = sum(peak_rss_mb(p.pid) for p in processes)
        measure.verify(stage.conn, load)
        per_s = measure.rate(stage.conn)
        return measure.Result(per_s, used_s / load.messages * 1e6, memory_mb, **servers)

    def forget(self) -> None:
        """Take the sessions away from the broker."""
        for client_id in self.client_ids:
            publisher.forget(self.stage.broker.port, client_id)
        self.stage.conn.execute("DELETE FROM collector_subscription")

    def _one(self, query: str) -> int:
        row = self.stage.conn.execute(query).fetchone()
        return int(row[0]) if row else 0
