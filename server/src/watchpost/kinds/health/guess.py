"""What a check of another package is about, by its name: so that its trouble has a name and a fix, too. Pure.

Only what is certain: the words of packages that are in use (django-health-check 3 and 4, django-watchman,
Spring Boot). A name that says nothing gets no code.
"""

from __future__ import annotations

import re

_OTHER_VALUE = re.compile(r"(?i)does not match")
_READ_ONLY = re.compile(r"(?i)read.?only")
_TOO_MANY = re.compile(
    r"(?i)too many (?:clients|connections)|remaining connection slots|max_user_connections"
)
# What a name begins with (lower case, no marks between words), and what its trouble is called.
_ABOUT = (
    ("migration", "migrations.pending"),
    ("database", "database.unreachable"),
    ("db", "database.unreachable"),
    ("postgres", "database.unreachable"),
    ("mysql", "database.unreachable"),
    ("cache", "cache.down"),
    ("redis", "redis.down"),
    ("defaultfilestorage", "storage.not_writable"),
    ("storage", "storage.not_writable"),
    ("s3", "storage.unreachable"),
    ("mail", "mail.unreachable"),
    ("email", "mail.unreachable"),
    ("celeryping", "celery.not_answering"),
    ("celeryhealthcheck", "celery.not_answering"),
    ("rabbit", "celery.broker_down"),
)
_FULL = (("disk", "disk.nearly_full"), ("memory", "memory.high"))
# What is measured there says nothing of whether the thing answers.
_MEASURE = re.compile(r"responsetime|latency|connections|utili[sz]ation|uptime|count|queue|size")


def guess(name: str, message: str, is_error: bool) -> str:
    """The code, or "". What is only degraded does answer: of that nothing is known but that a disk or memory
    is filling up."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    about = next((code for start, code in _FULL if plain.startswith(start)), "")
    if about or not is_error or _MEASURE.search(plain):
        return about
    if plain == "ping":  # django-health-check 4: celery.Ping
        return "celery.not_answering"
    about = next((code for start, code in _ABOUT if plain.startswith(start)), "")
    if about == "database.unreachable":
        if _TOO_MANY.search(message):
            return "database.too_many_connections"
        if _READ_ONLY.search(message):
            return "database.read_only"
    if about == "cache.down" and _OTHER_VALUE.search(message):
        return "cache.wrong_value"
    return about
