"""A private certificate authority for the broker and its clients (EC P-256)."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from models.errors import ConfigError

CA_LIFE = timedelta(days=3652)
LEAF_LIFE = timedelta(days=825)
_SLOW_CLOCKS = timedelta(days=1)
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM; the key never appears in `repr`."""

    certificate: bytes
    key: bytes = field(repr=False)

    def x509(self) -> x509.Certificate:
        """The certificate, decoded."""
        return x509.load_pem_x509_certificate(self.certificate)

    def private(self) -> Key:
        """The key, decoded."""
        key = serialization.load_pem_private_key(self.key, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"key of {type(key).__name__}, expected elliptic curve")
        return key


def make_authority(now: datetime) -> Pair:
    """A new authority; a part of its name is random, so that two can be told apart."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"greenpark MQTT CA {secrets.token_hex(4)}")
    builder = (
        _builder(name, name, key.public_key(), now, now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def make_server(authority: Pair, hosts: Sequence[str], now: datetime) -> Pair:
    """A certificate of the broker for its names and addresses, and loopback."""
    names = x509.SubjectAlternativeName([_general(h) for h in server_names(hosts)])
    title = hosts[0][:64] if hosts else LOOPBACK[0]
    return _leaf(authority, title, ExtendedKeyUsageOID.SERVER_AUTH, now, names)


def make_client(authority: Pair, user: str, now: datetime) -> Pair:
    """A certificate that is the login of a user: its common name is the user name."""
    return _leaf(authority, user, ExtendedKeyUsageOID.CLIENT_AUTH, now)


def server_names(hosts: Iterable[str]) -> list[str]:
    """Names and addresses of the server certificate, loopback included."""
    return list(dict.fromkeys([*hosts, *LOOPBACK]))


def names_in(certificate: x509.Certificate) -> list[str]:
    """Names and addresses that a server certificate is good for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(n.value) for n in names]


def issued_by(pair: Pair, authority: Pair) -> bool:
    """Whether this authority has signed the certificate, and the key belongs to it."""
    try:
        certificate = pair.x509()
        certificate.verify_directly_issued_by(authority.x509())
    except (ValueError, TypeError, InvalidSignature):
        return False
    return certificate.public_key() == pair.private().public_key()


def revocations(text: bytes | None) -> set[int]:
    """Serial numbers in a revocation list.

    Raises:
        ConfigError: the list was damaged.
    """
    try:
        return {r.serial_number for r in x509.load_pem_x509_crl(text)} if text else set()
    except ValueError as exc:
        raise ConfigError("crl.pem", [f"is damaged: {exc}; bring it back from a backup"]) from exc


def revocation_list(authority: Pair, serials: Iterable[int], now: datetime) -> bytes:
    """A revocation list that is good for the life of the authority; nobody has to renew it."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.x509().subject)
        .last_update(now - _SLOW_CLOCKS)
        .next_update(authority.x509().not_valid_after_utc)
    )
    for serial in sorted(serials):
        entry = x509.RevokedCertificateBuilder(serial, now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.private(), hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM
    )


def certificate_days_left(path: Path, now: datetime) -> float:
    """Days until the first certificate of a PEM file expires; negative: it has.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no certificate.
    """
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return (certificate.not_valid_after_utc - now) / timedelta(days=1)


def _leaf(
    authority: Pair,
    common_name: str,
    purpose: x509.ObjectIdentifier,
    now: datetime,
    names: x509.SubjectAlternativeName | None = None,
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.x509()
    until = min(now + LEAF_LIFE, issuer.not_valid_after_utc)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name(common_name), issuer.subject, key.public_key(), now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return Pair(_pem(builder.sign(authority.private(), hashes.SHA256())), _key_pem(key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _SLOW_CLOCKS)
        .not_valid_after(until.astimezone(UTC))
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
