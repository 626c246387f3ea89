"""Settings of the shop, as in production: what differs between places comes from the environment."""

import os
from pathlib import Path

from celery.schedules import crontab

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("SHOP_DATA", BASE_DIR / "data"))

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "shop.example.com").split(",")
CSRF_TRUSTED_ORIGINS = [one for one in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if one]

INSTALLED_APPS = [
    "django_watchpost",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "catalogue",
    "orders",
]

MIDDLEWARE = [
    # First, so that the health endpoint answers before ALLOWED_HOSTS and the redirect to https.
    "django_watchpost.middleware.WatchpostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

WATCHPOST = {
    # Whoever sends it as a bearer token sees messages and values; strangers see names and states.
    "HEALTH_TOKEN": os.environ.get("HEALTH_TOKEN", ""),
    # Who is told how scheduled tasks went. With the API key Beat's entries become heartbeats by themselves.
    "PING_URL": os.environ.get("WATCHPOST_PING_URL", ""),
    "PING_KEY": os.environ.get("WATCHPOST_PING_KEY", ""),
    "API_KEY": os.environ.get("WATCHPOST_API_KEY", ""),
    # What takes the whole shop down takes them along: one incident, which its health endpoint names.
    "HEARTBEATS": {"*": {"depends_on": "health"}},
}

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orders.basket.in_templates",
            ],
        },
    },
]

DATABASES = {
    "default": environment.database(os.environ.get("DATABASE_URL", f"sqlite:///{DATA_DIR}/shop.sqlite3"))
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": environment.cache(os.environ.get("CACHE_URL", f"file://{DATA_DIR}/cache")),
    "pages": environment.cache(os.environ.get("PAGES_CACHE_URL", f"file://{DATA_DIR}/pages")),
}
PAGE_CACHE_S = 10  # how long a page of the catalogue is kept

STATIC_URL = "static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", DATA_DIR / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}

EMAIL_HOST, EMAIL_PORT = environment.mail(os.environ.get("EMAIL_URL", "smtp://localhost:25"))
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = "Teapot & Sons <orders@shop.example.com>"

_BROKER = environment.broker(os.environ.get("BROKER_URL", f"filesystem://{DATA_DIR}/broker"))
CELERY_BROKER_URL = _BROKER["url"]
CELERY_BROKER_TRANSPORT_OPTIONS = _BROKER["options"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.5}
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ROUTES = {"orders.tasks.send_confirmation": {"queue": "mail"}}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "tidy up at night": {"task": "orders.tasks.tidy_up", "schedule": crontab(hour=3, minute=15)},
    "count what was sold": {"task": "orders.tasks.count_bestsellers", "schedule": 30.0},
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = os.environ.get("HTTPS") == "1"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SECURE_HSTS_SECONDS = 3600 if SECURE_SSL_REDIRECT else 0

USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"shop": {"level": "INFO"}},
}
