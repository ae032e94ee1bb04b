"""An HTTP receiver, and what the program's log gets."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.receivers import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def root_log() -> Iterator[list[str]]:
    """Everything that the program's log gets, debug lines of libraries too.

    Not caplog: pytest listens to loggers that propagate nothing as well.
    """
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(  # type: ignore[method-assign]
        f"{record.name}: {record.getMessage()}"
    )
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)
