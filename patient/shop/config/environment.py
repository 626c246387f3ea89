"""Turns addresses from the environment (``DATABASE_URL``, ``CACHE_URL``, ...) into Django's dictionaries."""

from typing import Any
from urllib.parse import unquote, urlsplit


def database(url: str) -> dict[str, Any]:
    """``sqlite:///path`` or ``postgresql://user:password@host:port/name``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path).removeprefix("/") if parts.path.startswith("//") else unquote(parts.path)
        name = f"file:{path}?{parts.query}" if parts.query else path
        options = {"timeout": 2, "transaction_mode": "IMMEDIATE"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.removeprefix("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or 5432,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3},
    }


def cache(url: str) -> dict[str, Any]:
    """``file:///folder``, ``redis://host:port/0`` or ``memcached://host:port``; each with a timeout."""
    parts = urlsplit(url)
    if parts.scheme == "redis":
        options = {"socket_timeout": 2, "socket_connect_timeout": 2}
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": options}
    if parts.scheme == "memcached":
        # Else every thread that met it while it was gone raises errors for a minute after it is back.
        options = {"timeout": 2, "connect_timeout": 2, "dead_timeout": 1}
        backend = "django.core.cache.backends.memcached.PyMemcacheCache"
        return {"BACKEND": backend, "LOCATION": parts.netloc, "OPTIONS": options}
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    return {"BACKEND": backend, "LOCATION": unquote(parts.path), "OPTIONS": {"MAX_ENTRIES": 2000}}


def broker(url: str) -> dict[str, Any]:
    """Celery's settings for it. ``filesystem:///folder`` needs no server: messages are files."""
    parts = urlsplit(url)
    if parts.scheme != "filesystem":
        return {"url": url, "options": {"visibility_timeout": 3600}}
    folder = unquote(parts.path)
    options = {
        "data_folder_in": f"{folder}/queues",
        "data_folder_out": f"{folder}/queues",
        "control_folder": f"{folder}/control",
        "polling_interval": 0.1,
    }
    return {"url": "filesystem://localhost", "options": options}


def mail(url: str) -> tuple[str, int]:
    """Host and port of ``smtp://host:port``."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or 25
