"""The SQL of the dashboards and the one data source they use."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Self

from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.common import DataSourceRef

DATASOURCE_TYPE = "grafana-postgresql-datasource"
DATASOURCE_UID = "greenpark-pg"
DATASOURCE = DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)

Format = Literal["time_series", "table"]

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.M | re.S)


@cache
def named_sql(area: str) -> dict[str, str]:
    """Blocks of `dashboards/sql/<area>.sql` by name, comment lines removed.

    Grafana 12 expands macros inside comments as well, so comments stay in the file.
    """
    text = files("dashboards").joinpath("sql", f"{area}.sql").read_text(encoding="utf-8")
    return {
        name: "\n".join(line for line in body.strip().splitlines() if not line.startswith("--"))
        for name, body in _BLOCK.findall(text)
    }


class PgQuery(variants.Dataquery):
    """A target of the PostgreSQL data source; the SDK ships none."""

    def __init__(self, sql: str, fmt: Format, ref_id: str = "A") -> None:
        self.sql, self.fmt, self.ref_id = sql, fmt, ref_id

    def to_json(self) -> dict[str, object]:
        """The target as Grafana stores it."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "rawQuery": True,
            "format": self.fmt,
            "rawSql": self.sql,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read a stored target back."""
        return cls(data["rawSql"], data["format"], data.get("refId", "A"))


class Sql(builder.Builder[PgQuery]):
    """Builder of a `PgQuery` from a named block."""

    def __init__(self, area: str, name: str, fmt: Format, ref_id: str = "A") -> None:
        self._query = PgQuery(named_sql(area)[name], fmt, ref_id)

    def build(self) -> PgQuery:
        """The query."""
        return self._query
