"""The channels file of the deployment, and what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import urlsplit

from app.checks import Problem
from app.settings import Settings
from models.contacts import Contact
from models.delivery import EMAIL, Target, WebhookTarget, load_channels
from models.errors import ConfigError
from models.park import Park

log = logging.getLogger(__name__)

SETTING = "GREENPARK_CHANNELS_FILE"
_OTHERS_READ = 0o004
_HERE = ("127.0.0.1", "localhost", "::1")


def named(settings: Settings) -> tuple[Mapping[str, Target], str]:
    """The channels by name, and where they come from or why there are none; logs the latter."""
    path = settings.channels_file
    if path is None:
        return {}, f"{SETTING} (not set)"
    try:
        return load_channels(path), f"{SETTING} ({path})"
    except ConfigError as exc:
        _tell_once(str(exc))
        return {}, f"{SETTING} ({path}, which has faults)"


@cache
def _tell_once(fault: str) -> None:
    """The file is read again every few seconds."""
    log.warning("no channels but e-mail: %s", fault)


def targets(settings: Settings) -> Mapping[str, Target]:
    """The channels by name."""
    return named(settings)[0]


def users(park: Park) -> Iterator[tuple[str, str, Contact]]:
    """Channel, whose contact (park or key of the enterprise), contact; e-mail too."""
    for owner, contacts in (
        ("park", park.contacts),
        *((e.key, e.contacts) for e in park.enterprises),
    ):
        for contact in contacts:
            for name in contact.channels:
                yield name, owner, contact


def unknown_channels(park: Park, settings: Settings) -> Iterator[Problem]:
    """Contacts whose channels the file does not have."""
    known, source = named(settings)
    for name, owner, contact in users(park):
        if name != EMAIL and name not in known:
            yield Problem(
                "error",
                f"contact {contact.name} ({owner})",
                f"channel {name} is not in {source}: its messages wait",
                f"add {name} to the file, or take it from the contact in park.yaml",
            )


def file_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the channels file itself."""
    path = settings.channels_file
    if path is None:
        return
    try:
        known = load_channels(path)
        mode = path.stat().st_mode
    except ConfigError as exc:
        yield Problem("error", SETTING, str(exc), "correct the file, see docs/channels.md")
        return
    if mode & _OTHERS_READ:
        yield Problem(
            "warning",
            SETTING,
            "it holds secrets and everybody may read it",
            f"chmod o-r {path}",
        )
    for name, target in known.items():
        if isinstance(target, WebhookTarget):
            parts = urlsplit(target.url.get_secret_value())
            if parts.scheme == "http" and parts.hostname not in _HERE:
                yield Problem(
                    "warning",
                    f"channel {name}",
                    "messages travel unencrypted (http)",
                    "use https where the receiver is on another machine",
                )
