"""alerts channels: which there are, who uses them, and whether one works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from alerts.context import Item, MailContext
from app.channels import named, users
from app.clock import wall_now
from app.commands.options import FormatOption, ParkOption
from app.jobs.pipeline import transport
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, console, database, one_park
from models.contacts import Language
from models.delivery import EMAIL, Target, WebhookTarget
from models.errors import ConfigError
from models.park import Park
from storage.outbox import ClaimedMail


def channels(
    test: Annotated[
        str | None, typer.Option(help="send a test message to this channel of the file")
    ] = None,
    language: Annotated[Language, typer.Option(help="of the test")] = "zh-CN",
    park: ParkOption = None,
    form: FormatOption = Format.table,
) -> None:
    """List the channels with the contacts who use them, or try one. Exit 1 if a test fails.

    Examples: greenpark alerts channels --- greenpark alerts channels --test night-shift
    """
    config = settings()
    with database() as connect, connect() as conn:
        applied = one_park(conn, park).park
    found, source = named(config)
    if test is None:
        columns = ("channel", "kind", "host", "contacts")
        show(_rows(applied, found), columns, form, "no channels")
        return
    if test not in found:
        known = ", ".join(found) or "none"
        raise ConfigError("--test", [f"no channel {test!r} in {source}; expected one of: {known}"])
    console.print(f"sending a test message to {test} ({found[test].kind})", highlight=False)
    message = _message(applied, test, language, clock_of(config).now())
    with transport(config) as channel:
        channel.deliver(message)
    console.print(f"{test}: taken", highlight=False)


def _rows(park: Park, found: Mapping[str, Target]) -> list[dict[str, Any]]:
    contacts: dict[str, list[str]] = defaultdict(list)
    for name, owner, contact in users(park):
        contacts[name].append(f"{contact.name} ({owner})")
    rows = []
    for name in (EMAIL, *found, *(n for n in contacts if n != EMAIL and n not in found)):
        target = found.get(name)
        kind = EMAIL if name == EMAIL else target.kind if target else "not in the file"
        host = target.host if isinstance(target, WebhookTarget) else ""
        told = ", ".join(contacts.get(name, ()))
        rows.append({"channel": name, "kind": kind, "host": host, "contacts": told})
    return rows


def _message(park: Park, channel: str, language: str, now: datetime) -> ClaimedMail:
    """A message as the outbox has them, about an alert that there is not."""
    facts = MailContext(
        kind="opened",
        park=park.name,
        park_key=park.key,
        timezone=park.timezone,
        simulated=park.simulated,
        reason="park_contact",
        items=(
            Item(
                alert_id=0,
                rule="channel_test",
                severity="info",
                change="opened",
                evidence={},
                opened_at=now,
            ),
        ),
        total=1,
    )
    sent_at = wall_now()
    return ClaimedMail(
        outbox_id=0,
        channel="webhook",
        kind="opened",
        recipient=channel,
        recipient_name=channel,
        language=language,
        message_id=f"<test.{int(sent_at.timestamp() * 1000)}@{park.key}.greenpark>",
        context=facts.model_dump(mode="json"),
        created_at=sent_at,
        attempts=1,
    )
