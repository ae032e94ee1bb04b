"""`/ack/<token>`: the page on which the reader of a mail acknowledges its alerts.

A GET changes nothing, so that mail gateways and previews may open the link; the button posts.
The token is the permission: signed, expiring, for these alerts only. It is in no log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs

from alerts.answer import Moment, answer_page, refusal_page, trouble_page
from alerts.headers import one_line
from alerts.links import LinkError, Pass, read_pass
from app.clock import Clock
from models.errors import StorageError
from storage.alerts import AlertFilter, acknowledge, list_alerts
from storage.db import Conn
from storage.parks import applied_parks

log = logging.getLogger(__name__)

_LARGEST_FORM = 8192  # bytes
_LONGEST_NOTE = 500
_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex"),
    ("X-Content-Type-Options", "nosniff"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
]


class AcknowledgePage:
    """WSGI application of the acknowledge links; without a secret every link is refused."""

    def __init__(self, connect: Callable[[], Conn], clock: Clock, secret: str) -> None:
        self._connect, self._clock, self._secret = connect, clock, secret

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer GET, HEAD and POST."""
        status, page = self._answer(environ)
        body = page.encode()
        start(status, [*_HEADERS, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, str]:
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD", "POST"):
            return "405 Method Not Allowed", refusal_page(expired=False)
        try:
            link = self._pass(environ)
        except LinkError as exc:
            status = "410 Gone" if exc.expired else "404 Not Found"
            return status, refusal_page(expired=exc.expired)
        try:
            if method == "POST":
                return "200 OK", self._done(link, _note(environ))
            return "200 OK", self._page(link, "ask")
        except StorageError as exc:
            log.warning("acknowledge page: %s", exc)
            return "503 Service Unavailable", trouble_page()

    def _pass(self, environ: dict[str, Any]) -> Pass:
        if not self._secret:
            raise LinkError(expired=False)
        return read_pass(self._secret, str(environ.get("PATH_INFO", "")).rpartition("/")[2])

    def _done(self, link: Pass, note: str) -> str:
        with closing(self._connect()) as conn, conn.transaction():
            acknowledge(conn, link.alert_ids, link.recipient, self._clock.now(), note)
        log.info("%s acknowledged alerts %s", link.recipient, list(link.alert_ids))
        return self._page(link, "done")

    def _page(self, link: Pass, moment: Moment) -> str:
        asked = AlertFilter(alert_ids=link.alert_ids, include_resolved=True, include_pending=True)
        with closing(self._connect()) as conn:
            parks = {a.park.key: a.park for a in applied_parks(conn)}
            return answer_page(link, list_alerts(conn, asked), parks, moment)


def _note(environ: dict[str, Any]) -> str:
    """The remark of the form; a form that is too large or broken has none."""
    try:
        size = min(int(environ.get("CONTENT_LENGTH") or 0), _LARGEST_FORM)
    except ValueError:
        return ""
    form = parse_qs(environ["wsgi.input"].read(max(size, 0)).decode("utf-8", "replace"))
    return one_line(form.get("note", [""])[0])[:_LONGEST_NOTE]
