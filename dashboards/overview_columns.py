"""Columns of the tables and numbers of the overview."""

from __future__ import annotations

from dashboards.panels import (
    BAD,
    ENERGY_INTENSITY,
    GOOD,
    MINUTES,
    NEUTRAL,
    OFF,
    POINTS,
    POWER,
    RATIO,
    Column,
    Steps,
)

_GAP: Steps = ((None, BAD), (-10, OFF), (0, GOOD))
_DEVIATION: Steps = ((None, GOOD), (0.0005, OFF), (0.15, BAD))
_COMPLETE: Steps = ((None, OFF), (0.9, NEUTRAL))
_GUESSED: Steps = ((None, NEUTRAL), (0.05, OFF))
_ANY: Steps = ((None, GOOD), (1, OFF))
_LATE: Steps = ((None, GOOD), (60, OFF))
_OUT_OF_REACH: Steps = ((None, NEUTRAL), (1, BAD))
_SINCE = "time: MM-DD HH:mm"

SHARE = [
    Column("s3_ratio", "series.s3", RATIO, 1, steps=((None, GOOD),), missing="no_value"),
    Column("s1_ratio", "series.s1", RATIO, 1, missing="no_value"),
    Column("path_ratio", "series.path", RATIO, 1, missing="no_value"),
]
GAP = [Column("gap_points", "gap.title", POINTS, 1, steps=_GAP, missing="no_value")]
REQUIRED = [
    Column("required_ratio", "required.title", RATIO, 1, steps=_OUT_OF_REACH, missing="no_value")
]
LOAD = [Column("load_kw", "load_now.title", POWER, 1, missing="no_value")]
ALERTS_NOW = [Column("open_alerts", "alerts_now.title", "none", 0, steps=_ANY)]
DATA = [
    Column(
        "simulated",
        "data.kind",
        values={"0": ("data.metered", GOOD), "1": ("data.simulated", OFF)},
        missing="none",
    ),
    Column("behind_minutes", "data.behind", MINUTES, 0, steps=_LATE, missing="none"),
    Column("silent_channels", "data.silent", "none", 0, steps=_ANY, missing="none"),
]

_SEVERITY = {
    "critical": ("severity.critical", BAD),
    "warning": ("severity.warning", OFF),
    "info": ("severity.info", GOOD),
}
_STATE = {s: (f"state.{s}", NEUTRAL) for s in ("pending", "firing", "acknowledged")}
_RULE = {r: (f"rule.{r}", NEUTRAL) for r in ("green_share_ytd", "energy_saving", "water_saving")}

ALERTS = [
    Column("severity", "column.severity", width=66, values=_SEVERITY),
    Column("state", "column.state", width=72, values=_STATE),
    Column("rule", "column.rule", width=108, values=_RULE),
    Column("name", "column.enterprise"),
    Column("value_target", "column.value_target", width=130, missing="none"),
    Column("opened_at", "column.opened_at", _SINCE, width=92),
]

ENTERPRISES = [
    Column("name", "column.enterprise"),
    Column("s3_ratio", "series.s3_short", RATIO, 1, 70, missing="none"),
    Column("s1_ratio", "series.s1_short", RATIO, 1, 70, missing="none"),
    Column("gap_points", "column.gap", "none", 1, 105, _GAP, missing="none"),
    Column("energy_deviation_ratio", "column.energy", RATIO, 1, 100, _DEVIATION, missing="none"),
    Column("water_deviation_ratio", "column.water", RATIO, 1, 100, _DEVIATION, missing="none"),
]

FRESHNESS = [
    Column("name", "column.enterprise"),
    Column("last_reading_at", "column.last_reading_at", _SINCE, width=110, missing="never"),
    Column("behind_minutes", "column.behind", "none", 0, 105, _LATE, missing="never"),
    Column("silent_channels", "column.silent", "none", 0, 95, ((None, NEUTRAL), (1, OFF))),
    Column("channels", "column.channels", "none", 0, 90),
    Column("completeness_ratio", "column.completeness", RATIO, 1, 90, _COMPLETE, missing="none"),
    Column("estimated_ratio", "column.estimated", RATIO, 1, 90, _GUESSED, missing="none"),
]


def intensity(unit: str) -> list[Column]:
    """Columns of an intensity table; electricity in whole kWh, water to 10 litres."""
    decimals = 0 if unit == ENERGY_INTENSITY else 2
    return [
        Column("name", "column.enterprise"),
        Column("value", "column.value", unit, decimals, 100, missing="no_value"),
        Column("target", "column.target", unit, decimals, 100, missing="no_target"),
        Column("deviation_ratio", "column.deviation", RATIO, 1, 80, _DEVIATION, missing="none"),
        Column("completeness_ratio", "column.completeness", RATIO, 1, 80, _COMPLETE),
        Column("estimated_ratio", "column.estimated", RATIO, 1, 84, _GUESSED),
        Column("day", "column.day", width=62),
    ]
