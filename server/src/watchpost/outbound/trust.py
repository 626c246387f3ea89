"""What a handshake trusts: the system's certificate authorities, or those of a PEM text."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from time import monotonic

_TRUSTED_FIRST = 0x8000
# The clock is an argument of whoever judges; OpenSSL would read the machine's.
_NO_CHECK_TIME = 0x200000
# An intermediate, or the server's own certificate, given as the authority is enough.
_PARTIAL_CHAIN = 0x80000


CIPHERS = "DEFAULT:@SECLEVEL=0"
_MOST_NAMES = 10_000
_MOST_CHAINS_EACH = 8  # of one name: what stands behind a balancer
_SHY_S = 86_400.0

Chain = tuple[bytes, ...]


class Accepted:
    """Chains that OpenSSL was seen to accept, by the name they were asked for with. Bounded.

    Time is left out of its opinion, so that hangs on nothing but chain, name and trust store: what was
    accepted once is accepted. Chains are kept as digests, for a server may send 100 kB.
    """

    def __init__(
        self, most_names: int = _MOST_NAMES, most_each: int = _MOST_CHAINS_EACH, shy_s: float = _SHY_S
    ) -> None:
        self._most_names, self._most_each, self._shy_s = most_names, most_each, shy_s
        self._of: dict[str, dict[bytes, None]] = {}
        self._shunned: dict[str, float] = {}

    def knows(self, name: str) -> bool:
        """Whether any chain was accepted for this name, and it is not shunned."""
        return name in self._of and self._shunned.get(name, 0.0) <= monotonic()

    def shun(self, name: str) -> None:
        """It is as if nothing were known of this name, for a day."""
        self._shunned.pop(name, None)
        while len(self._shunned) >= self._most_names:
            del self._shunned[next(iter(self._shunned))]
        self._shunned[name] = monotonic() + self._shy_s

    def holds(self, name: str, chain: Chain) -> bool:
        """Whether this very chain was accepted for this name."""
        return _digest(chain) in self._of.get(name, ())

    def note(self, name: str, chain: Chain) -> None:
        """It was accepted just now. The oldest makes room when there are too many."""
        of = self._of.pop(name, {})
        of.pop(digest := _digest(chain), None)
        while len(of) >= self._most_each:
            del of[next(iter(of))]
        while len(self._of) >= self._most_names:
            del self._of[next(iter(self._of))]
        self._of[name] = of | {digest: None}


def _digest(chain: Chain) -> bytes:
    """A certificate is DER, which says itself how long it is: no two chains are the same bytes."""
    return sha256(b"".join(chain)).digest()


@dataclass(frozen=True, eq=False)
class Store:
    """A trust store. There is one object per set of authorities, so it may be a key of caches.

    ``accepted``: None where chains are not checked.
    """

    context: ssl.SSLContext
    accepted: Accepted | None = None

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
    context.set_ciphers(CIPHERS)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    else:
        context.load_default_certs()
    return Store(context, Accepted())


@lru_cache(maxsize=1)
def unchecked_store() -> Store:
    """Takes whatever is shown: for whoever asked not to check it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(CIPHERS)
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
