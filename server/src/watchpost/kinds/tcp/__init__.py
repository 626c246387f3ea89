"""The tcp kind: a port is open and, if asked, says what is expected."""

from collections.abc import Mapping
from typing import Any

from watchpost.kinds.tcp.codes import CODES
from watchpost.kinds.tcp.config import TcpConfig
from watchpost.kinds.tcp.judge import judge
from watchpost.kinds.tcp.panel import panels
from watchpost.kinds.tcp.probe import probe
from watchpost.registry import Kind

_MAIL = 25


def _describe(config: TcpConfig) -> str:
    how = " by TLS" if config.speaks_tls else ""
    says, more = "", len(config.steps) - 1
    if config.steps:
        says = f" and answers {config.wanted}" if config.expect else " and answers"
    if more > 0:  # what they say is kept encrypted
        says += f", then {more} more step{'s' if more > 1 else ''}"
    return f"{config.shown} takes a connection{how}{says}"


def _target(config: TcpConfig) -> tuple[str, int]:
    return config.where, config.port


def _covers(config: TcpConfig) -> tuple[str, ...]:
    return (f"tcp:{config.where}:{config.port}",)


def _watch(thing: str) -> Mapping[str, Any] | None:
    """The spec of a monitor for ``mail.shop.example:25``. Mail servers hand TLS to each other whatever the
    certificate (RFC 7435): a self-signed one there is no outage."""
    host, _, port = thing.rpartition(":")
    try:
        config = TcpConfig.model_validate({"host": host, "port": port})
    except ValueError:
        return None
    spec: dict[str, Any] = {"name": f"{host} (port {port})", "kind": "tcp", "host": host, "port": config.port}
    if config.port == _MAIL:
        spec |= {"name": f"Mail server {host}", "starttls": "smtp", "verify_tls": False}
    return spec


KIND = Kind(
    name="tcp",
    title="TCP port",
    layer="uptime",
    config=TcpConfig,
    probe=probe,
    judge=judge,
    codes=frozenset(entry.code for entry in CODES),
    describe=_describe,
    target=_target,
    secrets=("send", "then"),
    kept=frozenset({"addresses", "more_addresses"}),
    panels=panels,
    covers=_covers,
    watch=_watch,
)
