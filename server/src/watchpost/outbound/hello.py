"""What a ServerHello chose: version and cipher, read from the wire. Pure.

OpenSSL tells neither once it has refused the certificate. RFC 8446, 4.1.3; RFC 5246, 7.4.1.3.
"""

from __future__ import annotations

_HANDSHAKE, _SERVER_HELLO, _SUPPORTED_VERSIONS = 22, 2, 43
_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
ENOUGH = 1024  # bytes of a connection within which it ends


def read_hello(data: bytes) -> tuple[str, int]:
    """(version, number of the cipher suite) out of the first bytes a server sent; ("", 0): none was found."""
    try:
        return _read(data)
    except IndexError:
        return "", 0


def _read(data: bytes) -> tuple[str, int]:
    if data[0] != _HANDSHAKE or data[5] != _SERVER_HELLO:
        return "", 0
    body = data[9 : 5 + _number(data, 3)]
    version = _number(body, 0)
    at = 34 + 1 + body[34]  # version, random, session id
    cipher = _number(body, at)
    at += 5  # cipher, compression, length of the extensions
    while at + 4 <= len(body):
        if _number(body, at) == _SUPPORTED_VERSIONS:
            version = _number(body, at + 4)
        at += 4 + _number(body, at + 2)
    return _VERSIONS.get(version, ""), cipher


def _number(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]
