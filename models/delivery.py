"""Channels beside e-mail: the file that says where they lead; its secrets stay out of park.yaml."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, RootModel, SecretStr, ValidationError, field_validator

from models.document import Model
from models.errors import ConfigError
from models.sources import Key

Kind = Literal["webhook", "chat"]
EMAIL = "email"
"""The channel that needs no entry."""

_MAKE_ONE = 'echo "whsec_$(openssl rand -base64 32)"'
_KEY_BYTES = range(24, 65)  # Standard Webhooks 1.0: 24 to 64 bytes


class WebhookTarget(Model):
    """A program that gets each message as signed JSON."""

    kind: Literal["webhook"]
    url: SecretStr
    secret: SecretStr

    @field_validator("url")
    @classmethod
    def _of_the_web(cls, url: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(url.get_secret_value())
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if not good or not url.get_secret_value().isascii():
            msg = "expected http:// or https:// with a host, in ASCII"
            raise ValueError(msg)
        if parts.username is not None:
            msg = "expected no user before the host: the receiver checks the signature"
            raise ValueError(msg)
        return url

    @field_validator("secret")
    @classmethod
    def _standard(cls, secret: SecretStr) -> SecretStr:
        try:
            good = len(_key(secret)) in _KEY_BYTES
        except binascii.Error:
            good = False
        if not good or not secret.get_secret_value().startswith("whsec_"):
            msg = f"expected whsec_ and 24 to 64 bytes in base64; make one: {_MAKE_ONE}"
            raise ValueError(msg)
        return secret

    @property
    def key(self) -> bytes:
        """The key of the signatures."""
        return _key(self.secret)

    @property
    def host(self) -> str:
        """The part of the URL that may be shown."""
        return urlsplit(self.url.get_secret_value()).netloc


class ChatTarget(Model):
    """A chat room: the robot's address, or any URL that apprise knows."""

    kind: Literal["chat"]
    url: SecretStr

    @field_validator("url")
    @classmethod
    def _with_a_scheme(cls, url: SecretStr) -> SecretStr:
        scheme, found, rest = url.get_secret_value().partition("://")
        if not (scheme and found and rest):
            msg = "expected a robot's address or an apprise URL, such as dingtalk://TOKEN"
            raise ValueError(msg)
        return url


Target = WebhookTarget | ChatTarget


class _File(RootModel[dict[Key, Annotated[Target, Field(discriminator="kind")]]]):
    """The document: channels by name."""


def parse_channels(document: Any, source: str) -> Mapping[str, Target]:
    """Validate a decoded channels file. What was given is never repeated: it may be a secret.

    Raises:
        ConfigError: with every fault and the place of each.
    """
    try:
        targets = _File.model_validate({} if document is None else document).root
    except ValidationError as exc:
        faults = [f"{_place(e['loc'])}: {e['msg']}" for e in exc.errors(include_input=False)]
        raise ConfigError(source, faults) from None
    if EMAIL in targets:
        raise ConfigError(source, [f"{EMAIL}: is built in; take another name"])
    return targets


def load_channels(path: Path) -> Mapping[str, Target]:
    """Read and validate the channels file.

    Raises:
        ConfigError: the file is missing, is not YAML or has faults.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except UnicodeDecodeError:
        raise ConfigError(str(path), ["is not UTF-8"]) from None
    except yaml.YAMLError as exc:  # its text quotes the line, which may hold a secret
        mark = getattr(exc, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise ConfigError(str(path), [f"is not valid YAML{place}"]) from None
    return parse_channels(document, str(path))


def _key(secret: SecretStr) -> bytes:
    return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)


def _place(loc: tuple[int | str, ...]) -> str:
    """`name.field`; the discriminator that pydantic puts in between says nothing to people."""
    parts = [str(part) for part in loc if part != "[key]"]
    return ".".join((*parts[:1], *parts[2:])) if len(parts) > 2 else ".".join(parts) or "channels"
