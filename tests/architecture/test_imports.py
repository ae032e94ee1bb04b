"""Who may import what, and who may read a clock."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.architecture.tree import PACKAGES, REPO, imported, short, sources, syntax

ONLY_HOME = {
    "psycopg": {"storage", "app"},
    "paho": {"collectors", "gateway", "simulators"},
    "jinja2": {"alerts", "app"},
    "grafana_foundation_sdk": {"dashboards"},
}
PURE = ("models", "analytics", "rules")
IMPURE = {"logging", "time", "random", "os", "socket", "subprocess", "threading", "psycopg", "paho"}


def test_contracts_of_pyproject_hold() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(("library", "homes"), ONLY_HOME.items(), ids=ONLY_HOME)
def test_library_has_one_home(library: str, homes: set[str]) -> None:
    strangers = [
        short(p)
        for p in sources(*PACKAGES)
        if library in imported(p) and p.relative_to(REPO).parts[0] not in homes
    ]
    assert strangers == []


def test_pure_packages_do_no_io() -> None:
    impure = {
        short(p): sorted(imported(p) & IMPURE) for p in sources(*PURE) if imported(p) & IMPURE
    }
    assert impure == {}


def test_only_app_reads_the_wall_clock() -> None:
    places = []
    for path in sources(*(p for p in PACKAGES if p != "app")):
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "datetime.now",
                "datetime.utcnow",
                "date.today",
                "datetime.today",
                "time.time",
            ):
                places.append(f"{short(path)}:{node.lineno}")
    assert places == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{short(p)}:{n.lineno}"
        for p in sources(*PACKAGES, "tests", "scripts")
        for n in ast.walk(syntax(p))
        if isinstance(n, ast.ImportFrom) and n.level
    ]
    assert relative == []
