"""The tls kind: a certificate is accepted, stays so, and is the same at every address."""

from watchpost.kinds.tls.codes import CODES
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.ends import covers, endings, leads, names, watch
from watchpost.kinds.tls.judge import accept, change, judge
from watchpost.kinds.tls.panel import panels
from watchpost.kinds.tls.probe import probe
from watchpost.kinds.tls.propose import propose
from watchpost.registry import Kind

_NAMES = {"smtp": "SMTP with STARTTLS", "imap": "IMAP with STARTTLS", "postgres": "PostgreSQL with TLS"}


def _describe(config: TlsConfig) -> str:
    how = f" over {_NAMES[config.starttls]}" if config.starttls != "none" else ""
    where = "at every address" if config.every_address else "at one address"
    return f"the certificate of {config.shown}{how}, {where}: warns at {config.warn}"


def _target(config: TlsConfig) -> tuple[str, int]:
    return config.where, config.door


KIND = Kind(
    name="tls",
    title="Certificate",
    layer="uptime",
    config=TlsConfig,
    probe=probe,
    judge=judge,
    codes=frozenset(entry.code for entry in CODES),
    describe=_describe,
    target=_target,
    accept=accept,
    change=change,
    interval_s=900.0,
    propose=propose,
    panels=panels,
    kept=frozenset({"certificate", "others", "revocation", "renewal", "versions"}),
    endings=endings,
    names=names,
    covers=covers,
    leads=leads,
    watch=watch,
)
