"""From code to the committed JSON: build, write, compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.overview import overview
from dashboards.texts import LANGUAGES

JSON_DIR = Path(__file__).resolve().parent / "json"

_BUILDERS = {"overview": overview}


def build_all() -> dict[Path, str]:
    """JSON text of every dashboard in every language by its path below `json/`."""
    return {
        Path(texts.folder) / f"{name}.json": _encode(builder(texts).build())
        for texts in LANGUAGES
        for name, builder in _BUILDERS.items()
    }


def write_all(folder: Path = JSON_DIR) -> list[Path]:
    """Write every dashboard below `folder`; returns the paths."""
    written = []
    for path, text in build_all().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def check_all(folder: Path = JSON_DIR) -> list[str]:
    """How the JSON below `folder` differs from the code, one line per file; empty: no drift."""
    built = build_all()
    faults = []
    for path, text in built.items():
        target = folder / path
        if not target.exists():
            faults.append(f"{path}: missing")
        elif target.read_text(encoding="utf-8") != text:
            faults.append(f"{path}: differs from the code")
    present = {p.relative_to(folder) for p in folder.glob("*/*.json")}
    faults += [f"{path}: no code builds it" for path in sorted(present - set(built))]
    return faults


def _encode(dashboard: object) -> str:
    plain: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(dashboard))
    _repair(plain)
    return json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _repair(plain: dict[str, Any]) -> None:
    """Undo what the SDK adds and Grafana misreads, and hide the language constant."""
    for extra in (*plain.get("links", []), *plain["annotations"]["list"]):
        extra.pop("placement", None)  # moves it into a menu in newer versions
    for panel in plain["panels"]:
        panel.pop("repeatDirection", None)
    for variable in plain["templating"]["list"]:
        for noise in ("auto", "auto_min", "auto_count"):
            variable.pop(noise, None)
        if variable["type"] == "constant":
            variable |= {"hide": 2, "skipUrlSync": True}
