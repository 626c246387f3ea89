"""A certificate authority of the stand's own: a root, an intermediate, and certificates for the shop."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

_DAY = timedelta(days=1)
# As public authorities do; nobody listens there.
_ISSUER_LIES_AT = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://127.0.0.1:9/patient-authority.crt"),
        )
    ]
)


class Authority:
    """Everything is made anew with it and kept in memory; files are written by ``write``. Who asks for the
    same certificate again gets the same one: a fault that is healed is no renewal. ``name``: its own."""

    def __init__(self, name: str = "Patient") -> None:
        self._key = _key()
        self._leaves: dict[tuple[Sequence[str], float, float, bool], x509.Certificate] = {}
        self._root_key, self._middle_key = _key(), _key()
        root, self._name = f"{name} root", f"{name} authority"
        self._root = _certificate(root, self._root_key, root, self._root_key, 3650, is_ca=True)
        self._middle = _certificate(self._name, self._middle_key, root, self._root_key, 1825, is_ca=True)

    @property
    def root_pem(self) -> str:
        return _pem(self._root)

    def write(
        self,
        folder: Path,
        names: Sequence[str],
        days: float = 90,
        of_days: float = 0,
        with_chain: bool = True,
        is_self_signed: bool = False,
    ) -> None:
        """``certificate.pem`` and ``key.pem`` for ``names``. ``days``: until it ends, negative: ago.
        ``of_days``: its lifetime, else long enough to have begun; if less than ``days``, it begins later."""
        asked = (tuple(names), days, of_days, is_self_signed)
        if asked not in self._leaves:
            issuer = (names[0], self._key) if is_self_signed else (self._name, self._middle_key)
            self._leaves[asked] = _certificate(
                names[0], self._key, *issuer, days, names=names, of_days=of_days
            )
        leaf = self._leaves[asked]
        with_chain = with_chain and not is_self_signed
        chain = _pem(self._middle) if with_chain else ""
        (folder / "certificate.pem").write_text(_pem(leaf) + chain)
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        secret = folder / "key.pem"
        secret.touch(mode=0o600)
        secret.write_bytes(self._key.private_bytes(serialization.Encoding.PEM, *form))


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: float,
    names: Sequence[str] = (),
    is_ca: bool = False,
    of_days: float = 0,
) -> x509.Certificate:
    ends = datetime.now(UTC) + days * _DAY
    begins = ends - (of_days or max(120.0, days + 1)) * _DAY
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if is_ca:
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
    if names:
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
        builder = builder.add_extension(_ISSUER_LIES_AT, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
