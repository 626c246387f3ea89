"""The one table of settings: it feeds defaults, ``--help`` and ``docs/reference/settings.md``.

A setting NAME is read from ``WATCHPOST_NAME``, then from the file named by ``WATCHPOST_NAME_FILE``,
then from ``watchpost.toml`` beside the data folder, else its default holds. A wrong value stops the
start with one line.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class WrongSetting(ValueError):
    """A setting that cannot be used; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    default: str
    parse: Callable[[str], Any]
    doc: str
    secret: bool = False


def _text(value: str) -> str:
    return value


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: str) -> float:
    """Seconds of a duration such as 30s, 5m, 25h or 7d."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", value)
    if not match:
        raise ValueError(f"{value!r} is not a duration; write 30s, 5m, 25h or 7d")
    return float(match[1]) * _UNITS[match[2]]


def _networks(value: str) -> tuple[Any, ...]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in parts)
    except ValueError as error:
        raise ValueError(f"{error}; write networks such as 10.0.0.0/8, separated by commas") from None


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _resolvers(value: str) -> tuple[str, ...]:
    """Names would need a resolver to be found: addresses only."""
    for server in _list(value):
        host, port = server, "53"
        if server.startswith("["):
            host, _, port = server[1:].partition("]")
            port = port.removeprefix(":") or "53"
        elif server.count(":") == 1:
            host, _, port = server.partition(":")
        try:
            ipaddress.ip_address(host)
            right = port.isdigit() and 0 < int(port) < 65536
        except ValueError:
            right = False
        if not right:
            raise ValueError(
                f"{server!r} is not the address of a DNS server, such as 192.0.2.53 or 192.0.2.53:5353"
            )
    return _list(value)


def parse_listen(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8090")
    return host.strip("[]"), int(port)


def _listen_or_not(value: str) -> tuple[str, int] | None:
    return parse_listen(value) if value else None


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def _domain(value: str) -> str:
    if value and (len(value) > 253 or not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", value.lower())):
        raise ValueError(
            f"{value!r} is not a domain; write what stands behind the @, such as ping.example.com"
        )
    return value.lower()


def _site_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, a bracket too many
        right = False
    if value and not right:
        raise ValueError(f"{value!r} is not an address; write it as https://watch.example.com")
    return value.rstrip("/")


# What may stand behind a ? in the address of a PostgreSQL: libpq's own words.
DATABASE_OPTIONS = (
    "application_name", "channel_binding", "connect_timeout", "gssencmode", "host", "options", "passfile",
    "sslcert", "sslcrl", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "target_session_attrs",
)  # fmt: skip


def _database(value: str) -> str:
    parts = urlsplit(value)
    if value and parts.scheme not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("write sqlite:///path or postgresql://user:password@host/name")
    if parts.scheme.startswith("postgres"):
        if not parts.path.strip("/"):
            raise ValueError("names no database; write postgresql://user:password@host/name")
        for name, _ in parse_qsl(parts.query, keep_blank_values=True):
            if name not in DATABASE_OPTIONS:
                raise ValueError(f"there is no option {name}; known: {', '.join(DATABASE_OPTIONS)}")
    return value


def _mail_server(value: str) -> str:
    if value:
        from watchpost.outbound.mail import Mailer  # heavy, and seldom needed by a command

        Mailer(value)
    return value


def _count(most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isdecimal() or not 1 <= int(value) <= most:
            raise ValueError(f"{value!r} is not possible; write a whole number from 1 to {most}")
        return int(value)

    return parse


def _sender(value: str) -> str:
    """``ops@example.com`` or ``Watchpost <ops@example.com>``."""
    try:
        found = Address(addr_spec=parseaddr(value)[1]) if value else None
    except (HeaderParseError, ValueError, IndexError):
        found = None
    if value and (found is None or not found.domain or not found.username or not value.isprintable()):
        raise ValueError(f"{value!r} is not a sender; write Watchpost <watchpost@example.com>")
    return value


def _address(value: str) -> str:
    """As it is written, but for what cannot be one; "" is allowed."""
    _site_url(value)
    return value


def _addresses(value: str) -> tuple[str, ...]:
    for address in _list(value):
        _site_url(address)
    return _list(value)


def _retention(value: str) -> float:
    """The longest roll-ups are a day's: less cannot be kept whole."""
    if parse_duration(value) < 86_400:
        raise ValueError(f"{value!r} is too short; write at least 1d")
    return parse_duration(value)


def _log_level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"{value!r} is not one of debug, info, warning, error")
    return value.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE_URL", "", _database, "Where data is kept. Default: SQLite in the data folder.", True),
    Setting("SECRET_KEY", "", _text, "Signs sessions and encrypts secrets. Default: made once, kept in the data folder.", True),
    Setting("SECRET_KEY_FALLBACKS", "", _list, "Old keys, separated by commas: what they signed and encrypted stays good. watchpost rotate-key encrypts anew.", True),
    Setting("SITE_URL", "", _site_url, "The address people reach this server at; links in messages and allowed hosts follow it. Default: the listening address."),
    Setting("LISTEN", "127.0.0.1:8090", parse_listen, "HOST:PORT the web process listens at."),
    Setting("EMAIL_URL", "", _mail_server, "Mail server: smtp+tls://user:password@host:587 or smtps://; smtp:// does not encrypt.", True),
    Setting("EMAIL_FROM", "", _sender, "Sender of messages. Default: watchpost@<host of SITE_URL>."),
    Setting("RETENTION_RAW", "8d", _retention, "How long single looks are kept."),
    Setting("RETENTION_ROLLUP", "400d", _retention, "How long roll-ups, transitions and incidents are kept."),
    Setting("ALLOW_NETWORKS", "", _networks, "Private networks that may be watched and written to, such as 10.0.0.0/8,127.0.0.0/8."),
    Setting("RESOLVERS", "", _resolvers, "DNS servers to ask, host[:port], separated by commas. With two or more, a silent one is replaced by the next within the same look, and a failure is confirmed with another. Default: the system's."),
    Setting("EGRESS_REFERENCES", "https://www.gstatic.com/generate_204,https://cloudflare.com/cdn-cgi/trace,https://www.wikipedia.org/", _addresses, "Addresses asked when many targets fail, to learn whether our own network is dead. May be empty."),
    Setting("RDAP_BOOTSTRAP", "https://data.iana.org/rdap/dns.json", _address, "The list of which RDAP server answers for which domains (RFC 9224): IANA's, or a mirror of it. May be empty: then none is fetched."),
    Setting("DEFAULT_LOCATION", "local", _text, "Name of the place this machine looks from."),
    Setting("MAX_CONCURRENT", "400", _count(5000), "Looks under way at once."),
    Setting("MAX_PER_HOST", "6", _count(1000), "Looks under way at once against one host."),
    Setting("FLAP_CHANGES", "4", _count(1000), "Changes of health within half an hour from which a monitor is flapping."),
    Setting("PING_RATE", "120", _count(1_000_000), "Pings of one heartbeat a minute that are taken; more are answered 429."),
    Setting("PING_MAIL_LISTEN", "", _listen_or_not, "HOST:PORT at which pings by mail are taken (SMTP). Default: they are not."),
    Setting("PING_MAIL_DOMAIN", "", _domain, "What stands behind the @ of a heartbeat's mail address. Default: the host of SITE_URL."),
    Setting("MAX_HEARTBEATS", "1000", _count(1_000_000), "Heartbeats of one project that Healthchecks' API makes; pings with create=1 make up to twice as many."),
    Setting("WEB_THREADS", "4", _count(64), "Threads (and database connections) of the web process."),
    Setting("LOG_LEVEL", "info", _log_level, "debug, info, warning or error."),
)  # fmt: skip


def read_settings(environ: Mapping[str, str], data_dir: Path) -> dict[str, Any]:
    """All settings parsed. Raises WrongSetting with one line that names the setting and the fix."""
    _refuse_slips(environ)
    from_file = _read_toml(data_dir.parent / "watchpost.toml")
    return {setting.name: _value(setting, environ, from_file) for setting in SETTINGS}


def _refuse_slips(environ: Mapping[str, str]) -> None:
    """A variable that looks like a mistyped setting. Others are somebody else's: a container platform
    names its own after every service."""
    names = {f"WATCHPOST_{setting.name}" for setting in SETTINGS}
    known = names | {f"{name}_FILE" for name in names} | {"WATCHPOST_DATA_DIR"}
    for variable in environ:
        if variable.startswith("WATCHPOST_") and variable not in known:
            near = get_close_matches(variable, sorted(known), n=1, cutoff=0.9)
            if near:
                raise WrongSetting(f"there is no setting {variable}; did you mean {near[0]}?")


def _value(setting: Setting, environ: Mapping[str, str], from_file: Mapping[str, Any]) -> Any:
    source, raw = _raw(setting, environ, from_file)
    try:
        return setting.parse(raw)
    except ValueError as error:
        raise WrongSetting(f"{source}: {error}") from None


def _raw(setting: Setting, environ: Mapping[str, str], from_file: Mapping[str, Any]) -> tuple[str, str]:
    variable = f"WATCHPOST_{setting.name}"
    if variable in environ:
        return variable, environ[variable]
    if path := environ.get(f"{variable}_FILE"):
        try:
            return f"{variable}_FILE", Path(path).read_text().strip()
        except OSError as error:
            raise WrongSetting(f"{variable}_FILE: cannot read {path}: {error.strerror}") from None
    if setting.name in from_file:
        value = from_file[setting.name]
        return f"watchpost.toml: {setting.name}", ",".join(value) if isinstance(value, list) else str(value)
    return variable, setting.default


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = {key.upper(): value for key, value in tomllib.loads(path.read_text()).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{path}: {error}") from None
    from watchpost.core.words import nearest

    names = {setting.name for setting in SETTINGS}
    for key in content.keys() - names:
        near = nearest(key, sorted(names))
        raise WrongSetting(f"{path}: there is no setting {key}" + (f"; did you mean {near}?" if near else ""))
    return content


def find_data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The data folder: WATCHPOST_DATA_DIR, else ./data."""
    return Path((environ or os.environ).get("WATCHPOST_DATA_DIR") or "data").absolute()
