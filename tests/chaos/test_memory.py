"""The collector's memory stays where it is while the database is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.memory import Memory, Result, run_memory


def told(result: Result) -> str:
    return (
        f"{result.message_bytes} B/message, {result.published_msg_per_s:.0f} messages/s,"
        f" before {result.before_mb:.1f} MB, RSS {result.rss_mb}, spread {result.spread_mb:.1f} MB,"
        f" peak while draining {result.peak_drain_mb:.1f} MB in {result.drain_s:.1f} s,"
        f" acknowledged {result.acknowledged}, lost {result.lost}, wrong {result.wrong}"
    )


@pytest.mark.mosquitto
@pytest.mark.timescaledb
@pytest.mark.usefixtures("real_services")
@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(Memory(16, settle_s=10), id="small-messages-full-speed"),
        pytest.param(
            Memory(16, settle_s=10, rate=150, items=20, padding=5000), id="messages-of-100-kB"
        ),
    ],
)
def test_memory_is_flat_while_the_database_is_away(memory: Memory, tmp_path: Path) -> None:
    result = run_memory(memory, tmp_path)
    print(told(result))
    assert result.good, told(result)
    assert result.rss_mb[-1] > result.before_mb * 0.5, "this was not the collector"
