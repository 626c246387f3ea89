"""A small project for the agent's tests."""

SECRET_KEY = "only-for-tests-of-the-agent"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "django_watchpost",
]
MIDDLEWARE = [
    "django_watchpost.middleware.WatchpostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["shop.example"]
SECURE_SSL_REDIRECT = True
USE_TZ = True
STATIC_URL = "/static/"
