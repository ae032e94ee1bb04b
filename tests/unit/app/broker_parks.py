"""Small parks, and broker-config run on them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.brokerconf.options import Options
from app.brokerconf.plan import Plan, make_plan
from app.brokerconf.users import User, users_of
from models.park import Park, parse_park

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def document(key: str = "p", sources: dict[str, list[dict[str, Any]]] | None = None) -> Any:
    """A park with the enterprises a and b."""
    channel = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}
    return {
        "key": key,
        "name": {"zh": "园", "en": "Park"},
        "enterprises": [
            {
                "key": e,
                "name": {"zh": "企", "en": e.upper()},
                "meters": [
                    {
                        "key": f"{e}-grid",
                        "name": {"zh": "线", "en": "Line"},
                        "channels": {"kwh": channel},
                    }
                ],
                "sources": (sources or {}).get(e, []),
            }
            for e in ("a", "b")
        ],
    }


def park(key: str = "p", *, simulated: bool = False, **sources: list[dict[str, Any]]) -> Park:
    return parse_park(document(key, sources) | {"simulated": simulated}, "test")


def source(topic: str, form: str = "senml", meter: str = "a-grid") -> dict[str, Any]:
    return {"topic": topic, "format": form, "devices": {"x": meter}}


def made(out: Path, *parks: Park, rotate: tuple[str, ...] = (), **options: Any) -> Plan:
    plan = make_plan(out, parks or [park()], Options(**options), NOW, rotate)
    plan.write()
    return plan


def read(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def user(name: str, *parks: Park) -> User:
    return next(u for u in users_of(parks) if u.name == name)
