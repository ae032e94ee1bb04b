"""A little hand-made data behind the dashboard views: two enterprises, known answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from psycopg.types.json import Jsonb

from storage.db import Conn

NOW = datetime(2026, 7, 2, 4, 7, tzinfo=UTC)  # 12:07 in Shanghai
BUCKET = datetime(2026, 7, 2, 3, 45, tzinfo=UTC)
FIRST = date(2026, 1, 1)

# role -> kWh per quarter-hour of enterprise `north`
NORTH_KWH = {
    "grid_import": 100.0,
    "direct_supply": 50.0,
    "onsite_pv": 30.0,
    "onsite_wind": 20.0,
    "storage_discharge": 5.0,
    "storage_charge": 15.0,
    "grid_export": 10.0,
}


def park_document() -> dict[str, object]:
    """As `greenpark apply` stores it, as far as the views read it."""
    goal = {
        "year": 2026,
        "start_ratio": 0.3,
        "year_end_ratio": 0.5,
        "share": "S3",
        "reading": "ytd",
        "source": "test",
    }
    targets = {
        "green_share_ratio": 0.7,
        "energy_intensity_kwh_per_t": 400.0,
        "water_intensity_m3_per_t": None,
    }
    return {
        "goal": goal,
        "enterprises": [{"key": "north", "targets": targets}, {"key": "o-neill", "targets": {}}],
    }


def insert(conn: Conn) -> None:
    """Fill the tables below the views; commits."""
    park_id = _one(
        conn,
        "INSERT INTO park (key, name_zh, name_en, timezone, simulated, document,"
        " applied_at) VALUES ('p', '园区', 'Park', 'Asia/Shanghai', true, %s, %s)"
        " RETURNING park_id",
        Jsonb(park_document()),
        NOW,
    )
    north = _enterprise(conn, park_id, "north", "北厂", "North")
    other = _enterprise(conn, park_id, "o-neill", "欧厂", "O'Neill")
    for role, kwh in NORTH_KWH.items():
        _channel(conn, park_id, north, role, kwh, last=BUCKET)
    _channel(conn, park_id, other, "grid_import", 25.0, last=BUCKET - timedelta(minutes=15))
    conn.execute(
        "INSERT INTO balance_day VALUES (%s, %s, 100, 10, 50, 50, 15, 5, 90, 90, 180, 23,"
        " 95, 96, %s)",
        (north, date(2026, 7, 1), NOW),
    )
    _shares(conn, park_id, None, 0.40, 0.30)
    _shares(conn, park_id, north, 0.55, 0.45)
    for indicator, unit, value in (
        ("energy_intensity", "kWh/t", 500.0),
        ("water_intensity", "m3/t", None),
    ):
        _indicator(
            conn,
            (
                indicator,
                park_id,
                north,
                "rolling_7d",
                date(2026, 6, 25),
                date(2026, 7, 2),
                value,
                unit,
                0.95,
                0.02,
                "provisional",
                NOW,
            ),
        )
    evidence = {"value": 500.0, "target": 400.0, "unit": "kWh/t"}
    for rule, enterprise, state in (
        ("energy_saving", north, "firing"),
        ("green_share_ytd", None, "acknowledged"),
        ("water_saving", other, "pending"),
        ("energy_saving", other, "resolved"),
    ):
        conn.execute(
            "INSERT INTO alert (rule, park_id, enterprise_id, state, severity, evidence,"
            " opened_at, evaluated_at) VALUES (%s, %s, %s, %s, 'warning', %s, %s, %s)",
            (
                rule,
                park_id,
                enterprise,
                state,
                Jsonb(evidence if rule == "energy_saving" else {}),
                NOW,
                NOW,
            ),
        )
    conn.execute("INSERT INTO job_run (job, started_at, park_time) VALUES ('x', now(), %s)", (NOW,))
    conn.commit()


def _one(conn: Conn, sql: str, *values: object) -> int:
    row = conn.execute(sql, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def _enterprise(conn: Conn, park_id: int, key: str, zh: str, en: str) -> int:
    return _one(
        conn,
        "INSERT INTO enterprise (park_id, key, name_zh, name_en, kind,"
        " in_goal_boundary) VALUES (%s, %s, %s, %s, 'other', true)"
        " RETURNING enterprise_id",
        park_id,
        key,
        zh,
        en,
    )


def _channel(
    conn: Conn, park_id: int, enterprise: int, role: str, kwh: float, *, last: datetime
) -> None:
    meter = _one(
        conn,
        "INSERT INTO meter (park_id, enterprise_id, key, name_zh, name_en)"
        " VALUES (%s, %s, %s, 'x', 'x') RETURNING meter_id",
        park_id,
        enterprise,
        f"{role}-{enterprise}",
    )
    channel = _one(
        conn,
        "INSERT INTO channel (meter_id, key, quantity, unit, kind, role, factor,"
        " period_s) VALUES (%s, 'e', 'active_energy', 'kWh', 'register', %s, 1, 900)"
        " RETURNING channel_id",
        meter,
        role,
    )
    for i in range(4):
        quality = "estimated" if i == 3 else "measured"
        conn.execute(
            "INSERT INTO interval VALUES (%s, %s, %s, %s, NULL, %s)",
            (channel, last - i * timedelta(minutes=15), kwh, quality, NOW),
        )
    conn.execute(
        "INSERT INTO reading VALUES (%s, %s, 1, %s)", (channel, last + timedelta(minutes=15), NOW)
    )


def _shares(conn: Conn, park_id: int, enterprise: int | None, s3: float, s1: float) -> None:
    for stop in (date(2026, 7, 1), date(2026, 7, 2)):
        for indicator, value in (("green_share_claim", s3), ("green_share_physical", s1)):
            _indicator(
                conn,
                (
                    indicator,
                    park_id,
                    enterprise,
                    "ytd",
                    FIRST,
                    stop,
                    value,
                    "ratio",
                    0.99,
                    0.01,
                    "provisional",
                    NOW,
                ),
            )


def _indicator(conn: Conn, row: tuple[object, ...]) -> None:
    conn.execute(
        "INSERT INTO indicator_value (indicator, park_id, enterprise_id, period_kind,"
        " period_start, period_stop, value, unit, completeness_ratio, estimated_ratio,"
        " status, computed_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        row,
    )
