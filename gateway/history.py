"""What the queue forgets, offers again and tells about itself."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from gateway.config import QueueLimits
from gateway.queue import Queue
from gateway.reading import epoch_ms, from_ms

log = logging.getLogger(__name__)

_STEP = 1000
_ROOM = 0.9  # once full, make room for a while


def trim(queue: Queue, limits: QueueLimits, now: datetime) -> int:
    """Forget old history; drop the oldest waiting readings when a limit is reached.

    A drop is logged as an error and written to the table of losses in the same transaction.

    Returns:
        Number of readings that were dropped without an acknowledgement.
    """
    kept_ms = epoch_ms(now - timedelta(days=limits.keep_acknowledged_days))
    while _forget(queue, "acked_ms < ?", kept_ms):
        pass
    dropped = 0
    oldest_ms = epoch_ms(now - timedelta(days=limits.max_age_days))
    age = f"waited longer than max_age_days ({limits.max_age_days:g})"
    while count := _drop(queue, now, age, "queued_ms < ?", oldest_ms):
        dropped += count
    if used_bytes(queue) > limits.max_bytes:
        size = f"the queue has reached max_bytes ({limits.max_bytes})"
        while used_bytes(queue) > _ROOM * limits.max_bytes:
            if _forget(queue, "acked_ms IS NOT NULL"):
                continue
            count = _drop(queue, now, size, "1")
            if not count:
                break
            dropped += count
    return dropped


def used_bytes(queue: Queue) -> int:
    """Bytes of the queue file that hold something."""
    pages, free, size = (
        queue.all(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _forget(queue: Queue, where: str, *parameters: Any) -> int:
    with queue.transaction() as db:
        return db.execute(
            "DELETE FROM item WHERE seq IN (SELECT seq FROM item"
            f" WHERE acked_ms IS NOT NULL AND {where} ORDER BY acked_ms LIMIT {_STEP})",
            parameters,
        ).rowcount


def _drop(queue: Queue, now: datetime, reason: str, where: str, *parameters: Any) -> int:
    oldest = (
        "SELECT seq FROM (SELECT seq, queued_ms FROM item WHERE acked_ms IS NULL AND live = 0"
        f" ORDER BY seq LIMIT {_STEP}) WHERE {where}"
    )
    with queue.transaction() as db:
        count, first, last = db.execute(
            f"SELECT count(*), min(ts_ms), max(ts_ms) FROM item WHERE seq IN ({oldest})", parameters
        ).fetchone()
        if not count:
            return 0
        log.error(
            "DROPPING the %d oldest readings, measured %s to %s, which the broker never "
            "acknowledged: %s; mend the connection to the broker or raise the limit",
            count,
            from_ms(first).isoformat(),
            from_ms(last).isoformat(),
            reason,
        )
        db.execute(
            "INSERT INTO loss VALUES (?, ?, ?, ?, ?)", (epoch_ms(now), reason, count, first, last)
        )
        db.execute(f"DELETE FROM item WHERE seq IN ({oldest})", parameters)
        return int(count)


def reoffer(queue: Queue, start: datetime, stop: datetime, *, dry_run: bool = False) -> int:
    """Let acknowledged readings measured in [start, stop) wait again, as backlog.

    Returns:
        How many there are.
    """
    where = "acked_ms IS NOT NULL AND ts_ms >= ? AND ts_ms < ?"
    span = (epoch_ms(start), epoch_ms(stop))
    if dry_run:
        return int(queue.all(f"SELECT count(*) FROM item WHERE {where}", *span)[0][0])
    with queue.transaction() as db:
        return db.execute(f"UPDATE item SET acked_ms = NULL, live = 0 WHERE {where}", span).rowcount


def status(queue: Queue) -> list[dict[str, Any]]:
    """What waits, what was lost, how the devices are: rows of `name` and `value`."""
    waiting, oldest, kept, acked = queue.all(
        "SELECT count(*) FILTER (WHERE acked_ms IS NULL), min(ts_ms) FILTER (WHERE acked_ms IS"
        " NULL), count(acked_ms), max(acked_ms) FROM item"
    )[0]
    dropped, lost_from, lost_to = queue.all(
        "SELECT COALESCE(sum(items), 0), min(from_ms), max(to_ms) FROM loss"
    )[0]
    values: dict[str, Any] = {
        "queue.waiting": waiting,
        "queue.oldest_waiting": _at(oldest),
        "queue.last_acknowledged": _at(acked),
        "queue.kept_history": kept,
        "queue.used_bytes": used_bytes(queue),
        "queue.dropped": dropped,
        "queue.dropped_from": _at(lost_from),
        "queue.dropped_to": _at(lost_to),
    }
    for name, success, failing, reason, failures, readings, rejected in queue.all(
        "SELECT name, success_ms, failing_ms, reason, failures, readings, rejected FROM device"
        " ORDER BY name"
    ):
        values |= {
            f"device.{name}.last_success": _at(success),
            f"device.{name}.failing_since": _at(failing),
            f"device.{name}.reason": reason,
            f"device.{name}.failures": failures,
            f"device.{name}.readings": readings,
            f"device.{name}.rejected": rejected,
        }
    return [{"name": name, "value": value} for name, value in values.items()]


def _at(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else from_ms(at_ms)
