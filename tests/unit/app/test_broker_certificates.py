"""broker-config: certificates of the broker and its users, and what is revoked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.brokerconf import certificates as pki
from app.brokerconf.options import Options
from app.brokerconf.plan import make_plan
from app.brokerconf.users import COLLECTOR
from models.errors import ConfigError
from tests.unit.app.broker_parks import NOW, made, park


def leaf(out: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((out / name).read_bytes())


def extension(certificate: x509.Certificate, kind: Any) -> Any:
    return certificate.extensions.get_extension_for_class(kind).value


def test_certificates_say_what_they_are_for(tmp_path: Path) -> None:
    made(tmp_path, certificates=True, hosts=("mqtt.park.example", "10.0.0.7"))
    authority, server = leaf(tmp_path, "ca/ca.crt"), leaf(tmp_path, "broker/server.crt")
    client = leaf(tmp_path, "enterprises/p.a/client.crt")
    assert extension(authority, x509.BasicConstraints) == x509.BasicConstraints(True, 0)
    assert extension(authority, x509.KeyUsage).key_cert_sign
    for certificate, purpose in (
        (server, ExtendedKeyUsageOID.SERVER_AUTH),
        (client, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        certificate.verify_directly_issued_by(authority)
        assert list(extension(certificate, x509.ExtendedKeyUsage)) == [purpose]
        assert not extension(certificate, x509.BasicConstraints).ca
        assert not extension(certificate, x509.KeyUsage).key_cert_sign
        assert certificate.not_valid_after_utc - NOW == timedelta(days=825)
    assert client.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "p.a"
    names = extension(server, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["mqtt.park.example", "localhost"]
    addresses = [str(a) for a in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["10.0.0.7", "127.0.0.1", "::1"]


def test_what_was_given_out_and_does_not_count_is_revoked(tmp_path: Path) -> None:
    def revoked() -> set[int]:
        return pki.revocations((tmp_path / "broker/crl.pem").read_bytes())

    made(tmp_path, certificates=True)
    assert revoked() == set()
    a, b = (leaf(tmp_path, f"enterprises/p.{k}/client.crt").serial_number for k in "ab")
    made(tmp_path, certificates=True, rotate=("a",))
    assert revoked() == {a}
    only_a = park().model_copy(update={"enterprises": park().enterprises[:1]})
    made(tmp_path, only_a, certificates=True)
    assert revoked() == {a, b}
    newer = leaf(tmp_path, "enterprises/p.a/client.crt").serial_number
    made(tmp_path, only_a)  # passwords for a while: the certificates stay revoked
    made(tmp_path, only_a, certificates=True)
    assert {a, b, newer} <= revoked()
    assert leaf(tmp_path, "enterprises/p.a/client.crt").serial_number not in revoked()


def test_the_server_certificate_follows_names_and_time(tmp_path: Path) -> None:
    made(tmp_path, hosts=("one.example",))
    first = leaf(tmp_path, "broker/server.crt")
    made(tmp_path, hosts=("two.example",))
    second = leaf(tmp_path, "broker/server.crt")
    assert first != second
    options = Options(hosts=("two.example",))
    for days, same in ((794, True), (796, False)):
        plan = make_plan(tmp_path, [park()], options, NOW + timedelta(days=days))
        assert (plan.changed == []) is same, days
    assert plan.changed == ["broker/server.crt", "broker/server.key"]


def test_client_certificates_that_end_soon_are_named(tmp_path: Path) -> None:
    made(tmp_path, certificates=True)
    plan = make_plan(tmp_path, [park()], None, NOW + timedelta(days=800))
    assert plan.expiring == [COLLECTOR, "p.a", "p.b"]


def test_a_new_authority_is_made_on_purpose_only(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "ca/ca.key").unlink()
    with pytest.raises(ConfigError, match="bring back both"):
        made(tmp_path)
    (tmp_path / "ca/ca.crt").unlink()
    plan = made(tmp_path)
    assert {"broker/ca.crt", "broker/server.crt", "enterprises/p.a/ca.crt"} <= set(plan.changed)
    leaf(tmp_path, "broker/server.crt").verify_directly_issued_by(leaf(tmp_path, "ca/ca.crt"))


def test_days_left_of_a_certificate(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / "broker/server.crt"
    assert pki.certificate_days_left(path, NOW) == 825
    assert pki.certificate_days_left(path, NOW + timedelta(days=826)) == -1
