import json
import os

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.urls"
WATCHPOST = json.loads(os.environ.get("SHOP_WATCHPOST", "{}"))
CACHES = json.loads(
    os.environ.get("SHOP_CACHES", '{"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}')
)
CELERY_BROKER_URL = os.environ.get("SHOP_BROKER", "memory://")
CELERY_BROKER_TRANSPORT_OPTIONS = json.loads(os.environ.get("SHOP_OPTIONS", "{}"))
CELERY_TASK_ROUTES = {"shop.mail": {"queue": "mails"}}
CELERY_BEAT_SCHEDULE = json.loads(
    os.environ.get("SHOP_ENTRIES", '{"nightly": {"task": "shop.fine", "schedule": 3600.0}}')
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

if "SHOP_DATABASE" in os.environ:  # Beat's schedule in the database
    INSTALLED_APPS = [*INSTALLED_APPS, "django_celery_beat"]  # noqa: F405
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SHOP_DATABASE"]}}
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
    CELERY_BEAT_SCHEDULE = {}
