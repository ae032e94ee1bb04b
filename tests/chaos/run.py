"""The long runs: `scripts/chaos --events 200 --seed 7` and `scripts/chaos memory --seconds 300`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.events import Chaos, plan
from tests.chaos.ledger import Ledger, Verdict, compare, stored_readings, unmarked_readings
from tests.chaos.load import Load
from tests.chaos.memory import Memory, run_memory
from tests.chaos.stage import ONE_COLLECTOR, Stage
from tests.chaos.watch import (
    Watcher,
    identity_holds,
    left_at_broker,
    one_number,
    wait_for_rest,
)

GAPS_S = (1.0, 6.0)
SUPERSEDED = "\ncollectors.service.Superseded:"  # a standby took over: it ends, as it should


@dataclass(frozen=True)
class Settings:
    """Of one chaos run."""

    seed: int
    events: int = 200
    rate: float = 600
    gaps_s: tuple[float, float] = GAPS_S
    disk: str = "auto"
    collectors: Sequence[Mapping[str, str]] = ONE_COLLECTOR
    drain_limit_s: float = 300


@dataclass
class Report:
    """What came out of it."""

    settings: Settings
    verdict: Verdict = field(default_factory=Verdict)
    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing twice, nothing refused, all counters right."""
        return self.verdict.good and not self.faults


def run_chaos(settings: Settings, folder: Path) -> Report:
    """One run from empty servers to the comparison."""
    events = plan(settings.seed, settings.events, len(settings.collectors), settings.gaps_s)
    load = Load(base_ms=int(time.time() * 1000) - 86_400_000)
    report = Report(settings)
    with Stage(folder, load, settings.collectors, settings.disk) as stage:
        stage.log(f"seed {settings.seed}, disk full by: {stage.disk_fault.how}")
        for unit in stage.collector_units:
            unit.run()
        stage.start_publisher(settings.rate)
        watcher = Watcher(stage.database.dsn).start()
        began = time.monotonic()
        Chaos(stage).run(events)
        chaos_s = time.monotonic() - began
        stage.log("all events done, publisher ends")
        code = stage.end_publisher(90)
        ledger = stage.ledger()
        _drain(stage, report, ledger)
        watcher.stop()
        _judge(stage, report, ledger, watcher)
        report.figures |= {
            "chaos_s": round(chaos_s, 1),
            "disk_full_by": stage.disk_fault.how,
            "publisher_exit": code,
            "by_kind": dict(Counter(f"{e.kind} {e.target}" for e in events)),
        } | _rates(ledger)
        if report.verdict.lost:
            _explain(stage, report.verdict, ledger)
    return report


def _drain(stage: Stage, report: Report, ledger: Ledger) -> None:
    """Wait for what is on its way, then end the collectors in order."""
    expected = sum(1 for n in ledger.acknowledged for _ in stage.load.readings(n))
    dsn = stage.database.dsn
    took_s = wait_for_rest(dsn, expected, 60, report.settings.drain_limit_s)
    stage.log(f"drained in {took_s:.1f} s, collectors end")
    for unit in stage.collector_units:
        code = unit.close()
        if code != 0:
            report.faults.append(f"{unit.name} ended with {code} when it was asked to")
    left = left_at_broker(stage.broker.port, stage.client_ids)
    if left:
        report.faults.append(f"the broker still holds {left} messages")
    report.figures |= {"drain_s": round(took_s, 1), "left_at_broker": left}


def _judge(stage: Stage, report: Report, ledger: Ledger, watcher: Watcher) -> None:
    dsn = stage.database.dsn
    report.verdict = compare(stage.load, ledger, *stored_readings(dsn))
    counted = {
        "quarantined": "SELECT count(*) FROM quarantine",
        "conflicts": "SELECT count(*) FROM reading_revision",
        "sessions_lost": "SELECT count(*) FROM finding WHERE code = 'collector.session_lost'",
    }
    numbers = {name: one_number(dsn, query) for name, query in counted.items()}
    numbers["unmarked"] = unmarked_readings(dsn)
    report.faults += [f"{name}: {number}" for name, number in numbers.items() if number]
    report.faults += [f"counters do not add up: {text}" for text in watcher.broken[:3]]
    report.faults += [
        f"{u.name}: {u.overdue} orderly ends overdue" for u in stage.units.values() if u.overdue
    ]
    logs = "".join(
        (stage.folder / f"{u.name}.log").read_text(errors="replace") for u in stage.collector_units
    )
    tracebacks = logs.count("Traceback (most recent call last)") - logs.count(SUPERSEDED)
    if tracebacks:
        report.faults.append(f"{tracebacks} tracebacks in the logs of the collectors")
    last = watcher.last()
    report.figures |= numbers | {
        "collector_lives": sum(map(len, watcher.lives.values())),
        "collector_duplicates": watcher.total()["duplicate"],
        "counter_samples": watcher.samples,
        "identity_at_end": bool(last) and all(map(identity_holds, last.values())),
        "counters_at_end": last,
        "acks_without_subscriber": ledger.reasons[0x10],
        "disk_full_refusals": logs.count("o space left on device") + logs.count("no space (sim"),
        "tracebacks": tracebacks,
        "own_exits": {u.name: dict(u.own_exits) for u in stage.units.values() if u.own_exits},
        "takeovers": logs.count(SUPERSEDED),
        "stop_codes": {u.name: dict(u.stop_codes) for u in stage.units.values() if u.stop_codes},
        "starts": {u.name: u.starts for u in stage.units.values()},
    }


def _rates(ledger: Ledger) -> dict[str, object]:
    first, last = min(ledger.sent.values()), max(ledger.sent.values())
    seconds = last - first
    per_second = Counter(int(at - first) for at in ledger.acknowledged.values())
    busy = sum(1 for n in per_second.values() if n >= 500)
    return {
        "messages_published": len(ledger.sent),
        "messages_acknowledged": len(ledger.acknowledged),
        "published_msg_per_s": round(len(ledger.sent) / seconds, 1),
        "acknowledged_msg_per_s": round(len(ledger.acknowledged) / seconds, 1),
        "acknowledged_msg_per_s_broker_up": round(len(ledger.acknowledged) / len(per_second), 1),
        "seconds_with_500_acknowledged": f"{busy} of {int(seconds)}",
    }


def _explain(stage: Stage, verdict: Verdict, ledger: Ledger) -> None:
    """The first lost readings with what happened around their time."""
    zero = stage.log_lines[0][0]
    for number, reading in verdict.lost[:20]:
        sent, known = ledger.sent[number] - zero, ledger.acknowledged[number] - zero
        print(f"lost: message {number} {reading}, sent {sent:.2f}, acknowledged {known:.2f}")
        for at, text in stage.log_lines:
            if sent - 5 < at - zero < known + 5:
                print(f"      {at - zero:8.2f} {text}")


def summary(report: Report) -> str:
    """A table for people and one line of JSON for machines."""
    v = report.verdict
    facts: dict[str, object] = {
        "seed": report.settings.seed,
        "events": report.settings.events,
        "published": v.published,
        "acknowledged": v.acknowledged,
        "stored": v.stored,
        "stored_unacknowledged": v.stored_unacknowledged,
        "duplicates": v.twice,
        "lost": len(v.lost),
        "wrong": len(v.wrong),
        "foreign": v.foreign,
        "sha256_sent": v.sha256_sent[:16],
        "sha256_stored": v.sha256_stored[:16],
        **report.figures,
        "faults": report.faults,
        "good": report.good,
    }
    table = "\n".join(f"{name:30} {value}" for name, value in facts.items())
    return f"{table}\n{json.dumps(facts)}"


def main() -> None:
    """Break everything under load and count what is missing; exit 1 on any loss."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=main.__doc__)
    parser.add_argument("what", nargs="?", choices=("events", "memory"), default="events")
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--rate", type=float, help="messages per second; memory: 0 = most")
    parser.add_argument("--gaps", type=float, nargs=2, default=GAPS_S, metavar="S")
    parser.add_argument("--disk-full", choices=("auto", "real", "trigger"), default="auto")
    parser.add_argument(
        "--collectors",
        type=json.loads,
        default=ONE_COLLECTOR,
        help='settings of every collector process, e.g. [{"GREENPARK_SHARD": "1/2"}, ...]',
    )
    parser.add_argument("--seconds", type=float, default=300, help="memory: database down [s]")
    parser.add_argument("--items", type=int, default=0, help="memory: items per message")
    parser.add_argument("--padding", type=int, default=0, help="memory: ignored bytes per item")
    parser.add_argument("--folder", type=Path, help="keeps logs and ledger; default: temporary")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = args.folder or Path(tempfile.mkdtemp(prefix="greenpark-chaos-"))
    if args.what == "memory":
        memory = Memory(args.seconds, rate=args.rate or 0, items=args.items, padding=args.padding)
        result = run_memory(memory, folder)
        print(json.dumps(dataclasses.asdict(result) | {"good": result.good}))
        good = result.good
    else:
        settings = Settings(
            args.seed,
            args.events,
            args.rate or 600,
            tuple(args.gaps),
            disk=args.disk_full,
            collectors=args.collectors,
        )
        report = run_chaos(settings, folder)
        print(summary(report))
        good = report.good
    if good and args.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
