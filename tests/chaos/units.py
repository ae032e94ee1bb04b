"""Processes as a service manager keeps them: started again after a short pause when they end."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.services import kill_tree

Log = Callable[[str], None]
RESTART_S = 1.0


@dataclass
class Unit:
    """One supervised process.

    Attributes:
        start: starts the process; may wait until it serves, and raise when it does not.
        process_of: the process that `start` made.
        stop_signal: asks for an orderly end.
        kill_all: SIGKILL for processes that have children.
        stop_limit_s: longer than this is a defect; then SIGKILL.
        own_exits: ends that nobody asked for, by exit code.
        stop_codes: exit codes after an orderly end was asked for.
        overdue: orderly ends that had to be enforced.
    """

    name: str
    start: Callable[[], object]
    process_of: Callable[[], subprocess.Popen[bytes] | None]
    log: Log
    stop_signal: signal.Signals = signal.SIGTERM
    stop_limit_s: float = 40.0
    own_exits: Counter[int] = field(default_factory=Counter)
    stop_codes: Counter[int] = field(default_factory=Counter)
    overdue: int = 0
    starts: int = 0
    wanted: bool = False
    _asked: str = ""
    _asked_at: float = 0.0
    _pause_s: float = RESTART_S
    _closing: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def run(self) -> None:
        """Start it and keep it running, in a thread."""
        self.wanted = True
        self._start()
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        process = self.process_of()
        return process is not None and process.poll() is None

    def kill(self, pause_s: float = RESTART_S) -> None:
        """SIGKILL for it and all its children; up again after `pause_s`."""
        self._ask("killed", pause_s)
        process = self.process_of()
        if process is not None and process.poll() is None:
            kill_tree(process.pid)

    def stop(self, pause_s: float = RESTART_S) -> None:
        """Ask for an orderly end; up again `pause_s` later."""
        self._ask("stopped", pause_s)
        process = self.process_of()
        if process is not None and process.poll() is None:
            process.send_signal(self.stop_signal)

    def close(self) -> int | None:
        """Orderly end for good; returns the exit code."""
        self.wanted = False
        self._closing.set()
        if self._thread is not None:
            self._thread.join(60)
        process = self.process_of()
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(self.stop_signal)
            try:
                process.wait(self.stop_limit_s)
            except subprocess.TimeoutExpired:
                self.overdue += 1
                kill_tree(process.pid)
                process.wait(10)
        return process.returncode

    def _ask(self, what: str, pause_s: float) -> None:
        self._asked, self._asked_at, self._pause_s = what, time.monotonic(), pause_s

    def _start(self) -> None:
        self.starts += 1
        try:
            self.start()
        except Exception as exc:  # not up yet: the next round looks again
            self.log(f"{self.name}: start: {str(exc).splitlines()[0][:160]}")

    def _watch(self) -> None:
        while not self._closing.wait(0.02):
            process = self.process_of()
            if process is None or process.poll() is None:
                self._enforce(process)
                continue
            if not self._asked:
                self.own_exits[process.returncode] += 1
                self.log(f"{self.name}: ended by itself, code {process.returncode}")
            elif self._asked == "stopped":
                self.stop_codes[process.returncode] += 1
            pause_s, self._asked, self._pause_s = self._pause_s, "", RESTART_S
            if self.wanted and not self._closing.wait(pause_s):
                self._start()

    def _enforce(self, process: subprocess.Popen[bytes] | None) -> None:
        late = time.monotonic() - self._asked_at > self.stop_limit_s
        if process is not None and self._asked == "stopped" and late:
            self.overdue += 1
            self.log(f"{self.name}: did not stop within {self.stop_limit_s:.0f} s, killed")
            kill_tree(process.pid)
