"""Mail headers that arrive letter by letter and cannot be broken out of."""

from __future__ import annotations

import unicodedata
from email.header import Header
from email.policy import EmailPolicy
from email.utils import quote
from typing import Any

_LINE = 76


class MailPolicy(EmailPolicy):
    """SMTP policy that encodes subjects and names as a whole.

    The folding of `email.policy` (Python 3.11) loses or doubles spaces where ASCII meets encoded
    words and can cut a quoted name in two; every other header is left to it.
    """

    def fold(self, name: str, value: Any) -> str:
        """The header line(s) of one field."""
        if name.lower() == "subject":
            return f"{name}: {self._words(str(value), len(name) + 2)}{self.linesep}"
        if name.lower() in ("from", "to"):
            (address,) = value.addresses
            person = self._words(address.display_name, len(name) + 2, quoted=True)
            gap = f"{self.linesep} " if person else ""
            return f"{name}: {person}{gap}<{address.addr_spec}>{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The same as bytes; an address outside ASCII is UTF-8 (SMTPUTF8)."""
        return self.fold(name, value).encode("utf-8")

    def _words(self, text: str, used: int, *, quoted: bool = False) -> str:
        """Plain or quoted where that fits on the line, else encoded words."""
        plain = f'"{quote(text)}"' if quoted and text else text
        if text.isascii() and len(plain) + used <= _LINE and "=?" not in text:
            return plain
        encoded: str = Header(text, "utf-8").encode(maxlinelen=_LINE - used, linesep=self.linesep)
        return encoded


def one_line(text: str) -> str:
    """Text that cannot end a header: control characters become spaces, runs of them one."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join("".join(kept).split())
