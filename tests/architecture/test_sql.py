"""Every named SQL block: used by the code, and accepted by PostgreSQL on the migrated schema."""

from __future__ import annotations

import re

import pytest

from storage.db import Conn, named_sql
from tests.architecture.tree import REPO, short, sources, strings

AREAS = sorted(p.stem for p in (REPO / "storage" / "sql").glob("*.sql"))
BLOCKS = [(area, name) for area in AREAS for name in named_sql(area)]
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
COMMENT = re.compile(r"^\s*--.*$", re.M)
UTILITY = ("CREATE", "COPY", "LOCK", "TRUNCATE")


def plain(text: str) -> str:
    """Without comments, in which `%` and `;` may stand."""
    return COMMENT.sub("", text).strip()


def numbered(text: str) -> str:
    """`%(name)s` as `$n`, `%%` as `%`."""
    order: dict[str, int] = {}

    def replace(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        return f"${order.setdefault(match[1], len(order) + 1)}"

    return PLACEHOLDER.sub(replace, text)


def test_numbering() -> None:
    assert numbered("a = %(x)s AND b LIKE 'y%%' AND c = %(z)s OR %(x)s") == (
        "a = $1 AND b LIKE 'y%' AND c = $2 OR $1"
    )


def test_file_has_named_blocks_only() -> None:
    for area in AREAS:
        text = (REPO / "storage" / "sql" / f"{area}.sql").read_text(encoding="utf-8")
        names = re.findall(r"^-- name: (.*)$", text, re.M)
        assert text.startswith("-- name: "), area
        assert len(set(names)) == len(names), f"{area}: a name is used twice"
        assert list(named_sql(area)) == names, area
        assert ";" not in plain(text), f"{area}: blocks are single statements"


def test_every_block_is_used() -> None:
    used = set().union(*(strings(p) for p in sources("storage", "app")))
    assert [f"{area}.{name}" for area, name in BLOCKS if name not in used] == []


def test_every_used_block_exists() -> None:
    known = {name for _, name in BLOCKS}
    missing = []
    for path in sources("storage"):
        text = path.read_text(encoding="utf-8")
        for area, name in re.findall(r'named_sql\("(\w+)"\)\["(\w+)"\]', text):
            if name not in named_sql(area):
                missing.append(f"{short(path)}: {area}.{name}")
        missing += [
            f"{short(path)}: {name}"
            for name in re.findall(r'\bsql\["(\w+)"\]', text)
            if name not in known
        ]
    assert missing == []


def test_parameters_are_named_in_one_style() -> None:
    for area, name in BLOCKS:
        rest = PLACEHOLDER.sub("", plain(named_sql(area)[name]))
        assert "%" not in rest, f"{area}.{name}: a bare % or a positional parameter"


@pytest.mark.parametrize("area", AREAS)
def test_postgresql_accepts_every_block(conn: Conn, area: str) -> None:
    blocks = {name: plain(text) for name, text in named_sql(area).items()}
    with conn.transaction(force_rollback=True), conn.cursor() as cur:
        for text in sorted(blocks.values(), key=lambda t: not t.startswith("CREATE")):
            if text.startswith("COPY"):
                with cur.copy(text.encode()):
                    pass
            elif text.startswith(UTILITY):
                cur.execute(text.encode())
            else:
                cur.execute(b"EXPLAIN (GENERIC_PLAN) " + numbered(text).encode())
                assert cur.fetchall()
