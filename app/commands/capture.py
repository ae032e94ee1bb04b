"""capture: MQTT traffic as JSON lines, for support cases, history and tests."""

from __future__ import annotations

import gzip
import os
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from app.clock import RealClock
from app.settings import settings
from app.wiring import broker_address, stderr
from collectors.capture import Capture
from collectors.files.recording import recorded
from models.errors import ConfigError
from models.topics import valid_filter

_GZ_FLUSH_S = 1.0  # every flush costs compression


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(capture)


def capture(
    out: Annotated[
        Path | None, typer.Option("--out", help="file; .gz is packed; default: standard output")
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", help="topic filter, repeatable; default: GREENPARK_MQTT_TOPIC"),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="stop after so long")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="stop after so many messages")] = None,
    append: Annotated[bool, typer.Option("--append", help="go on in an existing file")] = False,
) -> None:
    """Record MQTT traffic as JSON lines until told to stop (Ctrl-C), beside the collector.

    Nobody else's messages are touched: the session is its own and ends with the command.
    Example: greenpark capture --out monday.jsonl.gz --topic 'park/mypark/acme/#' --seconds 3600
    """
    config = settings()
    filters = topic or [config.mqtt_topic]
    if wrong := [t for t in filters if not valid_filter(t)]:
        raise ConfigError("capture", [f"--topic {t!r} is not a topic filter" for t in wrong])
    with _open(out, append=append) as file, stderr.status("connecting") as status:
        lines = _Lines(file, packed=out is not None and out.suffix == ".gz")
        began = time.monotonic()

        def enough() -> bool:
            late = seconds is not None and time.monotonic() - began >= seconds
            return late or lines.number == count

        def sink(arrived_at: datetime, topic: str, payload: bytes, retain: bool) -> None:
            lines.write(recorded(arrived_at, topic, payload, retain=retain))
            if enough():
                listener.stopping.set()

        def tick() -> None:
            lines.flush()
            status.update(f"{lines.number} messages, {lines.characters:,} characters")
            if enough():
                listener.stopping.set()

        listener = Capture(
            broker_address(config), filters, sink, RealClock(), lambda s: stderr.print(s)
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _n, _f: listener.stopping.set())
        try:
            listener.run(tick)
        except BrokenPipeError:  # the reader has enough, e.g. head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as exc:
            raise ConfigError(str(out or "standard output"), [f"cannot go on: {exc}"]) from exc
    stderr.print(
        f"captured {lines.number} messages in {time.monotonic() - began:.1f} s"
        f"{f', {listener.interruptions} interruption(s)' if listener.interruptions else ''}"
        f"{f', to {out}' if out else ''}"
    )


@dataclass
class _Lines:
    """Whole lines: a reader beside us never sees half a message."""

    file: IO[str]
    packed: bool
    number: int = 0
    characters: int = 0
    _flushed_at: float = field(default_factory=time.monotonic)

    def write(self, line: str) -> None:
        self.file.write(line + "\n")
        self.number += 1
        self.characters += len(line) + 1
        if not self.packed:
            self.file.flush()

    def flush(self) -> None:
        if self.packed and time.monotonic() - self._flushed_at > _GZ_FLUSH_S:
            self.file.flush()
            self._flushed_at = time.monotonic()


def _open(out: Path | None, *, append: bool) -> AbstractContextManager[IO[str]]:
    """Where the lines go.

    Raises:
        ConfigError: the file exists already, or cannot be written.
    """
    if out is None:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        return nullcontext(sys.stdout)
    try:
        if out.suffix == ".gz":
            return gzip.open(out, "at" if append else "xt", encoding="utf-8")
        file = out.open("a+" if append else "x", encoding="utf-8", newline="\n")
        if append and _is_torn(out):
            file.write("\n")
    except FileExistsError as exc:
        raise ConfigError(str(out), ["exists already; use --append or another name"]) from exc
    except OSError as exc:
        raise ConfigError(str(out), [f"cannot be written: {exc.strerror}"]) from exc
    return file


def _is_torn(path: Path) -> bool:
    """True when the last line has no end: the former capture was killed."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return False
        file.seek(-1, 2)
        return file.read(1) != b"\n"
