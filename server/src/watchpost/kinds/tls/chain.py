"""What a served chain is worth, and the reason in words. Pure: no clock and no sockets.

Paths are built here rather than asked of a verifier, because verifiers answer yes or no: a missing
intermediate, an unknown root and a self-signed certificate are one and the same "no" to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

Cert = x509.Certificate
_MOST_SERVED = 16  # chains have 2 to 4; who serves hundreds must not have us check each against each
_MOST_CHECKS = 64  # of signatures, some of which take a millisecond
_MOST_PATHS = 8
_LEAST_RSA_BITS = 2048  # CA/Browser Forum Baseline Requirements, 6.1.5
_LEAST_EC_BITS = 256
_UNREADABLE = (
    ValueError,
    TypeError,  # a name whose value is of an impossible type
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_BROKEN_HASHES = frozenset({"md5", "sha1"})  # the same, 7.1.3.2: gone since 2016


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a chain is not good. ``code`` lacks the family: ``expired``, ``chain.wrong_order``, ...

    ``words`` is the end of a sentence about the certificate ``of``.
    """

    code: str
    words: str
    of: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``path``: leaf first, up to and with the authority, or as far as it goes. ``spares``: not needed.

    ``ends``: the authority or link of the path that is the first to expire, None for a leaf alone.
    """

    reasons: tuple[Reason, ...]
    path: tuple[Cert, ...]
    spares: tuple[Cert, ...]
    ends: Cert | None
    complete: bool


class Roots:
    """Trusted certificates, found by subject. Compared by identity: make one per trust store and keep it."""

    def __init__(self, certificates: Iterable[Cert]) -> None:
        self._by_subject: dict[x509.Name, list[Cert]] = {}
        self._all = frozenset(certificates)
        for one in self._all:
            self._by_subject.setdefault(one.subject, []).append(one)
        self.organisations = frozenset(filter(None, (_first(n, _O) for n in self._by_subject)))

    def __contains__(self, one: Cert) -> bool:
        return one in self._all

    def named(self, subject: x509.Name) -> Sequence[Cert]:
        return self._by_subject.get(subject, ())


@lru_cache(maxsize=4096)
def parse(der: bytes) -> Cert | None:
    """None: not a certificate that can be read."""
    try:
        found = x509.load_der_x509_certificate(der)
        # Names, dates and extensions are decoded when asked for, and may be broken, too.
        _ = found.subject, found.issuer, found.extensions, found.not_valid_after_utc
    except _UNREADABLE:
        return None
    return found


def diagnose(chain: tuple[Cert, ...], name: str, roots: Roots, now: datetime) -> Diagnosis:
    """Everything that is wrong with ``chain`` (as served, leaf first) for ``name`` at ``now``.

    ``name`` is ASCII, a host name or an IP address. What is merely untidy comes last.
    """
    chain = tuple(dict.fromkeys(chain[:_MOST_SERVED]))
    leaf, paths = chain[0], _paths(chain, roots)
    complete = [path for path in paths if path[-1] in roots]
    path = max(complete, key=lambda found: _worth(found, now)) if complete else max(paths, key=len)
    reasons = [*_time_of_leaf(leaf, now)]
    if not covers(sans(leaf), name):
        reasons.append(Reason("wrong_name", _names_in_words(leaf), title(leaf)))
    if complete:
        reasons += _time_of_links(path, now)
    else:
        reasons.append(_why_it_ends(path, chain, roots))
    places = [chain.index(one) for one in path if one in chain]
    if complete and places != sorted(places):  # there is no order in what leads nowhere
        reasons.append(Reason("chain.wrong_order", _order_in_words(chain), title(leaf)))
    ends = min(path[1:], key=lambda one: one.not_valid_after_utc, default=None)
    spares = tuple(one for one in chain if one not in path)
    return Diagnosis(tuple(reasons), path, spares, ends, bool(complete))


def turns(chain: tuple[Cert, ...], roots: Roots) -> tuple[datetime, ...]:
    """The moments at which the diagnosis of ``chain`` may become another one, in order; from one up to the
    next it stays the same."""
    chain = tuple(dict.fromkeys(chain[:_MOST_SERVED]))
    every = {one for path in _paths(chain, roots) for one in path}
    dates = {date for one in every for date in (one.not_valid_before_utc, one.not_valid_after_utc)}
    return tuple(sorted(dates))


@lru_cache(maxsize=4096)
def _paths(chain: tuple[Cert, ...], roots: Roots) -> tuple[tuple[Cert, ...], ...]:
    """Every way up from the leaf, whether or not it arrives. Does not depend on time, so it is kept."""
    found: list[tuple[Cert, ...]] = []
    todo: list[tuple[Cert, ...]] = [(chain[0],)]
    checks = 0
    while todo and len(found) < _MOST_PATHS:
        path = todo.pop()
        named = () if path[-1] in roots or checks > _MOST_CHECKS else _named(path, chain, roots)
        checks += len(named)
        above = [one for one in named if has_issued(one, path[-1])]
        if above:
            todo += [(*path, one) for one in above]
        else:
            found.append(path)
    return tuple(found)


def _named(path: tuple[Cert, ...], chain: tuple[Cert, ...], roots: Roots) -> tuple[Cert, ...]:
    """Who may have issued the last of ``path``, by name: served authorities, and trusted ones."""
    last = path[-1]
    served = [one for one in chain if one.subject == last.issuer and one not in roots and _is_authority(one)]
    return tuple(one for one in (*served, *roots.named(last.issuer)) if one not in path)


@lru_cache(maxsize=8192)
def has_issued(issuer: Cert, one: Cert) -> bool:
    """Name and signature fit. An algorithm we cannot check counts as fitting: OpenSSL decides on it."""
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, InvalidSignature):
        return False
    except (TypeError, UnsupportedAlgorithm):
        return one.issuer == issuer.subject
    return True


def _is_authority(one: Cert) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def is_self_signed(one: Cert) -> bool:
    return one.issuer == one.subject and has_issued(one, one)


def _worth(path: tuple[Cert, ...], now: datetime) -> tuple[bool, datetime]:
    """The links above the leaf are valid now, and for how long. Browsers, too, take any path that holds."""
    links = path[1:] or path
    valid = all(one.not_valid_before_utc <= now < one.not_valid_after_utc for one in links)
    return valid, min(one.not_valid_after_utc for one in links)


def _time_of_leaf(leaf: Cert, now: datetime) -> Iterator[Reason]:
    if now >= leaf.not_valid_after_utc:
        yield Reason("expired", f"it expired on {day(leaf.not_valid_after_utc)}", title(leaf))
    elif now < leaf.not_valid_before_utc:
        yield Reason("not_yet_valid", f"it is valid only from {day(leaf.not_valid_before_utc)}", title(leaf))


def _time_of_links(path: tuple[Cert, ...], now: datetime) -> Iterator[Reason]:
    for one in path[1:]:
        if now >= one.not_valid_after_utc:
            words = f"its issuer {title(one)} expired on {day(one.not_valid_after_utc)}"
            yield Reason("chain.expired", words, title(one))
        elif now < one.not_valid_before_utc:
            words = f"its issuer {title(one)} is valid only from {day(one.not_valid_before_utc)}"
            yield Reason("chain.expired", words, title(one))


def _why_it_ends(path: tuple[Cert, ...], chain: tuple[Cert, ...], roots: Roots) -> Reason:
    """The path does not arrive at anything trusted: what is it that is missing?"""
    last, leaf = path[-1], path[0]
    who = title(leaf)
    if is_self_signed(last):
        if last == leaf:
            return Reason("self_signed", "it is signed by itself and by no authority", who)
        return Reason("unknown_root", f"its chain ends at {title(last)}, which nobody trusts here", who)
    issuer = short(last.issuer)
    named = [one for one in chain if one.subject == last.issuer and not _is_authority(one)]
    if any(has_issued(one, last) for one in named):
        return Reason("rejected", f"it is signed by {issuer}, which is no authority", who)
    if any(one.subject == last.issuer for one in (*chain, *roots.named(last.issuer))):
        words = f"the certificate of {issuer} is there, but it is not the one that signed {title(last)}"
        return Reason("chain.missing_intermediate", words, who)
    # Only a known authority has an intermediate that could be missing. A public one says in the leaf where
    # its issuer's certificate lies (Baseline Requirements, 7.1.2.7.7), or signs under its own organisation.
    if _first(last.issuer, _O) in roots.organisations or (last == leaf and _says_where(leaf)):
        words = f"the server does not send the intermediate certificate {issuer}"
        return Reason("chain.missing_intermediate", words, who)
    return Reason("unknown_root", f"its chain ends at {issuer}, which nobody trusts here", who)


def _says_where(one: Cert) -> bool:
    try:
        found = one.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return False
    return any(each.access_method == AuthorityInformationAccessOID.CA_ISSUERS for each in found)


@lru_cache(maxsize=4096)
def sans(one: Cert) -> tuple[str, ...]:
    """DNS names in lower case and IP addresses of the subject alternative name; () without one."""
    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    return (*dns, *(str(address) for address in found.get_values_for_type(x509.IPAddress)))


def covers(names: Iterable[str], name: str) -> bool:
    """RFC 9525, 6.3: the SAN alone; a star stands for one whole label, the first; addresses match exactly."""
    wanted = name.lower().rstrip(".")
    try:
        return str(ip_address(wanted)) in names
    except ValueError:
        _, dot, parent = wanted.partition(".")
        return wanted in names or (bool(dot) and "." in parent and f"*.{parent}" in names)


def _names_in_words(leaf: Cert) -> str:
    names = sans(leaf)
    if not names:
        return "it names no host at all (no subject alternative name; the common name does not count)"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"it is for {', '.join(name[:80] for name in names[:3])}{more}"


def _order_in_words(chain: tuple[Cert, ...]) -> str:
    return f"it is served in the order {', '.join(title(one) for one in chain[:5])}"


def weaknesses(path: Sequence[Cert], roots: Roots) -> Iterator[tuple[str, str, str]]:
    """(``key`` or ``signature``, what it is, whose). What is trusted itself needs no strong signature."""
    for one in path:
        if one in roots and len(path) > 1:
            continue
        key = one.public_key() if _has_known_key(one) else None
        weak_rsa = isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < _LEAST_RSA_BITS
        weak_ec = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < _LEAST_EC_BITS
        if weak_rsa or weak_ec or isinstance(key, dsa.DSAPublicKey):
            yield "key", key_words(one), title(one)
        signed = signature_words(one)
        if signed in _BROKEN_HASHES and not is_self_signed(one):
            yield "signature", {"md5": "MD5", "sha1": "SHA-1"}[signed], title(one)


def _has_known_key(one: Cert) -> bool:
    try:
        one.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def key_words(one: Cert) -> str:
    """``RSA 2048``, ``EC secp256r1``, ``Ed25519``; ``unknown``."""
    if not _has_known_key(one):
        return "unknown"
    key = one.public_key()
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        return f"{'RSA' if isinstance(key, rsa.RSAPublicKey) else 'DSA'} {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def signature_words(one: Cert) -> str:
    """The hash under the signature; "" where the algorithm has none of its own."""
    try:
        found = one.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "unknown"
    return found.name if found is not None else ""


_O, _CN = NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def short(name: x509.Name) -> str:
    """The common name, else the organisation, else the whole, as people call it."""
    text = _first(name, _CN) or _first(name, _O) or name.rfc4514_string() or "nobody"
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:80]


def organisation(name: x509.Name) -> str:
    """Who runs an authority: its intermediates come and go (R10, R11, E7), its organisation stays."""
    text = _first(name, _O) or short(name)
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:80]


def title(one: Cert) -> str:
    return short(one.subject) if one.subject else next(iter(sans(one)), "a certificate without a name")[:80]


def fingerprint(one: Cert) -> str:
    return one.fingerprint(hashes.SHA256()).hex()


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
