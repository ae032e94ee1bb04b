"""Two shards under full load; one is killed -9 and its standby takes over."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from tests.chaos.ledger import compare, stored_readings
from tests.chaos.load import Load
from tests.chaos.stage import Stage, until
from tests.chaos.watch import wait_for_rest

FIRST, SECOND = {"GREENPARK_SHARD": "1/2"}, {"GREENPARK_SHARD": "2/2"}


def commits(dsn: str, client_id: str) -> tuple[object, int]:
    """Start of the present life of a collector and what it has stored."""
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "SELECT started_at, coalesce((counters->>'stored')::int, 0) FROM collector_state"
            " WHERE client_id = %s",
            [client_id],
        ).fetchone()
    return row or (None, 0)


@pytest.mark.mosquitto
@pytest.mark.timescaledb
@pytest.mark.usefixtures("real_services")
def test_a_shard_killed_at_full_load_is_taken_over(tmp_path: Path) -> None:
    load = Load(base_ms=int(time.time() * 1000) - 86_400_000, enterprises=8)
    shard = "greenpark-collector-1"
    with Stage(tmp_path, load, [FIRST, SECOND, FIRST], disk="trigger") as stage:
        first, _, standby = stage.collector_units
        dsn = stage.database.dsn
        for unit in stage.collector_units:
            unit.run()
            until(lambda: commits(dsn, shard)[0] is not None, "the first shard works", 30)
        stage.start_publisher(0, window=1000)
        until(lambda: commits(dsn, shard)[1] > 2000, "readings flow", 60)
        life = commits(dsn, shard)[0]
        first.kill(3600)  # it does not come back
        killed = time.monotonic()
        until(
            lambda: commits(dsn, shard)[0] != life and commits(dsn, shard)[1] > 0,
            "the standby stores",
            30,
        )
        took_s = time.monotonic() - killed
        time.sleep(3)  # more load for both
        stage.end_publisher(90)
        ledger = stage.ledger()
        expected = sum(2 * len(load.slots(n)) for n in ledger.acknowledged)
        wait_for_rest(dsn, expected, 60, 120)
        verdict = compare(load, ledger, *stored_readings(dsn))
        seconds = max(ledger.sent.values()) - min(ledger.sent.values())
        print(
            f"published {len(ledger.sent)} messages at {len(ledger.sent) / seconds:.0f}/s, "
            f"acknowledged {verdict.acknowledged} readings, stored {verdict.stored}, "
            f"lost {len(verdict.lost)}, standby stores after {took_s:.1f} s"
        )
        assert verdict.good
        assert verdict.acknowledged > 20_000
        assert standby.starts == 1
        assert took_s < 10
