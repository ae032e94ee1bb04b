"""A sign of life to a service outside that raises the alarm when it stops coming."""

from __future__ import annotations

import logging
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from models.errors import ConfigError

log = logging.getLogger(__name__)

_TIMEOUT_S = 5.0


class Heartbeat:
    """Calls a URL after each round of the jobs, `<url>/fail` after one with an error.

    That is the convention of Healthchecks and of the services that copy it. The URL is as good
    as a password and is not logged. An empty one does nothing.

    Raises:
        ConfigError: it is not a URL of the web.
    """

    def __init__(self, url: str) -> None:
        if url and not url.startswith(("http://", "https://")):
            raise ConfigError(
                "settings", ["GREENPARK_HEARTBEAT_URL: expected http:// or https:// (not shown)"]
            )
        self._url, self._told = url.rstrip("/"), False

    def beat(self, *, well: bool) -> bool:
        """Tell how the round went; False: nobody took it. Never raises."""
        if not self._url:
            return False
        try:
            asked = Request(self._url if well else f"{self._url}/fail", method="POST")  # noqa: S310
            with urlopen(asked, timeout=_TIMEOUT_S):  # noqa: S310 - http and https only, see settings
                pass
        except (OSError, HTTPException, ValueError) as exc:
            if not self._told:  # once per outage
                reason = exc.code if isinstance(exc, HTTPError) else type(exc).__name__
                log.warning("the heartbeat URL does not take our sign of life: %s", reason)
            self._told = True
            return False
        self._told = False
        return True
