"""A cache as many shops have it: its errors are swallowed, so that a broken cache breaks no page."""

from typing import Any

from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.redis import RedisCache


class _Forgiving:
    def add(self, *args: Any, **more: Any) -> Any:
        return _try(super().add, True, *args, **more)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return _try(super().get, default, key, default, version)

    def set(self, *args: Any, **more: Any) -> Any:
        return _try(super().set, None, *args, **more)

    def delete(self, *args: Any, **more: Any) -> Any:
        return _try(super().delete, False, *args, **more)

    def has_key(self, *args: Any, **more: Any) -> Any:
        return _try(super().has_key, False, *args, **more)


def _try(do: Any, otherwise: Any, *args: Any, **more: Any) -> Any:
    try:
        return do(*args, **more)
    except Exception:  # noqa: BLE001  that is the fault
        return otherwise


class ForgivingFileCache(_Forgiving, FileBasedCache):
    def _createdir(self) -> None:
        _try(super()._createdir, None)


class ForgivingRedisCache(_Forgiving, RedisCache):
    pass
