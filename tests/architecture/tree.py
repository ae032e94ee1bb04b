"""The tree as git sees it, for the tests of this folder."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PACKAGES = (
    "models",
    "analytics",
    "rules",
    "storage",
    "collectors",
    "alerts",
    "dashboards",
    "gateway",
    "simulators",
    "app",
)


@cache
def tracked() -> tuple[Path, ...]:
    """Files that are or will be in the repository: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return tuple(p for p in (REPO / name for name in sorted(listed)) if p.is_file())


def sources(*folders: str) -> Iterator[Path]:
    """Python files below the given top-level folders."""
    for path in tracked():
        if path.suffix == ".py" and path.relative_to(REPO).parts[0] in folders:
            yield path


def short(path: Path) -> str:
    """Path for messages."""
    return str(path.relative_to(REPO))


@cache
def syntax(path: Path) -> ast.Module:
    """Parsed source."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def strings(path: Path) -> set[str]:
    """All string literals of a file."""
    return {
        n.value
        for n in ast.walk(syntax(path))
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
