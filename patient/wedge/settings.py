"""The shop's settings with the wedge in it, and with what a fault wants to be otherwise.

``WEDGE_FILE`` names the file with the rules of ``wedge.middleware``; ``WEDGE_SETTINGS`` holds settings as
JSON, by dotted path: ``{"CACHES.default.BACKEND": "..."}``.
"""

import json
import os

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS, MIDDLEWARE, WATCHPOST

WEDGE_FILE = os.environ["WEDGE_FILE"]
INSTALLED_APPS = [*INSTALLED_APPS, "patient.wedge"]
MIDDLEWARE = [MIDDLEWARE[0], "patient.wedge.middleware.WedgeMiddleware", *MIDDLEWARE[1:]]
# Nobody wants to wait for a demonstration. The usual limits bear slow releases and long tasks; these do not,
# and the night comes every twenty seconds. The shortest period and grace of an entry's heartbeat are a minute
# each: the job may be silent for two.
_NIGHTLY = "tidy up at night"
CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {_NIGHTLY: CELERY_BEAT_SCHEDULE[_NIGHTLY] | {"schedule": 20.0}}
WATCHPOST = WATCHPOST | {
    "HEARTBEATS": {_NIGHTLY: {"grace": 60, "depends_on": "health"}} | WATCHPOST["HEARTBEATS"],
    "HEALTH_OVERRIDES": {
        "*": {"interval": 5},
        "database": {"idle_in_transaction_s": 8},
        "celery.queues": {"degraded_depth": 100},
        "celery.consumers": {"silent_after": 12, "settles_in": 3, "grace": 15},
        "celery.workers": {"silent_after": 12, "stuck_after": 8, "takes_within": 12, "grace": 15},
        "beat": {"silent_after": 12, "ticks_within": 8, "grace": 15, "overlap": 4},
    },
}


def _place(path: str, value: object) -> None:
    """``path``: a setting, and keys below it."""
    *above, last = path.split(".")
    at = globals()
    for part in above:
        at = at.setdefault(part, {})
    at[last] = at[last] | value if isinstance(value, dict) and isinstance(at.get(last), dict) else value


for _path, _value in json.loads(os.environ.get("WEDGE_SETTINGS", "{}")).items():
    _place(_path, _value)
