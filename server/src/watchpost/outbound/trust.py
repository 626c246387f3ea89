"""What a handshake trusts: the system's certificate authorities, or those of a PEM text."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache

_TRUSTED_FIRST = 0x8000
# The clock is an argument of whoever judges; OpenSSL would read the machine's.
_NO_CHECK_TIME = 0x200000
# An intermediate, or the server's own certificate, given as the authority is enough.
_PARTIAL_CHAIN = 0x80000


@dataclass(frozen=True, eq=False)
class Store:
    """A trust store. There is one object per set of authorities, so it may be a key of caches."""

    context: ssl.SSLContext

    @cached_property
    def roots(self) -> tuple[bytes, ...]:
        """Its certificates, DER."""
        return tuple(self.context.get_ca_certs(binary_form=True))

    @cached_property
    def ciphers(self) -> dict[int, str]:
        """The names of the cipher suites it offers, by their number on the wire."""
        return {found["id"] & 0xFFFF: found["name"] for found in self.context.get_ciphers()}


@lru_cache(maxsize=256)
def store_of(ca_pem: str = "") -> Store:
    """The store of ``ca_pem``, "" for the system's. Raises ssl.SSLError for text that is no certificate.

    One context per store: it keeps no sessions, so no handshake resumes another's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # as browsers do: names are the SAN's (RFC 9525, 6.3)
    # Spelled out: Python 3.13 turns on stricter ones by itself; verdicts must not hang on the interpreter.
    flags = _TRUSTED_FIRST | _NO_CHECK_TIME | (_PARTIAL_CHAIN if ca_pem else 0)
    context.verify_flags = ssl.VerifyFlags(flags)
    context.options |= ssl.OP_NO_TICKET
    # To see the weak and the old is to name it: refused, they would be nameless handshake errors.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    else:
        context.load_default_certs()
    return Store(context)


@lru_cache(maxsize=1)
def unchecked_store() -> Store:
    """Takes whatever is shown: for whoever asked not to check it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return Store(context)


@lru_cache(maxsize=8)
def only_store(version: str) -> Store:
    """Offers one version (``TLSv1``, ``TLSv1.1``, ``TLSv1.2``, ``TLSv1.3``) and takes whatever is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that these are old is what is asked about
        wanted = ssl.TLSVersion[version.replace(".", "_")]
        context.maximum_version = wanted
        context.minimum_version = wanted
    return Store(context)
