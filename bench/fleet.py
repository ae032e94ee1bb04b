"""The live fleet: thousands of meters publish at their own times, one collector stores it all."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from app.clock import AcceleratedClock, wall_now
from bench.lanes import Lane
from bench.processes import REPO, BenchError, cpu_s, peak_rss_mb, until, wait_drained
from bench.stage import Stage
from models.broker import BrokerAddress
from simulators.fleet import FleetSimulator
from simulators.fleet_park import CHANNEL, fleet_park
from simulators.live import run_live
from simulators.message import Message
from simulators.publisher import Publisher
from storage.parks import apply_park

_LEAD_S = 2.0  # until everything of the publisher is ready
_SPARE = timedelta(seconds=30)  # accelerated times end this long before now
_DRAIN_S = 120.0


@dataclass(frozen=True)
class Live:
    """A measurement of the live fleet.

    Attributes:
        seconds: wall time; speed: park seconds per second.
        start: park time of the first message.
    """

    meters: int
    seconds: float
    speed: float
    start: datetime
    seed: int = 2026
    period_s: int = 60

    @property
    def stop(self) -> datetime:
        """Park time of the end."""
        return self.start + timedelta(seconds=self.seconds * self.speed)

    @classmethod
    def ending_now(cls, meters: int, seconds: float, speed: float) -> Live:
        """At real speed it begins now; faster it ends now, no reading is of the future."""
        ahead = timedelta(seconds=seconds * (speed - 1))
        start = wall_now().replace(microsecond=0) + timedelta(seconds=_LEAD_S) - ahead
        return cls(meters, seconds, speed, start - (_SPARE if speed > 1 else timedelta()))

    def simulator(self) -> FleetSimulator:
        """The meters."""
        return FleetSimulator(*fleet_park(self.meters, self.period_s), self.seed)


class _Late:
    """Hands messages over and keeps how late each was."""

    def __init__(self, publisher: Publisher, clock: AcceleratedClock) -> None:
        self._publisher, self._clock = publisher, clock
        self.late_s: list[float] = []

    def publish(self, message: Message, timeout_s: float | None = None) -> bool:
        """As `Publisher.publish`."""
        taken = self._publisher.publish(message, timeout_s)
        if taken:
            late = self._clock.now() - message.due_at
            self.late_s.append(late.total_seconds() / self._clock.speed)
        return taken


def publish(live: Live, port: int, protocol: str) -> dict[str, float]:
    """Publish the fleet at its own times; what was sent, acknowledged, and how late [real s]."""
    simulator = live.simulator()
    publisher = Publisher(BrokerAddress("127.0.0.1", port, protocol), "bench-fleet").start()
    clock = AcceleratedClock(wall_now() + timedelta(seconds=_LEAD_S), live.start, live.speed)
    sink = _Late(publisher, clock)
    try:
        run_live(simulator, sink, clock, live.start, threading.Event(), live.stop)
        publisher.flush(_DRAIN_S)
    finally:
        publisher.close()
    late = sorted(sink.late_s)
    return {
        "published": publisher.published,
        "acknowledged": publisher.acknowledged,
        "late_p99_s": round(late[int(len(late) * 0.99)], 3),
        "late_most_s": round(late[-1], 3),
    }


def apply_fleet(conn: psycopg.Connection, meters: int) -> None:
    """Bring the park of the fleet into the database."""
    with conn.transaction():
        apply_park(conn, fleet_park(meters)[0], wall_now())


def measure(stage: Stage, live: Live) -> dict[str, float]:
    """Publisher, broker and collector together; what was published, acknowledged and stored.

    Raises:
        BenchError: the collector stores something else, or does not end.
    """
    lane = Lane(stage, "bench-fleet-collector")
    lane.prime()
    command = [sys.executable, "-m", "bench.fleet", "--port", str(stage.broker.port)]
    command += ["--protocol", stage.broker.protocol, "--meters", str(live.meters)]
    command += ["--seconds", str(live.seconds), "--speed", str(live.speed)]
    command += ["--start", live.start.isoformat()]
    with stage.running(lane.settings, "fleet") as processes:
        done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
        told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        sent = int(told["acknowledged"])
        wait_drained(processes, lambda: stage.count() >= sent, "fleet is stored", _DRAIN_S)
        until(lambda: stage.settled(sent), "all is acknowledged", 10, 0.1)
        used_s = sum(cpu_s(p.pid) for p in processes) - lane.idle_cpu_s
        memory_mb = sum(peak_rss_mb(p.pid) for p in processes)
    lane.forget()
    _verify(stage.conn, live)
    planned, there = live.simulator().count(live.start, live.stop), stage.count()
    return {
        "live_meters": live.meters,
        "live_s": live.seconds,
        "live_speed": live.speed,
        "live_planned": planned,
        "live_published": told["published"],
        "live_acknowledged": sent,
        "live_stored": there,
        "live_lost": planned - there,
        "live_per_s": round(planned / live.seconds),
        "live_late_p99_s": told["late_p99_s"],
        "live_late_most_s": told["late_most_s"],
        "live_collector_cpu_ratio": round(used_s / live.seconds, 3),
        "live_collector_rss_mb": round(memory_mb),
    }


def _verify(conn: psycopg.Connection, live: Live) -> None:
    """Every stored reading is one that was sent, with its value.

    Raises:
        BenchError: names the first differences.
    """
    sent: dict[tuple[str, datetime], float] = {}
    for message in live.simulator().messages(live.start, live.stop):
        item = json.loads(message.payload)
        at = datetime.fromisoformat(item["ts"]).astimezone(UTC)
        sent[message.source[1], at] = item["values"][CHANNEL]
    rows = conn.execute(
        "SELECT m.key, r.ts, r.value FROM reading r JOIN channel USING (channel_id)"
        " JOIN meter m USING (meter_id)"
    ).fetchall()
    wrong = [row for row in rows if sent.pop((row[0], row[1]), None) != row[2]]
    if wrong:
        raise BenchError(f"{len(wrong)} readings that were not sent so: {wrong[:3]}")


def main() -> None:
    """Publish as the command line says; prints what was sent as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", default="5")
    parser.add_argument("--meters", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    args = parser.parse_args()
    live = Live(args.meters, args.seconds, args.speed, args.start)
    print(json.dumps(publish(live, args.port, args.protocol)))


if __name__ == "__main__":
    main()
