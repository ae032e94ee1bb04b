"""Days move with the zone of the park, totals do not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.acceptance.metering import apply_park, by, import_file
from tests.conftest import REPO

ZONES = {"north": "Europe/Amsterdam", "hills": "Asia/Kathmandu", "east": "America/St_Johns"}


def test_the_zone_of_the_park_never_changes_totals(
    program: Program, conn: Conn, tmp_path: Path
) -> None:
    """Two days of water in three parks: +02:00, +05:45 and -02:30."""
    file = REPO / "tests" / "data" / "measured" / "water_false_zeros.csv"
    channel = {"quantity": "water_volume", "unit": "L", "kind": "register", "resolution": 1}
    for key, zone in ZONES.items():
        apply_park(program, tmp_path, zone, {f"{key}-m": {"intake": channel}}, key)
        mapping = {
            "park": key,
            "time": {"column": "time", "timezone": "Europe/Amsterdam"},
            "columns": {"water usage dl": f"{key}-m/intake"},
        }
        import_file(program, tmp_path, file, mapping)
    program("run", "--once", "--now", "2025-05-10T00:00Z")
    quarters, days = {}, {}
    for key in ZONES:
        quarters[key] = conn.execute(
            "SELECT bucket_start, value, quality FROM interval JOIN channel c USING (channel_id)"
            " JOIN meter m USING (meter_id) WHERE m.key = %s ORDER BY 1",
            (f"{key}-m",),
        ).fetchall()
        found = by(program, "day", "--park", key, "--meter", f"{key}-m")["intake"]
        days[key] = {d: float(r["value"]) for d, r in found.items()}
    # the very same quarter-hours, and sums that are the register difference of 6,304 L
    assert quarters["north"] == quarters["hills"] == quarters["east"]
    for key in ZONES:
        assert math.fsum(days[key].values()) == pytest.approx(6.304, abs=1e-9)
    # by hand, from the registers of both midnights: 180,680 - 176,456 L
    assert days["north"]["2025-05-07"] == pytest.approx(4.224, abs=1e-9)
    assert len({d["2025-05-07"] for d in days.values()}) == 3
