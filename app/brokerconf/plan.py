"""From park.yaml and what an earlier run has made to the files of the broker and its users.

What exists and still fits is kept: passwords, authority, certificates, hashes. So a second run
changes nothing, and a new enterprise changes no other.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from app.brokerconf import certificates as pki
from app.brokerconf.acl import acl_text
from app.brokerconf.certificates import Pair
from app.brokerconf.conf import conf_text
from app.brokerconf.files import read_all, write_all
from app.brokerconf.handout import readme
from app.brokerconf.options import FILE, Options, dump, parse
from app.brokerconf.passwords import new_password, parse_passwords, password_text
from app.brokerconf.users import COLLECTOR, User, users_of
from models.errors import ConfigError
from models.park import Park

RENEW = timedelta(days=30)
_RESTART = {"broker/mosquitto.conf"}
_CRL = "broker/crl.pem"


@dataclass
class Plan:
    """What a run would do; `write` does it.

    Attributes:
        files: path below `out` -> content, of everything that should be there.
        before: the same, as it is.
        fresh: users that get a new login, because they had none or by request.
        expiring: users whose certificate ends within 30 days.
    """

    out: Path
    options: Options
    users: list[User]
    before: dict[str, bytes] = field(repr=False)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    fresh: list[str] = field(default_factory=list)
    expiring: list[str] = field(default_factory=list)

    @property
    def changed(self) -> list[str]:
        """Files that are new or differ."""
        return sorted(n for n, text in self.files.items() if self.before.get(n) != text)

    @property
    def gone(self) -> list[str]:
        """Files that are there and should not."""
        return sorted(set(self.before) - set(self.files))

    @property
    def removed(self) -> list[str]:
        """Users that are in no park any more."""
        known = {u.name for u in self.users}
        return sorted(_earlier_users(self.before) - known)

    @property
    def restart(self) -> bool:
        """True when the broker must be restarted; a reload takes the rest."""
        return bool(_RESTART & set(self.changed))

    def write(self) -> None:
        """Make it so.

        Raises:
            ConfigError: a file cannot be written.
        """
        write_all(self.out, self.files, self.gone)


def make_plan(
    out: Path,
    parks: Sequence[Park],
    options: Options | None,
    now: datetime,
    rotate: Sequence[str] = (),
) -> Plan:
    """What the files below `out` should be.

    Args:
        options: None: as in the run before.
        rotate: users, or keys of enterprises, that get a new login.

    Raises:
        ConfigError: parks, options or `rotate` contradict something; `out` is of somebody else.
    """
    before = read_all(out)
    if options is None:
        options = earlier_options(out, before)
    options.check()
    plan = Plan(out, options, users_of(parks), before)
    renew = _rotated(plan.users, rotate)
    authority = _authority(out, before, now)
    plan.files = {
        FILE: dump(options),
        "ca/ca.crt": authority.certificate,
        "ca/ca.key": authority.key,
        "broker/ca.crt": authority.certificate,
        "broker/acl": acl_text(plan.users).encode(),
        "broker/mosquitto.conf": conf_text(options).encode(),
    }
    _put(plan, "broker/server", _server(plan, authority, now))
    _hand_outs(plan, authority)
    if options.certificates:
        _certificates(plan, authority, renew, now)
    else:
        _passwords(plan, renew)
        _revoke(plan, authority, set(), now)
    return plan


def earlier_options(out: Path, before: dict[str, bytes] | None = None) -> Options:
    """The options of the run before, or the defaults."""
    found = (read_all(out) if before is None else before).get(FILE)
    return parse(found, str(out / FILE)) if found else Options()


def _hand_outs(plan: Plan, authority: Pair) -> None:
    for user in plan.users:
        plan.files[f"{user.folder}/ca.crt"] = authority.certificate
        if user.enterprise is not None:
            plan.files[f"{user.folder}/README.md"] = readme(user, plan.options).encode()
        if user.name == COLLECTOR:
            # whoever connects with the id of the collector takes its session, so nobody may know it
            name = f"{user.folder}/client_id"
            made = f"greenpark-collector-{secrets.token_hex(8)}\n".encode()
            plan.files[name] = plan.before.get(name) or made


def _passwords(plan: Plan, renew: set[str]) -> None:
    passwords = {}
    for user in plan.users:
        name = f"{user.folder}/password"
        text = plan.before.get(name, b"").decode().strip()
        if not text or user.name in renew:
            text = new_password()
            plan.fresh.append(user.name)
        plan.files[name] = f"{text}\n".encode()
        passwords[user.name] = text
    before = parse_passwords(plan.before.get("broker/passwords", b"").decode())
    plan.files["broker/passwords"] = password_text(passwords, before).encode()


def _certificates(plan: Plan, authority: Pair, renew: set[str], now: datetime) -> None:
    valid = set()
    for user in plan.users:
        name = f"{user.folder}/client"
        pair = _pair(plan.before, name)
        if pair is None or user.name in renew or not pki.issued_by(pair, authority):
            pair = pki.make_client(authority, user.name, now)
            plan.fresh.append(user.name)
        _put(plan, name, pair)
        valid.add(pair.x509().serial_number)
        if pair.x509().not_valid_after_utc - now < RENEW:
            plan.expiring.append(user.name)
    _revoke(plan, authority, valid, now)


def _revoke(plan: Plan, authority: Pair, valid: set[int], now: datetime) -> None:
    """List every client certificate that was given out and does not count any more."""
    old = plan.before.get(_CRL) if "ca/ca.key" in plan.before else None
    pairs = [_pair(plan.before, n[:-4]) for n in plan.before if n.endswith("/client.crt")]
    given = {p.x509().serial_number for p in pairs if p and pki.issued_by(p, authority)}
    listed = pki.revocations(old)
    wanted = (listed | given) - valid
    if old is not None and wanted == listed:
        plan.files[_CRL] = old
    elif wanted or plan.options.certificates:
        plan.files[_CRL] = pki.revocation_list(authority, wanted, now)


def _authority(out: Path, before: dict[str, bytes], now: datetime) -> Pair:
    """The authority of the run before; a new one only if there is no trace of an earlier one."""
    if "ca/ca.crt" not in before and "ca/ca.key" not in before:
        return pki.make_authority(now)
    pair = _pair(before, "ca/ca")
    if pair is None or not pki.issued_by(pair, pair):
        fault = "ca.crt and ca.key do not belong together; bring back both, or delete both for a "
        raise ConfigError(str(out / "ca"), [f"{fault}new authority (all hand-outs change)"])
    return pair


def _server(plan: Plan, authority: Pair, now: datetime) -> Pair:
    """The server certificate: kept while it fits the names and has time left."""
    pair = _pair(plan.before, "broker/server")
    if pair is not None and pki.issued_by(pair, authority):
        certificate = pair.x509()
        fits = pki.names_in(certificate) == pki.server_names(plan.options.hosts)
        if fits and certificate.not_valid_after_utc - now > RENEW:
            return pair
    return pki.make_server(authority, plan.options.hosts, now)


def _rotated(users: Sequence[User], wanted: Sequence[str]) -> set[str]:
    found, faults = set(), []
    for name in wanted:
        matches = [u.name for u in users if name in (u.name, u.enterprise and u.enterprise.key)]
        if len(matches) == 1:
            found.add(matches[0])
        else:
            known = ", ".join(matches or [u.name for u in users])
            faults.append(f"--rotate {name}: expected one of {known}")
    if faults:
        raise ConfigError("broker-config", faults)
    return found


def _earlier_users(before: dict[str, bytes]) -> set[str]:
    text = before.get("broker/acl", b"").decode()
    return {line.removeprefix("user ") for line in text.splitlines() if line.startswith("user ")}


def _pair(files: dict[str, bytes], name: str) -> Pair | None:
    certificate, key = files.get(f"{name}.crt"), files.get(f"{name}.key")
    return Pair(certificate, key) if certificate and key else None


def _put(plan: Plan, name: str, pair: Pair) -> None:
    plan.files[f"{name}.crt"], plan.files[f"{name}.key"] = pair.certificate, pair.key
