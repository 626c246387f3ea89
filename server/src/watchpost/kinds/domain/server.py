"""How a WHOIS server is written down. Pure."""

from __future__ import annotations

from watchpost.registry.place import read_host

PORT = 43


def split(server: str) -> tuple[str, int]:
    """``whois.nic.example``, ``whois.nic.example:4343``, ``[2001:db8::1]:43``. Raises ValueError."""
    text = server.strip().removeprefix("whois://").rstrip("/")
    host, colon, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{server!r} has no possible port; write it like whois.nic.example:43")
    return read_host(host.removeprefix("[").removesuffix("]")), int(port) if colon else PORT
