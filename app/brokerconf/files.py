"""A folder of secrets: nobody else reads it, a file is replaced whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from app.brokerconf.options import FILE
from models.errors import ConfigError


def read_all(folder: Path) -> dict[str, bytes]:
    """The files below a folder that this program made; empty if there is none yet.

    Raises:
        ConfigError: the folder holds something else, or cannot be read.
    """
    try:
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    except OSError as exc:
        raise ConfigError(str(folder), [f"cannot be read: {exc}"]) from exc
    if found and FILE not in found:
        raise ConfigError(
            str(folder), ["is not empty and was not made by broker-config; give another --out"]
        )
    return found


def write_all(folder: Path, files: Mapping[str, bytes], gone: Iterable[str]) -> None:
    """Write files (mode 0600) below a folder (0700) and remove those that are gone.

    Raises:
        ConfigError: a file cannot be written.
    """
    try:
        _folder(folder)
        for name, content in files.items():
            path = folder / name
            for parent in reversed(path.relative_to(folder).parents):
                _folder(folder / parent)
            _replace(path, content)
        for name in gone:
            path = folder / name
            path.unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    except OSError as exc:
        raise ConfigError(str(folder), [f"cannot be written: {exc}"]) from exc


def _folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _replace(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        path.chmod(0o600)
        return
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
