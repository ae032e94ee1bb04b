"""The folder `truth/`: the exact truth of a range as files that others can read."""

from __future__ import annotations

import json
import os
from datetime import UTC
from pathlib import Path
from typing import Any

from simulators.truth import Truth

_FLOATS = "%.7f"  # the balance of a day keeps to 1e-6


def write_truth(directory: Path, truth: Truth) -> None:
    """Write energy.csv, savings.csv, events.json and park.json; the same truth, the same bytes.

    Each file is there as a whole or not at all; park.json comes last.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, table in (("energy.csv", truth.energy), ("savings.csv", truth.savings)):
        text = table.to_csv(index=False, float_format=_FLOATS, lineterminator="\n")
        _replace(directory / name, text)
    _replace(directory / "events.json", _json(truth.events))
    park = {
        "park": truth.park,
        "seed": truth.seed,
        "scenario_digest": truth.digest,
        "from": truth.start.astimezone(UTC).isoformat(),
        "to": truth.stop.astimezone(UTC).isoformat(),
        "totals": {key: round(value, 6) for key, value in truth.totals.items()},
        "physical_green_ratio": None if truth.green_ratio is None else round(truth.green_ratio, 9),
    }
    _replace(directory / "park.json", _json(park))


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
