"""The mail server: it greets, encrypts and lets us in. Nothing is sent."""

from __future__ import annotations

import smtplib
import socket
import ssl
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.utils.module_loading import import_string

from django_watchpost.health.contract import Check, Result, error, ok
from django_watchpost.health.probing.causes import chain, first_line
from django_watchpost.health.probing.connect import since_ms

_SETTINGS = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER")


@dataclass(kw_only=True)
class Mail(Check):
    """Connects as Django does when it sends: greeting, STARTTLS or TLS, and login where they are configured.

    ``deadline``: seconds for each answer of the server.
    """

    id: str = "mail"
    critical: bool = False
    interval: float = 120.0
    timeout: float = 15.0
    deadline: float = 4.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        """Where mail goes out by SMTP, and somebody said where: Django's default is no decision."""
        if _is_set() and issubclass(_backend(), EmailBackend):
            yield cls()

    def run(self) -> Result:
        connection: Any = _mailer()
        given = connection.timeout
        connection.timeout = min(given, self.deadline) if given else self.deadline
        place, began = f"{connection.host}:{connection.port}", perf_counter()
        try:
            connection.open()
            took_ms = since_ms(began)
        except smtplib.SMTPResponseException as problem:
            return self._refused(problem, place)
        except Exception as problem:  # noqa: BLE001
            return self._unreachable(problem, place)
        finally:
            _close(connection)
        return ok(observed=took_ms, unit="ms")

    def _refused(self, problem: smtplib.SMTPResponseException, place: str) -> Result:
        said = problem.smtp_error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        words = " ".join(words.split())
        is_login = isinstance(problem, smtplib.SMTPAuthenticationError)
        what = "does not accept the login" if is_login else "refuses this machine"
        return error(
            f"The mail server {place} {what}: {problem.smtp_code} {words}",
            code="mail.refused",
            fix="Compare EMAIL_HOST_USER and EMAIL_HOST_PASSWORD; many providers want a password for "
            "applications."
            if is_login
            else "Its operator must let this machine send; ask for this machine's address to be admitted.",
        )

    def _unreachable(self, problem: Exception, place: str) -> Result:
        said, fix = f"{type(problem).__name__}: {first_line(problem)}", _REACH
        if any(isinstance(one, TimeoutError) for one in chain(problem)) or "timed out" in said:
            words = f"The mail server {place} did not answer within {self.deadline:g} s."
        elif isinstance(problem, smtplib.SMTPNotSupportedError):
            words, fix = f"The mail server {place} does not offer what is configured: {said}", _TLS
        elif isinstance(problem, ssl.SSLError):
            words, fix = f"The encryption with the mail server {place} fails: {said}", _TLS
        elif isinstance(problem, socket.gaierror):
            words = f"The host name of the mail server {place} is not known: {said}"
        else:
            words = f"The mail server {place} cannot be reached: {said}"
        return error(words, code="mail.unreachable", fix=fix)


def _close(connection: Any) -> None:
    """Also one that came no further than to the login, which Django keeps for the next attempt."""
    partial = getattr(connection, "_partial_connection", None)
    with suppress(Exception):
        connection.close()
    if partial is not None:
        with suppress(Exception):
            partial.close()


def _mailers() -> dict[str, Any] | None:
    """Django's way from 6.1 on; the older settings are not read beside it."""
    found: dict[str, Any] | None = getattr(settings, "MAILERS", None)
    return found


def _is_set() -> bool:
    if (mailers := _mailers()) is not None:
        return "default" in mailers
    return any(settings.is_overridden(name) for name in _SETTINGS)  # type: ignore[misc]


def _backend() -> type[Any]:
    if (mailers := _mailers()) is not None:
        path = mailers["default"].get("BACKEND", f"{EmailBackend.__module__}.EmailBackend")
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the project hears of settings to come from Django itself
            path = settings.EMAIL_BACKEND
    found: type[Any] = import_string(path)
    return found


def _mailer() -> Any:
    """As Django builds the one that it sends with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if (mailers := _mailers()) is None:
            return _backend()()
        return _backend()(alias="default", **mailers["default"].get("OPTIONS", {}))


_REACH = (
    "Compare EMAIL_HOST and EMAIL_PORT, and try the port from this machine: many hosters block 25; 587 with "
    "EMAIL_USE_TLS or 465 with EMAIL_USE_SSL go through."
)
_TLS = (
    "EMAIL_USE_TLS (STARTTLS) goes with port 587, EMAIL_USE_SSL with 465; the certificate must be valid for "
    "EMAIL_HOST. A server without a login wants EMAIL_HOST_USER empty."
)
