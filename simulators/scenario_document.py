"""Scenario files that build on one another: `extends: simulation.yaml`, then what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from models.errors import ConfigError


def read_scenario_document(path: Path) -> dict[str, Any]:
    """A scenario file merged into the file that it extends.

    Names of files in it (`extends`, `weather_file`) are relative to it.

    Mappings are merged key by key, `events` are added to those of the base, all else replaces.

    Raises:
        ConfigError: a file cannot be read, is no mapping, or extends itself.
    """
    return _read(path, ())


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    whole = path.resolve()
    if whole in above:
        raise ConfigError(str(path), ["extends: leads back to this file; remove one extends"])
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(str(path), [f"is not valid YAML: {exc}"]) from exc
    if not isinstance(document, dict):
        got = type(document).__name__
        raise ConfigError(str(path), [f"got a {got}, expected keys such as park and events"])
    site = document.get("site")
    if isinstance(site, dict) and isinstance(site.get("weather_file"), str):
        site["weather_file"] = str(path.parent / site["weather_file"])
    base = document.pop("extends", None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise ConfigError(str(path), [f"extends: got {base!r}, expected the name of a file"])
    below = _read(path.parent / base, (*above, whole))
    events = [e for part in (below, document) for e in _events(part, path)]
    merged = _merged(below, document)
    return merged | {"events": events} if events else merged


def _events(document: dict[str, Any], path: Path) -> list[Any]:
    events = document.get("events") or []
    if not isinstance(events, list):
        got = type(events).__name__
        raise ConfigError(str(path), [f"events: got a {got}, expected a list (lines with -)"])
    return events


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        known = out.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        out[key] = _merged(known, value) if both else value  # type: ignore[arg-type]
    return out
