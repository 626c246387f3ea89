"""The product's settings, pointed at a database and a data folder of the test run's own.

``DB=postgres`` runs the same suite on PostgreSQL: a server is started on a free loopback port.
"""

import atexit
import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="watchpost-tests-")
atexit.register(_folder.cleanup)
os.environ["WATCHPOST_DATA_DIR"] = os.path.join(_folder.name, "data")
os.environ["WATCHPOST_ALLOW_NETWORKS"] = "127.0.0.0/8,::1/128"
os.environ["WATCHPOST_EGRESS_REFERENCES"] = ""
os.environ["WATCHPOST_SECRET_KEY"] = "only-for-tests"
for name in ("DATABASE_URL", "EMAIL_URL", "SITE_URL", "LISTEN"):
    os.environ.pop(f"WATCHPOST_{name}", None)

if os.environ.get("DB") == "postgres":
    from tests.postgres import start_postgres

    os.environ["WATCHPOST_DATABASE_URL"] = start_postgres(_folder.name)

from watchpost.config.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file: the engine writes from threads of its own, with connections of their own.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_folder.name, "test.sqlite3")}  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
