"""Sizes, READMEs, docstrings, and nothing in the files that belongs to one machine only."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, REPO, short, sources, syntax, tracked

MOST_LINES = 400
LOOK_AGAIN = 250
PROGRAM = {".py", ".sql", ".sh", ".yaml", ".yml", ".toml"}
NOT_WRITTEN_BY_HAND = {"examples"}
# A host of a package index, or a path that exists on the author's machine only. The pieces are
# apart so that this file does not find itself.
HOSTS = re.compile(
    "|".join(
        re.escape(".".join(h))
        for h in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("jfrog", "io"),
            ("artifactory", ""),
            ("proxy", "golang", "org"),
        )
    )
)
MACHINE = re.compile(r"(?<![\w.<>/-])/(?:work|root|home/[a-z][\w-]*)(?:/|\b)")
# Paths inside a container or a Debian root directory are not of this machine.
ALLOWED: set[tuple[str, str]] = set()


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_source_file_is_too_long() -> None:
    sizes = {
        short(p): lines_of(p)
        for p in tracked()
        if p.suffix in PROGRAM and p.relative_to(REPO).parts[0] not in NOT_WRITTEN_BY_HAND
    }
    too_long = {name: n for name, n in sizes.items() if n > MOST_LINES}
    again = sorted(((n, name) for name, n in sizes.items() if n > LOOK_AGAIN), reverse=True)
    print(f"above {LOOK_AGAIN} lines, look again: {again}")  # seen with pytest -rP
    assert too_long == {}


@pytest.mark.parametrize("package", [*PACKAGES, "tests"])
def test_package_has_a_readme(package: str) -> None:
    text = (REPO / package / "README.md").read_text(encoding="utf-8")
    assert 5 <= len(text.splitlines()) <= 40
    for said in ("May import:", "Tests:"):
        assert said in text.replace("Its tests:", "Tests:"), f"{package}/README.md: no {said!r}"


def test_every_module_says_what_it_is() -> None:
    silent = []
    for path in sources(*PACKAGES, "tests", "scripts"):
        said = ast.get_docstring(syntax(path)) or ""
        if len(said) < 15 or said.startswith("TODO"):
            silent.append(short(path))
    assert silent == []


def test_no_machine_path_and_no_registry_host() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary
        for number, line in enumerate(text.splitlines(), 1):
            hit = MACHINE.search(line) or HOSTS.search(line)
            if hit and (short(path), hit[0]) not in ALLOWED:
                found.append(f"{short(path)}:{number}: {line.strip()[:90]}")
    assert found == []


def test_patterns_find_what_they_must() -> None:
    assert MACHINE.search("cd /" + "root/x")
    assert MACHINE.search('"/' + 'home/jane"')
    assert MACHINE.search("see /" + "work/main")
    assert not MACHINE.search("park/<park>/work/home")
    assert HOSTS.search("https://pypi" + ".org/simple")


def test_every_package_is_shipped() -> None:
    with (REPO / "pyproject.toml").open("rb") as file:
        listed = set(tomllib.load(file)["tool"]["setuptools"]["packages"])
    there = {
        ".".join(p.parent.relative_to(REPO).parts)
        for p in sources(*PACKAGES)
        if p.name == "__init__.py"
    }
    assert there == listed


def test_every_dependency_is_justified() -> None:
    with (REPO / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split(r"[\[<>=]", w, maxsplit=1)[0] for w in wanted]
    for readme in ("README.md", "README.zh-CN.md"):
        text = (REPO / readme).read_text(encoding="utf-8")
        assert [n for n in names if f"`{n}`" not in text] == [], readme


def test_warnings_are_errors_here() -> None:
    with pytest.raises(UserWarning, match="seen"):
        warnings.warn("seen", stacklevel=1)
