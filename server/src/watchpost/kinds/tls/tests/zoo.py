"""Certificates of every unhappy kind, made on the spot. Nothing here is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha1
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "shop.test"
_FROM_NAME = object()


@dataclass(frozen=True)
class Made:
    """A certificate with its key, able to sign others."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def new_key() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int) -> Any:
    return rsa.generate_private_key(65537, bits)


def _subject(name: str, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]
    if organisation:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def make(
    name: str,
    by: Made | None = None,
    *,
    days: tuple[float, float] = (-30, 60),
    sans: Sequence[str] | None = (),
    authority: bool = False,
    organisation: str = "",
    key: Any = None,
    aia: bool = False,
    crl: str = "",
    now: datetime = NOW,
    purpose: Any = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Made:
    """``days``: from and until, counted from ``now``. ``sans`` () is the name itself, None no extension."""
    key = key or new_key()
    subject = _subject(name, organisation)
    signer = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if not authority and sans is not None:
        builder = builder.add_extension(_alternative(sans or (name,)), critical=False)
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if aia:
        where = x509.UniformResourceIdentifier("http://ca.test/issuer.der")
        described = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([described]), critical=False)
    if crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return Made(builder.sign(signer, hashes.SHA256()), key)


def _alternative(names: Sequence[str]) -> x509.SubjectAlternativeName:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(found)


def ca(name: str, by: Made | None = None, days: tuple[float, float] = (-900, 2700), **more: Any) -> Made:
    return make(
        name, by, days=days, authority=True, organisation=more.pop("organisation", "Zoo Trust"), **more
    )


ROOT = ca("Zoo Root")
LINK = ca("Zoo Link 1", ROOT)
STRANGER = ca("Stranger Root", organisation="Strangers")


def chain(*made: Made) -> list[x509.Certificate]:
    return [one.certificate for one in made]


@dataclass(frozen=True)
class Specimen:
    """``served`` as it goes over the wire, leaf first; ``codes``: all that is to be said about it."""

    name: str
    served: Sequence[Made]
    codes: Sequence[str]
    asked: str = NAME
    trusted: Sequence[Made] = (ROOT,)


def _renamed_link() -> Specimen:
    """The authority took a new key; the leaf is signed by the new one, the old one is served."""
    rekeyed = ca("Zoo Link 1", ROOT)
    return Specimen("stale_intermediate", (make(NAME, rekeyed), LINK), ["tls.chain.missing_intermediate"])


def _cross_signed(old_days: tuple[float, float], codes: Sequence[str], name: str) -> Specimen:
    """A new root, also signed by an old one for the sake of old devices (as ISRG Root X1 was)."""
    old = ca("Old Root", days=(-3000, old_days[1]), organisation="Zoo Elders")
    crossed = ca("Zoo Root", old, days=old_days, key=ROOT.key)
    return Specimen(name, (make(NAME, LINK), LINK, crossed), codes, trusted=(ROOT, old))


def _sha1() -> Specimen:
    """No library signs with SHA-1 any more, so it is done by hand: PKCS #1 v1.5 (RFC 8017, 9.2)."""
    link = ca("Zoo Link 5", ROOT, key=rsa_key(2048))
    made = make(NAME, link)
    sha256_with_rsa = bytes.fromhex("06092a864886f70d01010b")
    sha1_with_rsa = bytes.fromhex("06092a864886f70d010105")
    old = made.certificate.tbs_certificate_bytes
    body = old.replace(sha256_with_rsa, sha1_with_rsa)
    prefix = bytes.fromhex("3021300906052b0e03021a05000414")
    padded = (prefix + sha1(body).digest()).rjust(256, b"\xff")
    padded = b"\0\1" + padded[2 : -len(prefix) - 21] + b"\0" + prefix + sha1(body).digest()
    numbers = link.key.private_numbers()
    signature = pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n).to_bytes(256)
    whole = made.certificate.public_bytes(Encoding.DER)
    whole = whole.replace(old, body).replace(sha256_with_rsa, sha1_with_rsa)[:-256] + signature
    forged = Made(x509.load_der_x509_certificate(whole), made.key)
    return Specimen("sha1", (forged, link), ["tls.weak_signature"])


def specimens() -> list[Specimen]:
    """Every animal, made anew."""
    spare = ca("Spare Root", days=(-3000, -50))
    soon = ca("Zoo Link 2", ROOT, days=(-900, 10))
    dead_link = ca("Zoo Link 3", ROOT, days=(-900, -1))
    many = [NAME, *(f"host{number}.shop.test" for number in range(199))]
    alone = make(NAME)
    weak_link = ca("Zoo Link 6", ROOT, key=rsa_key(1024))
    weak_root = ca("Weak Root", key=rsa_key(1024))
    no_ca = make("no-ca.test", LINK)
    weak = rsa_key(1024)
    return [
        Specimen("good", (make(NAME, LINK), LINK), []),
        Specimen("good_with_root", (make(NAME, LINK), LINK, ROOT), []),
        Specimen("good_without_links", (make(NAME, ROOT),), []),
        Specimen("wildcard", (make("*.shop.test", LINK), LINK), [], asked="www.shop.test"),
        Specimen("expired", (make(NAME, LINK, days=(-90, -1)), LINK), ["tls.expired"]),
        Specimen("not_yet_valid", (make(NAME, LINK, days=(1, 90)), LINK), ["tls.not_yet_valid"]),
        Specimen("expires_soon", (make(NAME, LINK, days=(-75, 15)), LINK), ["tls.expires_soon"]),
        Specimen("short_lived", (make(NAME, LINK, days=(-3, 3.7)), LINK), []),
        Specimen("wrong_name", (make("other.test", LINK), LINK), ["tls.wrong_name"]),
        Specimen("wildcard_too_deep", (make("*.test", LINK), LINK), ["tls.wrong_name"], asked="a.b.test"),
        Specimen("self_signed", (alone,), ["tls.self_signed"]),
        Specimen("self_signed_trusted", (alone,), [], trusted=(alone,)),
        Specimen("missing_intermediate", (make(NAME, LINK),), ["tls.chain.missing_intermediate"]),
        Specimen(
            "missing_intermediate_by_aia",
            (make(NAME, ca("Far Link", STRANGER), aia=True),),
            ["tls.chain.missing_intermediate"],
        ),
        _renamed_link(),
        Specimen("wrong_order", (make(NAME, LINK), ROOT, LINK), ["tls.chain.wrong_order"]),
        _wrong_order(),
        Specimen("unknown_root", (make(NAME, STRANGER),), ["tls.unknown_root"]),
        Specimen("unknown_root_served", (make(NAME, STRANGER), STRANGER), ["tls.unknown_root"]),
        Specimen("link_trusted", (make(NAME, LINK), LINK), [], trusted=(LINK,)),
        Specimen("expired_link", (make(NAME, dead_link), dead_link), ["tls.chain.expired"]),
        Specimen("link_expires_soon", (make(NAME, soon), soon), ["tls.path_expires_soon"]),
        _cross_signed((-900, 900), [], "cross_signed_leftover"),
        _cross_signed((-900, -5), ["tls.spare_expires"], "cross_signed_expired"),
        Specimen("expired_spare_root", (make(NAME, LINK), LINK, spare), ["tls.spare_expires"]),
        Specimen("no_san", (make(NAME, LINK, sans=None), LINK), ["tls.wrong_name"]),
        Specimen("many_sans", (make(NAME, LINK, sans=many), LINK), [], asked="host198.shop.test"),
        Specimen("ip_san", (make("ip", LINK, sans=["127.0.0.1"]), LINK), [], asked="127.0.0.1"),
        Specimen("ip_as_dns", (make("ip", LINK), LINK), ["tls.wrong_name"], asked="127.0.0.1"),
        Specimen("punycode", (make("xn--bcher-kva.test", LINK), LINK), [], asked="Bücher.test"),
        Specimen("rsa_1024", (make(NAME, LINK, key=weak), LINK), ["tls.weak_key"]),
        _sha1(),
        Specimen("not_for_servers", (_client_only(), LINK), ["tls.rejected"]),
        Specimen("weak_link", (make(NAME, weak_link), weak_link), ["tls.weak_key"]),
        Specimen("weak_root", (make(NAME, weak_root), weak_root), [], trusted=(weak_root,)),
        Specimen("leaf_as_authority", (make(NAME, no_ca), no_ca, LINK), ["tls.rejected"]),
        Specimen("all_at_once", (make("x.test", STRANGER, days=(-9, -1), key=weak),), [
            "tls.expired", "tls.unknown_root", "tls.weak_key", "tls.wrong_name",
        ]),
    ]  # fmt: skip


def _wrong_order() -> Specimen:
    low = ca("Zoo Link 4", LINK)
    return Specimen("wrong_order_of_links", (make(NAME, low), LINK, low), ["tls.chain.wrong_order"])


def _client_only() -> Made:
    return make(NAME, LINK, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
