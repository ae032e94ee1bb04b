"""A park with a storage, a direct line and a plant, fed with made-up quarter-hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.jobs.balances import compute_balances
from app.jobs.indicators import compute_indicators
from app.jobs.intervals import compute_intervals
from models.park import Park, parse_park
from storage.db import Conn
from tests.integration.feed import feed

Q = timedelta(minutes=15)
JAN1 = datetime(2025, 12, 31, 16, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
NOW = JAN1 + timedelta(days=59)  # 2026-03-01

WORKS = {
    "grid": "grid_import",
    "export": "grid_export",
    "pv": "onsite_pv",
    "direct": "direct_supply",
    "charge": "storage_charge",
    "discharge": "storage_discharge",
    "could": "direct_available",
}
PLAIN = {"grid": "grid_import"}


def document(**works: Any) -> dict[str, Any]:
    """park.yaml of `works` (everything), `mill` and `smelter` (grid only)."""
    return {
        "key": "greenpark",
        "name": {"zh": "绿园", "en": "Green"},
        "data_from": "2026-01-01",
        "goal": {"year": 2026, "source": "test"},
        "green": {
            "boundaries": [
                {
                    "key": "light",
                    "name": {"zh": "不含电解铝", "en": "Without the smelter"},
                    "without": ["smelter"],
                }
            ]
        },
        "enterprises": [
            _enterprise("works", WORKS) | works,
            _enterprise("mill", PLAIN),
            _enterprise("smelter", PLAIN) | {"kind": "smelter"},
        ],
    }


def site(**works: Any) -> Park:
    """The park; `works` are more keys of that enterprise."""
    return parse_park(document(**works), "test")


def _enterprise(key: str, roles: Mapping[str, str]) -> dict[str, Any]:
    channels = {
        f"{name}_kwh": {"quantity": "active_energy", "unit": "kWh", "kind": "interval", "role": r}
        for name, r in roles.items()
    }
    meter = {"key": f"{key}-m", "name": {"zh": key, "en": key}, "channels": channels}
    return {"key": key, "name": {"zh": key, "en": key}, "meters": [meter]}


def send(
    dsn: str, enterprise: str, start: datetime = JAN1, **values: Sequence[float | None]
) -> None:
    """Quarter-hours of an enterprise; None sends nothing."""
    length = len(next(iter(values.values())))
    items = []
    for n in range(length):
        told = {f"{k}_kwh": v[n] for k, v in values.items() if v[n] is not None}
        if told:
            items.append({"ts": (start + n * Q).isoformat(), "values": told})
    feed(dsn, f"park/greenpark/{enterprise}/{enterprise}-m", items)


def calculate(conn: Conn, now: datetime = NOW) -> None:
    """All jobs up to the indicators."""
    compute_intervals(conn, now)
    compute_balances(conn, now)
    compute_indicators(conn, now)
