"""What Grafana does to a query before PostgreSQL sees it: variables, then macros.

Only what our dashboards may use. Anything else is an error here, as an unknown macro is there.
Source: Grafana's PostgreSQL data source documentation, "Macros" and "Templates".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_VARIABLE = re.compile(r"\$(?!__)(\w+)|\$\{(\w+)(?::(\w+))?\}")
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
_STEPS_S = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
SCOPED = ("$__interval_ms", "$__interval")


class MacroError(ValueError):
    """Grafana would refuse the query."""


@dataclass(frozen=True)
class Variable:
    """A template variable and what is selected.

    Attributes:
        many: multi-select or with All: a text value is quoted.
        all_value: set and everything selected: inserted as it is.
    """

    value: str | list[str]
    many: bool = False
    all_value: str | None = None

    def text(self) -> str:
        """The value as the SQL data sources insert it."""
        if self.all_value is not None:
            return self.all_value
        if isinstance(self.value, list):
            return ",".join(_quote(v) for v in self.value)
        return _quote(self.value) if self.many else self.value.replace("'", "''")


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def interval_ms(start: datetime, stop: datetime, points: int, lowest_s: int = 60) -> int:
    """`$__interval_ms`: range / points, on Grafana's scale of steps (approximately)."""
    wanted_s = (stop - start) / timedelta(seconds=1) / points
    return 1000 * max(lowest_s, next((s for s in _STEPS_S if s >= wanted_s), 604800))


def _interval_text(ms: int) -> str:
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms >= size:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def _rfc3339(instant: datetime) -> str:
    return _quote(instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _macros(start: datetime, stop: datetime) -> Mapping[str, Callable[[str], str]]:
    first, last = _rfc3339(start), _rfc3339(stop)
    return {
        "__timeFilter": lambda column: f"{column} BETWEEN {first} AND {last}",
        "__timeFrom": lambda _: first,
        "__timeTo": lambda _: last,
    }


def expand(
    sql: str,
    variables: Mapping[str, Variable],
    start: datetime,
    stop: datetime,
    *,
    step_ms: int = 60_000,
) -> str:
    """The statement that reaches PostgreSQL.

    Raises:
        MacroError: an unknown variable, format or macro.
    """

    def variable(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in variables or match[3]:
            raise MacroError(f"unknown variable or format: {match[0]}")
        return variables[name].text()

    def macro(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise MacroError(f"unknown macro {match[1]!r}")
        return known[match[1]](match[2].strip())

    known = _macros(start, stop)
    sql = sql.replace("$__interval_ms", str(step_ms)).replace(
        "$__interval", _interval_text(step_ms)
    )
    sql = _VARIABLE.sub(variable, sql)
    sql = _MACRO.sub(macro, sql)
    if "$" in sql:
        raise MacroError(f"left over: {sql[sql.index('$') :][:30]}")
    return sql


def macro_names(sql: str) -> set[str]:
    """Names of the macros that a query calls."""
    return {match[1] for match in _MACRO.finditer(sql)}


_ANY = datetime(2000, 1, 1, tzinfo=UTC)
KNOWN_MACROS = frozenset(_macros(_ANY, _ANY))
