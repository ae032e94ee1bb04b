"""Password file of Mosquitto 2: PBKDF2 with SHA-512, one line per user."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping

ITERATIONS = 1000  # as Mosquitto itself; the passwords made here are random, 192 bits
_SALT_BYTES = 64


def new_password() -> str:
    """A random password of 32 characters that needs no quoting."""
    return secrets.token_urlsafe(24)


def hashed(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """The part of a line after the user: `$7$<iterations>$<salt>$<hash>`."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${b64encode(salt).decode()}${b64encode(key).decode()}"


def verify(password: str, stored: str) -> bool:
    """Whether a password belongs to what the file says; False for other kinds of hashes."""
    try:
        nothing, kind, iterations, salt, _ = stored.split("$")
        rounds = int(iterations)
        if nothing or kind != "7" or rounds < 1:
            return False
        expected = hashed(password, b64decode(salt), rounds)
    except ValueError:
        return False
    return hmac.compare_digest(expected, stored)


def parse_passwords(text: str) -> dict[str, str]:
    """User -> hash, of a password file."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {user: stored for user, _, stored in pairs}


def password_text(passwords: Mapping[str, str], before: Mapping[str, str]) -> str:
    """The file for these users; a hash that still fits its password stays as it is."""
    lines = []
    for user, password in passwords.items():
        stored = before.get(user, "")
        if not verify(password, stored):
            stored = hashed(password, secrets.token_bytes(_SALT_BYTES))
        lines.append(f"{user}:{stored}\n")
    return "".join(lines)
