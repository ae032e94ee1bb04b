"""Links of a message: the dashboard at its time range, and the signed link that acknowledges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

_PURPOSE = "greenpark.acknowledge"
LINK_DAYS = 14


@dataclass(frozen=True)
class Links:
    """Where the links of messages lead.

    Attributes:
        grafana_url: base of the dashboards.
        web_url: base of the program's own pages as readers reach it; empty: no acknowledge links.
        secret: signs the acknowledge links; empty: there are none.
    """

    grafana_url: str
    web_url: str = ""
    secret: str = field(default="", repr=False)

    def dashboard(self, uid: str, query: Mapping[str, str] | None = None) -> str:
        """A dashboard, with `from`, `to` and `var-...` of the query."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.grafana_url.rstrip('/')}/d/{quote(uid)}{asked}"

    def acknowledge(self, alert_ids: Sequence[int], recipient: str, language: str) -> str:
        """Page on which a recipient acknowledges these alerts; empty: links are not set up."""
        if not (self.web_url and self.secret and alert_ids):
            return ""
        token = _signer(self.secret).dumps([sorted(set(alert_ids)), recipient, language])
        return f"{self.web_url.rstrip('/')}/ack/{token}"


@dataclass(frozen=True)
class Pass:
    """What a link allows: this recipient, who reads this language, acknowledges these alerts."""

    alert_ids: tuple[int, ...]
    recipient: str
    language: str


class LinkError(ValueError):
    """A link that is not ours or no longer valid; `expired` tells which."""

    def __init__(self, *, expired: bool) -> None:
        self.expired = expired
        super().__init__("the link has expired" if expired else "the link is not a valid one")


def read_pass(secret: str, token: str) -> Pass:
    """What the token of an acknowledge link allows.

    Raises:
        LinkError: tampered with, made for something else, or older than 14 days.
    """
    try:
        alert_ids, to, language = _signer(secret).loads(token, max_age=LINK_DAYS * 86_400)
        return Pass(tuple(int(a) for a in alert_ids), str(to), str(language))
    except SignatureExpired as exc:
        raise LinkError(expired=True) from exc
    except (BadSignature, TypeError, ValueError) as exc:
        raise LinkError(expired=False) from exc


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt=_PURPOSE)
