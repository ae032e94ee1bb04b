"""`scripts/fuzz`: very many damaged payloads, seeded; exit 1 on the first that does harm."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import multiprocessing
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.shot import Shot
from tests.fuzz.targets import shot

MOST_MS = 1000.0  # CPU; a hang, not a race: most take less than a tenth of it
HANG_S = 10
MOST_JUMP_MB = 48.0
MOST_GROWTH_MB = 40.0
_WARM = 20_000


class Hang(BaseException):
    """A payload takes far too long; not an Exception, so that no net of the program catches it."""


@dataclass
class Tally:
    """What became of the payloads of one codec."""

    payloads: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    slowest_ms: float = 0.0
    slowest: int = -1

    def add(self, other: Tally) -> None:
        """Take in the tally of another process."""
        self.payloads += other.payloads
        self.codes += other.codes
        if other.slowest_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = other.slowest_ms, other.slowest


@dataclass
class Report:
    """Of a range of numbers; without `violations` all is well."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    grown_mb: float = 0.0

    @property
    def payloads(self) -> int:
        """Number of payloads."""
        return sum(t.payloads for t in self.tallies.values())

    def add(self, other: Report) -> None:
        """Take in the report of another process."""
        for codec, tally in other.tallies.items():
            self.tallies.setdefault(codec, Tally()).add(tally)
        self.violations += other.violations
        self.grown_mb = max(self.grown_mb, other.grown_mb)


def described(seed: int, number: int, made: Shot, cause: str) -> str:
    """A line with which a violation can be repeated, and what it is."""
    pieces = " ".join(
        f"{name!r:.80}={data.hex() if len(data) <= 2_000 else data[:200].hex() + '...'}"
        for name, data in made.pieces
    )
    again = f"scripts/fuzz --seed {seed} --only {number}"
    return f"{cause}\nseed={seed} number={number} codec={made.codec} {pieces}\nagain: {again}"


def fire(seed: int, number: int, report: Report, made: Shot | None = None) -> None:
    """One payload, by default that of the number; a violation ends up in the report."""
    made = made or shot(seed, number)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    try:
        counts = made.run()
    except (Exception, Hang) as exc:
        text = "".join(traceback.format_exception(exc, limit=-6))
        report.violations.append(described(seed, number, made, text))
        return
    took_ms = (time.process_time() - begun) * 1e3
    jump_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kb) / 1024
    tally = report.tallies.setdefault(made.codec, Tally())
    tally.payloads += 1
    tally.codes += counts
    if took_ms > tally.slowest_ms:
        tally.slowest_ms, tally.slowest = took_ms, number
    if took_ms > MOST_MS:
        report.violations.append(described(seed, number, made, f"took {took_ms:.0f} ms"))
    elif jump_mb > MOST_JUMP_MB:
        report.violations.append(
            described(seed, number, made, f"memory: {jump_mb:.0f} MB more at once")
        )


def rss_mb() -> float:
    """Resident memory of this process [MB]."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - no path of ours
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def _hang(_number: int, _frame: Any) -> None:
    raise Hang(f"no end after {HANG_S} s of CPU")


def fire_range(seed: int, first: int, stop: int, *, step: int = 1, most: int = 1) -> Report:
    """Fire the payloads `first`, `first + step`, ... below `stop`, until `most` violations."""
    report, warm_mb = Report(), 0.0
    signal.signal(signal.SIGVTALRM, _hang)
    try:
        for count, number in enumerate(range(first, stop, step)):
            signal.setitimer(signal.ITIMER_VIRTUAL, HANG_S)
            if count % 1_000 == 0:  # the last net: C code that never looks at signals
                faulthandler.dump_traceback_later(600, exit=True)
            fire(seed, number, report)
            if count == _WARM:
                warm_mb = rss_mb()
            if len(report.violations) >= most:
                break
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        faulthandler.cancel_dump_traceback_later()
    gc.collect()
    report.grown_mb = rss_mb() - warm_mb if warm_mb else 0.0
    if report.grown_mb > MOST_GROWTH_MB and not report.violations:
        report.violations.append(
            f"memory grew by {report.grown_mb:.0f} MB between {first} and {stop}"
        )
    return report


def _job(job: tuple[int, int, int, int, int]) -> Report:
    seed, first, stop, step, most = job
    return fire_range(seed, first, stop, step=step, most=most)


def fire_all(seed: int, first: int, count: int, processes: int, most: int = 1) -> Report:
    """Fire `count` payloads from number `first` on, shared out to processes."""
    stop, report = first + count, Report()
    jobs = [(seed, first + n, stop, processes, most) for n in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done in pool.imap_unordered(_job, jobs):
            report.add(done)
            if len(report.violations) >= most:
                break
    return report


def table(report: Report) -> str:
    """The report for people."""
    lines = [f"{'codec':16} {'payloads':>9} {'accepted':>9} {'slowest':>9}  refused by code"]
    for codec, tally in sorted(report.tallies.items()):
        codes = " ".join(f"{c}={n}" for c, n in tally.codes.most_common() if c != "accepted")
        lines.append(
            f"{codec:16} {tally.payloads:9,} {tally.codes['accepted']:9,} "
            f"{tally.slowest_ms:6.1f} ms  {codes}"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """The command."""
    parse = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parse.add_argument("--count", type=int, default=100_000, help="payloads")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--first", type=int, default=0, help="number of the first payload")
    parse.add_argument("--only", type=int, help="this number alone")
    parse.add_argument("--violations", type=int, default=1, help="stop after so many")
    parse.add_argument("--processes", type=int, default=2)
    parse.add_argument("--stored", type=int, default=20_000, help="messages into a database, or 0")
    args = parse.parse_args(argv)
    begun = time.monotonic()
    if args.only is not None:
        report = fire_all(args.seed, args.only, 1, 1)  # at the same depth of the stack
    else:
        report = fire_all(args.seed, args.first, args.count, args.processes, args.violations)
    took_s = time.monotonic() - begun
    print(table(report))
    print(
        f"seed {args.seed}: {report.payloads:,} payloads in {took_s:.1f} s, "
        f"{report.payloads / took_s:,.0f}/s; memory +{report.grown_mb:.1f} MB"
    )
    if report.violations:
        print(*report.violations, sep="\n\n", file=sys.stderr)
        return 1
    if args.only is None and args.stored:
        from tests.fuzz.stored import store_sample_anywhere  # needs a database server

        print(store_sample_anywhere(args.seed, args.stored))
    return 0


if __name__ == "__main__":
    sys.exit(main())
