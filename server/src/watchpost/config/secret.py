"""The encryption of secrets at rest, with a key derived from that of the installation."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEALED = "$sealed"
FOREIGN_KEY = (
    "was encrypted with another SECRET_KEY; "
    "put the old key into SECRET_KEY_FALLBACKS, or enter the secret again"
)


class Unreadable(ValueError):
    """A stored secret that no key of this installation opens; ``field`` is its dotted place."""

    def __init__(self, field: str = "") -> None:
        self.field = field
        super().__init__(f"{field}: {FOREIGN_KEY}" if field else f"a stored secret {FOREIGN_KEY}")


def _fernet(key: str) -> Fernet:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"watchpost secrets at rest").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


@cache
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([_fernet(key) for key in keys])


def _box(fallbacks: bool = True) -> MultiFernet:
    from django.conf import settings

    return _box_of((settings.SECRET_KEY, *(settings.SECRET_KEY_FALLBACKS if fallbacks else ())))


def seal(value: Any, template: str | None = None) -> dict[str, str]:
    """Any JSON value, encrypted. ``template`` keeps the ``${NAME}`` it was written as, for export."""
    sealed = {SEALED: _box().encrypt(json.dumps(value).encode()).decode()}
    return sealed | {"template": template} if template else sealed


def unseal(value: Any) -> Any:
    """The clear value. Raises Unreadable when no key fits."""
    if not is_sealed(value):
        return value
    try:
        return json.loads(_box().decrypt(value[SEALED].encode()))
    except InvalidToken:
        raise Unreadable from None


def opens(value: dict[str, str], fallbacks: bool = True) -> bool:
    """Whether a sealed value can be read, with the present key alone when ``fallbacks`` is False."""
    try:
        _box(fallbacks).decrypt(value[SEALED].encode())
    except InvalidToken:
        return False
    return True


def is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and SEALED in value


def seal_paths(
    config: dict[str, Any], paths: tuple[str, ...], templates: dict[str, str] | None = None
) -> dict[str, Any]:
    """A copy of ``config`` with the values at the dotted ``paths`` encrypted."""
    return _map_paths(config, paths, lambda path, value: seal(value, (templates or {}).get(path)))


def unseal_all(value: Any, place: str = "") -> Any:
    """A copy with every sealed value in the clear. Raises Unreadable with the place of one that is not."""
    if is_sealed(value):
        try:
            return unseal(value)
        except Unreadable:
            raise Unreadable(place) from None
    if isinstance(value, dict):
        return {key: unseal_all(inner, _inside(place, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [unseal_all(inner, _inside(place, number)) for number, inner in enumerate(value)]
    return value


def sealed_in(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every sealed value with its dotted place."""
    if is_sealed(value):
        yield place, value
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from sealed_in(one, _inside(place, key))


def reseal_all(value: Any) -> Any:
    """A copy encrypted with the present key; what no key opens stays as it is."""
    if is_sealed(value):
        return value | {SEALED: _box().rotate(value[SEALED].encode()).decode()} if opens(value) else value
    if isinstance(value, dict):
        return {key: reseal_all(inner) for key, inner in value.items()}
    return [reseal_all(inner) for inner in value] if isinstance(value, list) else value


def _inside(place: str, key: str | int) -> str:
    return f"{place}.{key}" if place else str(key)


def redact(value: Any) -> Any:
    """A copy fit for pages and logs: sealed values become ``***`` (or their ``${NAME}``)."""
    if is_sealed(value):
        return value.get("template") or "***"
    if isinstance(value, dict):
        return {key: redact(inner) for key, inner in value.items()}
    return [redact(inner) for inner in value] if isinstance(value, list) else value


def _map_paths(config: dict[str, Any], paths: tuple[str, ...], change: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(config))
    for path in paths:
        holder: Any = copy
        *parents, last = path.split(".")
        for name in parents:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if (
            isinstance(holder, dict)
            and holder.get(last) not in (None, "", {}, [])
            and not is_sealed(holder[last])
        ):
            holder[last] = change(path, holder[last])
    return copy
