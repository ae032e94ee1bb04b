"""The dead man's switch: tells people, past our own outbox, when the jobs no longer run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Literal

from alerts.headers import MailPolicy, one_line
from app.health import JobState, read_jobs
from models.errors import StorageError
from storage.db import Conn
from storage.jobs import rows

log = logging.getLogger(__name__)

REMIND = timedelta(days=1)
_FORGOTTEN = timedelta(days=7)  # a collector that was taken out of use
_NOT_COLLECTORS = ("backfill", "import")

News = Literal["trouble", "reminder", "recovered"]


@dataclass(frozen=True)
class Trouble:
    """Something that stands still, in Chinese and English; `since` None: since we look."""

    zh: str
    en: str
    since: datetime | None = None


@dataclass(frozen=True)
class Memory:
    """What the watch knows from one look to the next (wall clock)."""

    away_since: datetime | None = None
    told_at: datetime | None = None

    @classmethod
    def load(cls, path: Path) -> Memory:
        """From its file; a file that is missing or broken is an empty memory."""
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{k: datetime.fromisoformat(v) if v else None for k, v in facts.items()})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError, AttributeError) as exc:
            log.warning("%s cannot be used, the watch begins anew: %s", path, exc)
            return cls()

    def save(self, path: Path) -> None:
        """Write the file as a whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")
        part.replace(path)


def standing_still(
    state: JobState, collectors: Sequence[dict[str, object]], now: datetime, after: timedelta
) -> Iterable[Trouble]:
    """Jobs without a good run and collectors without a sign of life for `after` (wall clock)."""
    if not state.jobs:
        yield Trouble("任务从未运行", "no job ever ran: greenpark run")
    for job in state.jobs:
        limit = max(after, timedelta(seconds=3 * (job["every_s"] or 0)))
        well: datetime = job["last_ok_at"] or job["started_at"]
        if now - well > limit:
            at, error = well.isoformat(timespec="seconds"), one_line(job["error"] or "")[:300]
            yield Trouble(
                f"任务 {job['job']} 自 {at} 起没有成功运行。{error}",
                f"job {job['job']}: no good run since {at}. {error}",
                well,
            )
    for collector in collectors:
        seen = collector["updated_at"]
        assert isinstance(seen, datetime)  # noqa: S101 - a column that is not null
        if collector["client_id"] not in _NOT_COLLECTORS and after < now - seen < _FORGOTTEN:
            name, at = collector["client_id"], seen.isoformat(timespec="seconds")
            yield Trouble(
                f"采集程序 {name} 自 {at} 起没有动静", f"collector {name}: silent since {at}", seen
            )


def look(
    connect: Callable[[], Conn], memory: Memory, now: datetime, after: timedelta
) -> tuple[list[Trouble], Memory]:
    """What stands still at `now`; a database that is away is told when it is so for `after`."""
    try:
        with closing(connect()) as conn:
            state, collectors = read_jobs(conn), rows(conn, "collector_states")
    except StorageError as exc:
        since = memory.away_since or now
        memory = replace(memory, away_since=since)
        if now - since < after:
            return [], memory
        cause, at = one_line(str(exc))[:300], since.isoformat(timespec="seconds")
        text = f"数据库自 {at} 起无法访问：{cause}", f"database out of reach since {at}: {cause}"
        return [Trouble(*text, since)], memory
    return list(standing_still(state, collectors, now, after)), replace(memory, away_since=None)


def news(troubles: Sequence[Trouble], memory: Memory, now: datetime) -> News | None:
    """What is to be told: trouble once, again after a day, and its end."""
    if not troubles:
        waits = memory.away_since is not None  # away, but not for long enough: no end yet
        return "recovered" if memory.told_at is not None and not waits else None
    if memory.told_at is None:
        return "trouble"
    return "reminder" if now - memory.told_at >= REMIND else None


_SUBJECTS = {
    "trouble": "[greenpark] 监测停摆 / monitoring stands still",
    "reminder": "[greenpark] 监测仍停摆 / monitoring still stands still",
    "recovered": "[greenpark] 监测已恢复 / monitoring works again",
}
_NEXT = (
    "在此期间没有告警发出。请检查 greenpark run 与数据库：greenpark doctor 会列出问题及处理办法。",
    "No alert goes out meanwhile. Check greenpark run and the database: greenpark doctor lists "
    "every problem with its remedy.",
)


def letter(
    what: News, troubles: Sequence[Trouble], sender: str, to: str, now: datetime
) -> EmailMessage:
    """The mail in both languages, plain text."""
    message = EmailMessage(policy=MailPolicy(linesep="\r\n", cte_type="7bit"))
    message["From"], message["To"] = sender, to
    message["Subject"] = _SUBJECTS[what]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    if what == "recovered":
        lines = ["所有任务重新运行。", "All jobs run again."]
    else:
        lines = [t.zh for t in troubles] + ["", _NEXT[0], ""] + [t.en for t in troubles]
        lines += ["", _NEXT[1]]
    message.set_content("\n".join(lines) + "\n")
    return message
