"""Memory of the collector while the database is away and the broker delivers all it can."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.ledger import compare, stored_readings
from tests.chaos.load import Load
from tests.chaos.stage import Stage
from tests.chaos.watch import rss_mb, wait_for_rest

BOUND_MB = 20.0


@dataclass(frozen=True)
class Memory:
    """Of one run.

    Attributes:
        down_s: how long the database is away [s].
        settle_s: the bounds may fill for so long before memory has to be flat [s].
        rate: messages per second, 0: as fast as the publisher can.
        items, padding: shape of the messages, see `Load`.
    """

    down_s: float
    settle_s: float = 20.0
    rate: float = 0
    items: int = 0
    padding: int = 0
    limit: int = 1_800_000
    drain_limit_s: float = 900


@dataclass
class Result:
    """RSS once a second [MB], and what was stored afterwards [readings]."""

    settings: Memory
    before_mb: float = 0
    rss_mb: list[float] = field(default_factory=list)
    peak_drain_mb: float = 0
    message_bytes: int = 0
    messages: int = 0
    published_msg_per_s: float = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    wrong: int = 0
    drain_s: float = 0

    @property
    def flat(self) -> list[float]:
        """The samples that count."""
        return self.rss_mb[int(self.settings.settle_s) :]

    @property
    def spread_mb(self) -> float:
        """Furthest sample from the first that counts."""
        return max(abs(mb - self.flat[0]) for mb in self.flat)

    @property
    def good(self) -> bool:
        """Flat, and everything stored."""
        stored_all = not (self.lost or self.wrong) and self.acknowledged > 0
        return self.spread_mb <= BOUND_MB and stored_all


def run_memory(settings: Memory, folder: Path) -> Result:
    """Database away for `down_s` under load; then back, and everything is compared."""
    load = Load(
        base_ms=int(time.time() * 1000) - 4 * 86_400_000,
        items=settings.items,
        padding=settings.padding,
    )
    result = Result(settings, message_bytes=len(load.message(1)[1]))
    with Stage(folder, load, disk="trigger") as stage:
        collector = stage.collector_units[0]
        collector.run()
        stage.start_publisher(settings.rate, window=1000, limit=settings.limit)
        time.sleep(2)  # some load with a database, so that everything is imported and connected
        process = collector.process_of()
        assert process is not None
        result.before_mb = rss_mb(process.pid)
        stage.log(f"database goes away, collector has {result.before_mb:.1f} MB")
        stage.units["database"].kill(settings.down_s)
        _sample(process.pid, settings, result)
        stage.log(f"database may come back, RSS {result.rss_mb[-1]:.1f} MB")
        _finish(stage, process.pid, result)
        assert collector.starts == 1, "the collector was restarted: its memory is another one"
    return result


def _sample(pid: int, settings: Memory, result: Result) -> None:
    began = time.monotonic()
    while (second := len(result.rss_mb)) < settings.down_s:
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
        result.rss_mb.append(round(rss_mb(pid), 1))


def _finish(stage: Stage, pid: int, result: Result) -> None:
    stage.end_publisher(120)
    ledger = stage.ledger()
    seconds = max(ledger.sent.values()) - min(ledger.sent.values())
    result.messages = len(ledger.sent)
    result.published_msg_per_s = round(len(ledger.sent) / max(seconds, 1e-3), 1)
    expected = sum(2 * len(stage.load.slots(n)) for n in ledger.acknowledged)
    result.drain_s = round(
        wait_for_rest(stage.database.dsn, expected, 60, result.settings.drain_limit_s), 1
    )
    result.peak_drain_mb = round(peak_mb(pid), 1)
    verdict = compare(stage.load, ledger, *stored_readings(stage.database.dsn))
    result.acknowledged, result.stored = verdict.acknowledged, verdict.stored
    result.lost, result.wrong = len(verdict.lost), len(verdict.wrong)


def peak_mb(pid: int) -> float:
    """Most resident memory a process ever had [MB]."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
