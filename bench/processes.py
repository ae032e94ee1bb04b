"""What a process has used, and when it has nothing more to do: read from /proc, asking nobody."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from models.errors import ParkError

REPO = Path(__file__).resolve().parent.parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LOOK_S = 0.2
_STUCK_S = 20.0
_IDLE_TICKS = 2  # of about 20 in `_LOOK_S`


class BenchError(ParkError):
    """The measurement is worthless: something was lost, stored twice, or did not end."""


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process, its children that have ended, and its descendants."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:  # ended just now
        return 0.0
    own = sum(int(f) for f in fields[11:15]) / _TICKS_PER_S
    return own + sum(tree_cpu_s(int(child)) for child in children)


def peak_rss_mb(pid: int) -> float:
    """Most memory that a process has ever had resident [MB of 10^6 bytes]."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def until(question: Callable[[], bool], what: str, limit_s: float, step_s: float = 0.05) -> None:
    """Wait for something, not for ever.

    Raises:
        BenchError: it did not happen.
    """
    deadline = time.monotonic() + limit_s
    while not question():
        if time.monotonic() > deadline:
            raise BenchError(f"not within {limit_s:.0f} s: {what}")
        time.sleep(step_s)


def wait_drained(
    processes: list[subprocess.Popen[bytes]], done: Callable[[], bool], what: str, limit_s: float
) -> None:
    """Wait until the processes rest and `done` says so; it is asked only while they rest.

    Raises:
        BenchError: a process ended, or they rest for long, or it took too long.
    """
    deadline, busy_at = time.monotonic() + limit_s, time.monotonic()
    while time.monotonic() < min(deadline, busy_at + _STUCK_S):
        if any(p.poll() is not None for p in processes):
            raise BenchError(f"{what}: a process ended with {[p.returncode for p in processes]}")
        before = [cpu_s(p.pid) for p in processes]
        time.sleep(_LOOK_S)
        after = [cpu_s(p.pid) for p in processes]
        used = max((b - a) * _TICKS_PER_S for a, b in zip(before, after, strict=True))
        if used > _IDLE_TICKS:
            busy_at = time.monotonic()
        elif done():
            return
    raise BenchError(f"not all came, and nothing moves: {what}")


def median(values: list[float]) -> float:
    """Median; 0 of nothing."""
    return statistics.median(values) if values else 0.0
