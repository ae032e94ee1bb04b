"""SMTP conversations: security, login, and what each kind of trouble means for the message."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from models.errors import NotifyError
from tests import services
from tests.integration.mails import Sink
from tests.unit.alerts import samples

TO = "zhang@shengtai.example"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink(tmp_path / "mails") as made:
        yield made


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Server side of a certificate for 127.0.0.1 that this process trusts."""
    if shutil.which("openssl") is None:
        services.missing("openssl, to make a test certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(key),
            "-out",
            str(cert),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def trouble(sink: Sink, **server: Any) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        sink.channel(**server).deliver(samples.claimed())
    return caught.value


def test_plain_delivery_names_the_file_after_time_and_recipient(sink: Sink) -> None:
    sink.channel().deliver(samples.claimed())
    (path,) = sink.folder.iterdir()
    stamp, clock, number, rest = path.name.split("-", 3)
    assert (len(stamp), len(clock), number, rest) == (8, 6, "1", f"{TO}.eml")


def test_starttls_with_login(tmp_path: Path, tls: ssl.SSLContext) -> None:
    def check(_s: Any, _session: Any, _e: Any, _mechanism: Any, given: Any) -> AuthResult:
        return AuthResult(success=given.password == b"secret", handled=False)

    with Sink(
        tmp_path / "m",
        tls_context=tls,
        require_starttls=True,
        authenticator=check,
        auth_required=True,
    ) as sink:
        login = {"security": "starttls", "username": "park"}
        sink.channel(**login, password="secret").deliver(samples.claimed())
        assert len(sink.mails()) == 1
        wrong = trouble(sink, **login, password="wrong")
        assert wrong.retryable
        assert "535" in str(wrong)
        assert "wrong" not in repr(sink.channel(**login, password="wrong"))
        assert trouble(sink, security="starttls").retryable  # 530: login first


def test_tls_from_the_first_byte(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with Sink(tmp_path / "m", ssl_context=tls) as sink:
        sink.channel(security="tls").deliver(samples.claimed())
        assert len(sink.mails()) == 1


@pytest.mark.parametrize(
    ("security", "served"), [("starttls", "tls_context"), ("tls", "ssl_context")]
)
def test_unknown_certificate_is_not_trusted(
    tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, security: str, served: str
) -> None:
    with Sink(tmp_path / "m", **{served: tls}) as sink:
        monkeypatch.delenv("SSL_CERT_FILE")
        refused = trouble(sink, security=security)
        assert refused.retryable
        assert "CERTIFICATE_VERIFY_FAILED" in str(refused)
        assert sink.mails() == []


def test_starttls_is_never_skipped(sink: Sink) -> None:
    assert trouble(sink, security="starttls").retryable
    assert sink.mails() == []


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ("550 no such user", True),
        ("553 bad mailbox", True),
        ("450 mailbox busy", False),
        ("530 login first", False),
    ],
)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_refusal(sink: Sink, stage: str, answer: str, permanent: bool) -> None:
    async def refuse(*_: Any) -> str:
        return answer

    setattr(sink, f"handle_{stage}", refuse)
    refused = trouble(sink)
    assert refused.permanent is permanent
    assert answer in str(refused)
    assert TO in str(refused)


def test_connection_lost_in_the_middle_is_retried(sink: Sink) -> None:
    async def cut(server: Any, *_: Any) -> str:
        server.transport.abort()
        return "250 OK"

    sink.handle_DATA = cut  # type: ignore[method-assign, assignment]
    assert trouble(sink).retryable


def test_bad_farewell_after_delivery_is_no_failure(sink: Sink) -> None:
    async def rude(server: Any, *_: Any) -> str:
        server.transport.abort()
        return "421 gone"

    sink.handle_QUIT = rude  # type: ignore[attr-defined]
    sink.channel().deliver(samples.claimed())
    assert len(sink.mails()) == 1


def test_domain_outside_ascii_needs_smtputf8(tmp_path: Path) -> None:
    mail = samples.claimed(contact=samples.ZHANG | {"email": "zhang@盛泰.example"})
    with Sink(tmp_path / "utf8", enable_SMTPUTF8=True) as modern:
        modern.channel().deliver(mail)
        assert "<zhang@盛泰.example>" in next(modern.folder.iterdir()).read_text(encoding="utf-8")
    with Sink(tmp_path / "ascii", enable_SMTPUTF8=False) as old, pytest.raises(NotifyError) as no:
        old.channel().deliver(mail)
    assert no.value.permanent


def test_recipient_cannot_steer_the_file_name(sink: Sink) -> None:
    sink._store("../../etc/x\n@evil", b"x")
    (path,) = sink.folder.iterdir()
    assert path.name.endswith("-1-.._.._etc_x_@evil.eml")


def test_one_session_serves_many_mails_and_survives_its_end(sink: Sink) -> None:
    with sink.channel() as channel:
        channel.deliver(samples.claimed())
        first = channel._open
        assert first is not None
        for _ in range(4):
            channel.deliver(samples.claimed())
        assert channel._open is first
        first.quit()  # gone, as when a server ends an idle session
        channel.deliver(samples.claimed())
        assert channel._open not in (first, None)
        sink.refuses[TO] = "550 no such user"
        with pytest.raises(NotifyError, match="550 no such user"):
            channel.deliver(samples.claimed())
        assert channel._open is None
        sink.refuses.clear()
        channel.deliver(samples.claimed())
    assert channel._open is None
    assert len(sink.mails()) == 7
    channel.deliver(samples.claimed())  # without `with` each has a session of its own
    assert channel._open is None
    assert len(sink.mails()) == 8
