"""What an authority's list of revoked certificates says of one of them (RFC 5280, 4.2.1.13, 5 and 6.3). Pure.

Only a list that counts may say anything: signed by the issuer in the verified path, for this kind of
certificate, and current. All else is "unknown", with a reason in words, and never an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from watchpost.kinds.tls.chain import Cert, day

MOST_BYTES = 10 * 1024 * 1024
_MOST_URLS = 2
_SHORT_LIVED = timedelta(days=7)  # needs no pointer (Baseline Requirements, 7.1.2.11.2)
_SLACK = timedelta(minutes=10)
_UNREADABLE = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType)
_UNDERSTOOD = (
    x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier, x509.CRLNumber, x509.FreshestCRL,
)  # fmt: skip
_REASONS = {
    x509.ReasonFlags.key_compromise: "its private key is no longer secret",
    x509.ReasonFlags.ca_compromise: "the key of the authority is no longer secret",
    x509.ReasonFlags.affiliation_changed: "whom it names has changed",
    x509.ReasonFlags.superseded: "it was replaced by another one",
    x509.ReasonFlags.cessation_of_operation: "its owner said it is no longer used",
    x509.ReasonFlags.certificate_hold: "it is on hold",
    x509.ReasonFlags.privilege_withdrawn: "the authority took it back",
    x509.ReasonFlags.aa_compromise: "a key of the authority is no longer secret",
}


def where(one: Cert) -> tuple[tuple[str, ...], str]:
    """The http addresses of its list; none: a state (``none``: there is none to expect) or why, in words."""
    try:
        points = one.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        short = one.not_valid_after_utc - one.not_valid_before_utc <= _SHORT_LIVED
        return (), "none: it is too short-lived for a list" if short else "none: it names no list"
    usable = [point for point in points if not point.crl_issuer and not point.reasons]
    urls = dict.fromkeys(url for point in usable for url in _uris(point.full_name))
    found = tuple(url for url in urls if url.lower().startswith(("http://", "https://")))
    if found:
        return found[:_MOST_URLS], ""
    if urls:
        return (), f"its list is only to be had by {next(iter(urls)).partition(':')[0][:20]}"
    return (), "its list is kept by another authority or in parts by reason, which is not read here"


def _uris(names: Any) -> Iterator[str]:
    yield from (str(n.value) for n in names or () if isinstance(n, x509.UniformResourceIdentifier))


def read(body: bytes, one: Cert, issuer: Cert, now: datetime) -> dict[str, str]:
    """``state`` good | revoked | unknown; with ``at`` and ``reason``, or ``why``. Slow for large lists."""
    try:
        pem = body.lstrip()[:11] == b"-----BEGIN "
        found = x509.load_pem_x509_crl(body) if pem else x509.load_der_x509_crl(body)
        why = _why_not(found, one, issuer, now)
        return _unknown(why) if why else _look_up(found, one, now)
    except _UNREADABLE:
        return _unknown("its list cannot be read")


def _why_not(found: x509.CertificateRevocationList, one: Cert, issuer: Cert, now: datetime) -> str:
    """Why the list says nothing of this certificate; "" if it does."""
    if found.issuer != one.issuer or not found.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
        return "its list is not signed by its issuer"
    if not _may_sign(issuer):
        return "its issuer may not sign lists"
    for extension in found.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return "its list holds only what has changed"
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            return "its list makes demands that are not understood here"
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            why = _not_for(extension.value, one)
            if why:
                return why
    if found.last_update_utc > now + _SLACK:
        return f"its list is of the future ({day(found.last_update_utc)})"
    return ""


def _not_for(scope: x509.IssuingDistributionPoint, one: Cert) -> str:
    """A list may be one of many parts: the part must be that of this certificate (RFC 5280, 6.3.3 b)."""
    if scope.indirect_crl:
        return "its list is kept for several authorities, which is not read here"
    if scope.only_some_reasons or scope.only_contains_attribute_certs or scope.relative_name:
        return "its list is one of several by reason or kind, which is not read here"
    authority = _is_authority(one)
    if (scope.only_contains_user_certs and authority) or (scope.only_contains_ca_certs and not authority):
        return "its list is one of other certificates"
    if scope.full_name:
        points = one.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        own = {url for point in points for url in _uris(point.full_name)}
        if own.isdisjoint(_uris(scope.full_name)):
            return "its list is another part than the one it names"
    return ""


def _is_authority(one: Cert) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign(issuer: Cert) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _look_up(found: x509.CertificateRevocationList, one: Cert, now: datetime) -> dict[str, str]:
    entry = found.get_revoked_certificate_by_serial_number(one.serial_number)
    reason = None
    if entry is not None:
        try:
            reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            reason = None
    if entry is not None and reason is not x509.ReasonFlags.remove_from_crl:
        # Also in a list that is out of date: what is revoked stays so.
        at = entry.revocation_date_utc.isoformat()
        said = _REASONS.get(reason, "no reason is given") if reason else "no reason is given"
        return {"state": "revoked", "at": at, "reason": said}
    until = found.next_update_utc
    if until is None or until < now:
        return _unknown(
            f"its list has been out of date since {day(until)}" if until else "its list has no end"
        )
    return {"state": "good", "of": found.last_update_utc.isoformat()}


def _unknown(why: str) -> dict[str, str]:
    return {"state": "unknown", "why": why}
