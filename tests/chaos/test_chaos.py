"""Twenty faults under load, every kind at least once: acknowledged is stored, exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.events import deck
from tests.chaos.run import Settings, run_chaos, summary

SEED = 20260301


@pytest.mark.mosquitto
@pytest.mark.timescaledb
@pytest.mark.usefixtures("real_services")
def test_twenty_faults_lose_nothing(tmp_path: Path) -> None:
    assert sum(map(len, deck(1))) == 20  # one deck: every kind of fault is played
    report = run_chaos(Settings(SEED, 20, rate=700, gaps_s=(0.5, 2.5), drain_limit_s=60), tmp_path)
    print(summary(report))
    assert report.good, summary(report)
    assert report.verdict.acknowledged > 20_000
    assert float(str(report.figures["published_msg_per_s"])) >= 500
    assert report.figures["disk_full_refusals"] != 0, "the disk was never full for the collector"
    assert report.figures["identity_at_end"]
