"""Health of a greenpark container: `broker` (an open connection to it) or `jobs` (they finish)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ESTABLISHED = "01"


def broker_connected(port: int) -> bool:
    """Whether this container holds an established TCP connection to the broker's port."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, _, remote, state, *_ = row.split()
            if state == ESTABLISHED and int(remote.rpartition(":")[2], 16) == port:
                return True
    return False


def jobs_finish() -> bool:
    """Whether some job finished without error in the last ten minutes (wall clock)."""
    import psycopg

    dsn = Path(os.environ["GREENPARK_DSN_FILE"]).read_text(encoding="utf-8").strip()
    with psycopg.connect(dsn, connect_timeout=5) as conn:
        row = conn.execute(
            "SELECT count(*) FROM job_run WHERE ok AND finished_at > now() - interval '10 min'"
        ).fetchone()
    return bool(row and row[0])


def main() -> None:
    """Exit 0 if healthy."""
    what = sys.argv[1]
    if what == "broker":
        healthy = broker_connected(int(os.environ.get("GREENPARK_MQTT_PORT", "1883")))
    else:
        healthy = jobs_finish()
    sys.exit(0 if healthy else 1)


if __name__ == "__main__":
    main()
