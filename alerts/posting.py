"""One POST of JSON: what the answer means, and no secret in any error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote
from urllib.request import HTTPRedirectHandler, Request, build_opener

from models.errors import NotifyError

TIMEOUT_S = 10.0
_LATER = (408, 425, 429)
_LONGEST_WAIT_S = 3600
_MOST_ANSWER = 65_536
_MOST_SHOWN = 200
_SHORTEST_SECRET = 4


class NoAnswer(NotifyError):
    """Nobody took the message and trying the next one now would only cost another timeout."""

    def __init__(self, channel: str, cause: str) -> None:
        super().__init__(channel, cause, permanent=False)


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would take a signed message to where nobody wanted it."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """None: the answer is an error."""


@dataclass(frozen=True)
class Place:
    """Where a message goes.

    Attributes:
        channel: the name by which errors call it.
        secrets: what must not be repeated in errors.
        keeps_trying: nothing is refused for good, people correct its settings.
    """

    channel: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    keeps_trying: bool = False


def post(place: Place, body: bytes, headers: Mapping[str, str]) -> bytes:
    """POST JSON; returns the beginning of the answer, which is one of success (2xx).

    Raises:
        NotifyError: retryable for 408, 425, 429, 5xx, redirects and no answer; permanent for
            other 4xx.
    """
    asked = Request(  # noqa: S310 - http and https only, see models.delivery
        place.url, body, {"Content-Type": "application/json", "User-Agent": "greenpark", **headers}
    )
    try:
        with build_opener(_NoRedirects).open(asked, timeout=TIMEOUT_S) as answer:
            found: bytes = answer.read(_MOST_ANSWER)
            return found
    except HTTPError as exc:
        raise _refused(place, exc) from None
    except (OSError, HTTPException, ValueError) as exc:
        reason = exc.reason if isinstance(exc, URLError) else exc
        text = redact(f"{type(reason).__name__}: {reason}", place.secrets)
        raise NoAnswer(place.channel, text) from None


def _refused(place: Place, exc: HTTPError) -> NotifyError:
    with exc:
        try:
            said = exc.read(_MOST_ANSWER).decode("utf-8", "replace")
        except (OSError, HTTPException):
            said = ""
    said = " ".join(redact(said, place.secrets).split())[:_MOST_SHOWN]
    if 300 <= exc.code < 400:
        said = "redirects are not followed: correct its URL"
    lasting = 400 <= exc.code < 500 and exc.code not in _LATER and not place.keeps_trying
    cause = f"the receiver says {exc.code} {said}".strip()
    error = NotifyError(place.channel, cause, permanent=lasting)
    wait = exc.headers.get("Retry-After", "").strip()
    if wait.isascii() and wait.isdigit():
        error.retry_after_s = min(int(wait[:9]), _LONGEST_WAIT_S)
    return error


def encode(document: Any) -> bytes:
    """A document as compact JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def pieces(url: str) -> list[str]:
    """Everything of a URL behind its scheme that can be a secret, as it stands and decoded."""
    rest = url.partition("://")[2]
    found = {url, rest, *re.split(r"[/:@?&=#]+", rest)}
    return sorted(found | {unquote(piece) for piece in found})


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with stars in place of secrets, the longest first."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text
