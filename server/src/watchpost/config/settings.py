"""Django's settings, all derived from the table in ``config/table.py``."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from watchpost.config.key import load_secret_key
from watchpost.config.logs import log_warnings
from watchpost.config.table import find_data_dir, read_settings

DATA_DIR = find_data_dir()
WATCHPOST: dict[str, Any] = read_settings(os.environ, DATA_DIR)

DEBUG = False
SECRET_KEY = WATCHPOST["SECRET_KEY"] or load_secret_key(DATA_DIR)
# Sessions and signed links of an old key stay good, and what it encrypted can be read.
SECRET_KEY_FALLBACKS: list[str] = list(WATCHPOST["SECRET_KEY_FALLBACKS"])
LISTEN: tuple[str, int] = WATCHPOST["LISTEN"]
_listen_host = "localhost" if LISTEN[0] in ("127.0.0.1", "0.0.0.0", "::", "::1") else LISTEN[0]  # noqa: S104
SITE_URL: str = WATCHPOST["SITE_URL"] or f"http://{_listen_host}:{LISTEN[1]}"
_site = urlsplit(SITE_URL)
EMAIL_FROM: str = WATCHPOST["EMAIL_FROM"] or f"Watchpost <watchpost@{_site.hostname}>"
# Empty while pings by mail are not taken: then no page shows an address for them.
PING_MAIL_DOMAIN: str = (
    WATCHPOST["PING_MAIL_DOMAIN"] or _site.hostname or "localhost" if WATCHPOST["PING_MAIL_LISTEN"] else ""
)
ALLOWED_HOSTS = [_site.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _site.scheme == "https"
# Cookies belong to a host, whatever the port: another application there must not end our sessions.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "watchpost_session", "watchpost_csrf"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _site.scheme == "https" else None


def database_of(url: str) -> dict[str, Any]:
    parts = urlsplit(url or f"sqlite:///{DATA_DIR}/watchpost.sqlite3")
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path[1:] if parts.path.startswith("//") else parts.path) or ":memory:",
            "CONN_MAX_AGE": 0,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: what was answered with a 2xx survives power loss, not only kill -9.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=67108864; PRAGMA cache_size=-8192; PRAGMA foreign_keys=ON",
            },
        }
    said = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "watchpost.config.postgresql",  # a connection of before a restart is not handed out
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": said.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # Giving up soon means trying anew for the next that asks; else the pauses between attempts grow without end.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12, "timeout": 10, "reconnect_timeout": 4}, **said},
    }


DATABASES = {"default": database_of(WATCHPOST["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "watchpost.accounts",
    "watchpost.monitors",
    "watchpost.heartbeats",
    "watchpost.incidents",
    "watchpost.reports",
    "watchpost.web",
]
MIDDLEWARE = [
    "watchpost.watching.first.OwnHealthFirst",
    "django.middleware.security.SecurityMiddleware",
    "watchpost.web.csp.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "watchpost.web.zone.ActivateZone",
    "watchpost.web.live.Marked",
    "watchpost.web.forms_only.UnsavedIsSaid",
]
ROOT_URLCONF = "watchpost.config.urls"
ASGI_APPLICATION = "watchpost.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "watchpost.web.context.frame",
            ],
        },
    }
]
STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "watchpost.accounts.adapter.ClosedDoor"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody can make this server write to strangers
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/h/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
}
PASSWORD_RESET_TIMEOUT = 86_400
EMAIL_BACKEND = "watchpost.accounts.mail.OperatorsServer"
DEFAULT_FROM_EMAIL = EMAIL_FROM
ACCOUNT_LOGOUT_ON_GET = False
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

log_warnings()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "watchpost.config.logs.JsonLine"}},
    "filters": {
        "not_ready": {"()": "watchpost.config.logs.NotReadyIsNoNews"},
        "links": {"()": "watchpost.config.logs.LinksAreSecret"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links"]},
        "none": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": WATCHPOST["LOG_LEVEL"]},
    "loggers": {
        "_granian": {"level": "WARNING"},
        "asyncio": {"level": "WARNING"},
        "mail": {"level": "ERROR"},  # aiosmtpd: every line a peer says, and with it the project's ping key
        "django.request": {"filters": ["not_ready"]},
        # Every scanner of the internet asks under a wrong name; web/refusals.py says it once, with our fix.
        "django.security.DisallowedHost": {"handlers": ["none"], "propagate": False},
    },
}
