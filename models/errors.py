"""The error tree; every message names the object, what was got, what was expected, the remedy.

ParkError
├── ConfigError            settings or park.yaml are wrong; nothing was started or changed
├── PayloadError           a message, file row or value that cannot become a reading
├── StorageError
│   ├── Unavailable        the database is away or busy: try again (retryable)
│   ├── Invalid            the database refused this very data: trying again is useless
│   └── SchemaMismatch     the database is at another schema version than the program
└── NotifyError            a notification was not delivered (permanent or retryable)
"""

from __future__ import annotations

from itertools import islice

_MOST = 200  # characters of each part of a refusal: a payload must not be repeated in thousands
_MOST_ITEMS = 10


def _shown(got: object, levels: int = 2) -> str:
    """The repr of a value; of long or deep JSON only the beginning."""
    if isinstance(got, str | bytes):
        return repr(got[:_MOST])
    if isinstance(got, list | dict) and not levels:
        return "..."
    if isinstance(got, list):
        return f"[{', '.join(_shown(item, levels - 1) for item in got[:_MOST_ITEMS])}]"
    if isinstance(got, dict):
        items = islice(got.items(), _MOST_ITEMS)
        pairs = (f"{_shown(k, levels - 1)}: {_shown(v, levels - 1)}" for k, v in items)
        return f"{{{', '.join(pairs)}}}"
    return repr(got)


class ParkError(Exception):
    """Base of all errors that greenpark raises on purpose."""

    retryable = False


class ConfigError(ParkError):
    """Settings or park.yaml are wrong; carries every fault found, not just the first."""

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source, self.faults = source, faults
        listed = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"{source}: {len(faults)} fault(s):\n{listed}")


class PayloadError(ParkError):
    """A message that cannot become a reading: quarantined with `code`, never dropped."""

    def __init__(self, code: str, field: str, got: object, expected: str) -> None:
        self.code, self.field, self.expected = code, field[:_MOST], expected[:_MOST]
        self.got = _shown(got)[:_MOST]
        super().__init__(f"{self.field}: got {self.got}, expected {self.expected}")


class StorageError(ParkError):
    """The database did not do what was asked."""

    def __init__(self, action: str, cause: object) -> None:
        self.action = action
        super().__init__(f"{action}: {cause}")


class Unavailable(StorageError):
    """The database is away, starting, full or busy: keep the data and try again."""

    retryable = True


class Invalid(StorageError):
    """The database refused this data or statement: isolate it, do not repeat it."""


class SchemaMismatch(StorageError):
    """The database schema is not the one this program needs: run `greenpark migrate`."""


class NotifyError(ParkError):
    """A notification was not delivered."""

    def __init__(self, recipient: str, cause: str, *, permanent: bool) -> None:
        self.recipient, self.permanent, self.retryable = recipient, permanent, not permanent
        self.retry_after_s = 0  # the receiver asked to be left alone for so long
        kind = "refused for good" if permanent else "not delivered yet"
        super().__init__(f"{recipient}: {kind}: {cause}")
