"""As in production: hosts are checked, http is redirected, and nobody has set up a test."""

import json
import os

SECRET_KEY = "only-for-tests-of-the-agent"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SERVED_DATABASE"]}}
INSTALLED_APPS = ["django_watchpost"]
MIDDLEWARE = [
    "django_watchpost.middleware.WatchpostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "tests.served.urls"
ALLOWED_HOSTS = ["shop.example"]
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^plain/"]
WATCHPOST = json.loads(os.environ["SERVED_WATCHPOST"])
