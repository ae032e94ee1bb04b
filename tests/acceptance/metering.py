"""Measured files through `apply`, `import readings` and `run --once`, read back as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.conftest import Program

Channels = Mapping[str, Mapping[str, Any]]


def apply_park(
    program: Program, folder: Path, zone: str, meters: Mapping[str, Channels], key: str = "site"
) -> None:
    """A park of one enterprise with these meters."""
    document = {
        "key": key,
        "name": {"zh": key, "en": key},
        "timezone": zone,
        "enterprises": [
            {
                "key": f"{key}-co",
                "name": {"zh": key, "en": key},
                "meters": [
                    {"key": meter, "name": {"zh": meter, "en": meter}, "channels": dict(channels)}
                    for meter, channels in meters.items()
                ],
            }
        ],
    }
    file = folder / f"{key}.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    program("apply", str(file))


def import_file(
    program: Program, folder: Path, file: Path, mapping: Mapping[str, Any], expect: int = 0
) -> str:
    """What the import says of a file."""
    path = folder / f"{mapping['park']}-{file.name}.mapping.yaml"
    path.write_text(yaml.safe_dump(dict(mapping)), "utf-8")
    return program("import", "readings", str(file), "--mapping", str(path), expect=expect)


def rows(program: Program, *arguments: str) -> list[dict[str, str]]:
    """Rows of `greenpark intervals`."""
    said = program("intervals", *arguments, "--format", "csv")
    return list(csv.DictReader(io.StringIO(said)))


def by(program: Program, period: str, *more: str) -> dict[str, dict[str, dict[str, str]]]:
    """Roll-ups: channel key to local period to row."""
    out: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows(program, "--by", period, *more):
        channel = row["channel"].rsplit("/", 1)[-1]
        out.setdefault(channel, {})[row["period"]] = row
    return out


def findings(program: Program, code: str) -> list[dict[str, Any]]:
    """Findings of a code, by channel and time."""
    found = json.loads(program("findings", "--code", code, "--format", "json"))
    return sorted(found, key=lambda f: (f["channel"], f["period_start"]))
