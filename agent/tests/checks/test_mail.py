"""The mail check, on real SMTP servers."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from django_watchpost.health.checks.mail import Mail
from django_watchpost.health.contract import Status
from tests import servers
from tests.checks.many import runs_leave_nothing

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Received:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 OK"


def let_in(server, session, envelope, mechanism, auth_data):
    return AuthResult(success=auth_data.password == b"open sesame", handled=False)


@pytest.fixture
def smtp():
    """Starts a server; more options are aiosmtpd's."""
    running = []

    def start(**options):
        handler = Received()
        controller = Controller(handler, hostname="127.0.0.1", port=servers.free_port(), **options)
        controller.start()
        running.append(controller)
        return controller

    yield start
    for one in running:
        one.stop()
        assert not one.handler.mails, "nothing is ever sent"


@pytest.fixture
def mail(settings):
    def set_up(port, **more):
        values = {"BACKEND": SMTP, "HOST": "127.0.0.1", "PORT": port, **more}
        for name, value in values.items():
            setattr(settings, f"EMAIL_{name}", value)

    return set_up


def test_a_server_that_greets(mail, smtp):
    mail(smtp().port)
    result = Mail().run()
    assert (result.status, result.unit) == (Status.OK, "ms")


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def starttls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return {"tls_context": context, "require_starttls": True, "authenticator": let_in, "auth_required": True}


def test_starttls_and_the_login(mail, smtp, starttls, authority, folder, monkeypatch):
    authority.cert_pem.write_to_path(folder / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    port = smtp(**starttls).port
    mail(port, USE_TLS=True, HOST_USER="shop", HOST_PASSWORD="open sesame")
    assert Mail().run().status is Status.OK
    mail(port, USE_TLS=True, HOST_USER="shop", HOST_PASSWORD="abracadabra")
    result = Mail().run()
    assert (result.status, result.code) == (Status.ERROR, "mail.refused"), result
    assert "does not accept the login: 535" in result.message
    assert "abracadabra" not in repr(result)


def test_a_certificate_that_is_not_trusted(mail, smtp, starttls):
    mail(smtp(**starttls).port, USE_TLS=True)
    result = Mail().run()
    assert (result.code, result.message.startswith("The encryption with the mail server")) == (
        "mail.unreachable",
        True,
    )


def test_starttls_that_is_not_offered(mail, smtp):
    mail(smtp().port, USE_TLS=True)
    result = Mail().run()
    assert result.code == "mail.unreachable"
    assert "does not offer what is configured" in result.message


def test_gone_stalled_unknown(mail, silence):
    mail(servers.free_port())
    assert "cannot be reached: ConnectionRefusedError" in Mail().run().message
    mail(silence)
    began = time.monotonic()
    result = Mail(deadline=0.4).run()
    assert time.monotonic() - began < 3
    assert (result.code, "did not answer within 0.4 s" in result.message) == ("mail.unreachable", True)
    mail(25, HOST="mail.invalid")
    assert "is not known" in Mail().run().message


class Refuses(Received):
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        return ["550 5.7.1 your address is on a list"]

    async def handle_HELO(self, server, session, envelope, hostname):
        return "550 5.7.1 your address is on a list"


def test_a_server_that_does_not_want_us(mail):
    controller = Controller(Refuses(), hostname="127.0.0.1", port=servers.free_port())
    controller.start()
    mail(controller.port, HOST_USER="shop", HOST_PASSWORD="open sesame")
    result = Mail().run()
    controller.stop()
    assert result.code == "mail.refused", result
    assert "550 5.7.1 your address is on a list" in result.message


@pytest.mark.parametrize("name", ["console", "locmem", "dummy", "filebased"])
def test_backends_that_send_nothing_are_not_found(settings, name):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{name}.EmailBackend"
    assert not list(Mail.found())


def test_it_is_found_where_somebody_decided(settings):
    assert not list(Mail.found()), "the test run's own backend is locmem"
    settings.EMAIL_BACKEND = SMTP
    found = list(Mail.found())
    assert [(one.id, one.critical) for one in found] == [("mail", False)]


def sessions(port):
    """Connections of this machine to the server that it has not closed, by Linux' table."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    there = f":{port:04X}"
    return sum(line.split()[1].endswith(there) and line.split()[3] == "01" for line in lines)


def test_runs_leave_no_connection(mail, smtp):
    port = smtp().port
    mail(port)
    runs_leave_nothing(Mail(), 200, lambda: sessions(port))
    mail(port, USE_TLS=True)
    runs_leave_nothing(Mail(), 200, lambda: sessions(port), status=Status.ERROR)
