"""`greenpark collect` with every thread under cProfile by CPU time: where does it go?

python -m bench.profiled FILE_PREFIX collect

At the end one file of statistics for each thread; `report` prints the top of each. The profiler
costs several times the work itself, most in small functions: read shares, not microseconds.
"""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.cli import main as program
from collectors.service import Collector

_TOP = 25


def _profiled(work: Callable[[], Any], prefix: str, name: str) -> None:
    profile = cProfile.Profile(time.thread_time)
    try:
        profile.enable()
    except ValueError:  # from Python 3.12 on, one profiler for one thread at a time
        print(f"bench.profiled: {name} runs without, another thread is profiled", file=sys.stderr)
        work()
        return
    try:
        work()
    finally:
        profile.disable()
        profile.dump_stats(f"{prefix}.{os.getpid()}.{name}.prof")


def main() -> None:
    """Run the program, each of its threads under a profiler of its own."""
    prefix = sys.argv[1]
    sys.argv = ["greenpark", *sys.argv[2:]]
    run = threading.Thread.run

    def run_profiled(thread: threading.Thread) -> None:
        _profiled(lambda: run(thread), prefix, thread.name.replace("/", "_"))

    threading.Thread.run = run_profiled  # type: ignore[method-assign, assignment]
    serve = Collector.run

    def serve_profiled(collector: Collector) -> None:
        _profiled(lambda: serve(collector), prefix, "network")

    Collector.run = serve_profiled  # type: ignore[method-assign, assignment]
    program()


def report(folder: Path) -> str:
    """The top of each thread of each profiled lane, by own CPU time."""
    out = io.StringIO()
    for path in sorted(folder.glob("*.prof")):
        lane, _, thread, _ = path.name.split(".")
        out.write(f"\n== {lane}, thread {thread}\n")
        stats = pstats.Stats(str(path), stream=out)
        stats.strip_dirs().sort_stats("tottime").print_stats(_TOP)
    lines = out.getvalue().splitlines()
    return "\n".join(line for line in lines if line.strip() and str(folder) not in line)


if __name__ == "__main__":
    main()
