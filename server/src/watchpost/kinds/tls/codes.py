"""The finding codes of a watched certificate: it is not accepted, will not be for long, or has changed."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_CRITICAL, _ERROR = Severity.CRITICAL, Severity.ERROR
_WARNING, _INFO = Severity.WARNING, Severity.INFO

# An explanation outranks a symptom: who has expired and lacks a link besides must be renewed first.
# Dates are the same at the next look, so they need none (settled). A wrong name or a strange issuer may be
# that of the default certificate of a server that is just starting: it is looked at again.
CODES: tuple[Code, ...] = (
    Code("tls.unreachable.dns", _ERROR, "The name does not resolve", rank=70),
    Code("tls.unreachable.connect", _ERROR, "No connection", rank=65),
    Code("tls.unreachable.starttls", _ERROR, "No way to begin TLS", rank=63),
    Code("tls.unreachable.handshake", _ERROR, "The TLS handshake fails", rank=62),
    Code("tls.unreachable.timeout", _ERROR, "No handshake in time", rank=60),
    Code("tls.unreachable.reset", _ERROR, "The connection breaks before TLS is up", rank=60),
    Code("tls.refused_by_guard", _ERROR, "Closed address", rank=75, settled=True),
    Code("tls.address_down", _WARNING, "One of several addresses shows no certificate", rank=50),
    Code("tls.expired", _CRITICAL, "The certificate has expired", rank=69, settled=True),
    Code("tls.not_yet_valid", _ERROR, "The certificate is not valid yet", rank=68),
    Code("tls.self_signed", _ERROR, "The certificate is self-signed", rank=67),
    Code("tls.wrong_name", _ERROR, "The certificate is for another name", rank=66),
    Code("tls.chain.missing_intermediate", _ERROR, "A link of the chain is missing", rank=65),
    Code("tls.chain.expired", _ERROR, "A link of the chain has expired", rank=64, settled=True),
    Code("tls.unknown_root", _ERROR, "The chain ends at an unknown authority", rank=63),
    Code("tls.rejected", _ERROR, "The certificate is not accepted", rank=55),
    Code("tls.revoked", _CRITICAL, "The certificate is revoked", rank=68, settled=True),
    Code("tls.chain.wrong_order", _WARNING, "The chain is in the wrong order", rank=40),
    Code("tls.expires_soon", _WARNING, "The certificate expires soon", rank=45, lasting=True, settled=True),
    Code("tls.path_expires_soon", _WARNING, "An authority expires soon", rank=44, lasting=True, settled=True),
    Code("tls.renewal_overdue", _WARNING, "The renewal is overdue", rank=43, lasting=True, settled=True),
    Code("tls.replace_early", _WARNING, "To be replaced early", rank=47, lasting=True, settled=True),
    Code(
        "tls.differs_between_addresses", _WARNING, "Not the same certificate everywhere", rank=46,
        lasting=True, settled=True,
    ),
    Code("tls.changed_issuer", _WARNING, "Another authority", rank=42, lasting=True),
    Code("tls.changed_key", _WARNING, "Another key", rank=41, lasting=True),
    Code("tls.weak_key", _WARNING, "The key is weak", rank=38, lasting=True),
    Code("tls.weak_signature", _WARNING, "The signature is weak", rank=37, lasting=True),
    Code("tls.old_protocol", _WARNING, "Old versions of TLS", rank=36, lasting=True),
    Code("tls.spare_expires", _INFO, "A needless part of the chain expires", rank=10),
)  # fmt: skip
