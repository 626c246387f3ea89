import os

FLAVOUR = os.environ["SHOP"]  # bare | agent | peer
SECRET_KEY = "only-for-the-bench"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["SHOP_DB_HOST"],
        "PORT": os.environ["SHOP_DB_PORT"],
        "NAME": "postgres",
        "USER": os.environ["SHOP_DB_USER"],
        "OPTIONS": {"connect_timeout": 5},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING_CONFIG = None
INSTALLED_APPS = {"bare": [], "agent": ["django_watchpost"], "peer": ["health_check"]}[FLAVOUR]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
if FLAVOUR == "agent":
    MIDDLEWARE.insert(0, "django_watchpost.middleware.WatchpostMiddleware")
