"""The finding codes of an application that speaks of itself: its parts, and the endpoint that tells of them.

From rank 76 on a code explains what visitors see (``core.incident.EXPLAINS``): these come before any
``site.*``. Below 50 stands what is trouble of its own and no reason for a page that fails.
"""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

DATABASE = (
    Code("database.too_many_connections", _ERROR, "The database takes no more connections", rank=95),
    Code("database.pool_exhausted", _ERROR, "The pool has no connection left", rank=94),
    Code("database.read_only", _ERROR, "The database takes no writes", rank=93),
    Code("database.unreachable", _ERROR, "The database does not answer", rank=92),
    Code("database.pool_waiting", _WARNING, "Requests wait for a database connection", rank=79),
    Code("database.slow", _WARNING, "The database is slow", rank=78),
    Code("database.idle_in_transaction", _WARNING, "Transactions are left open", rank=77),
    Code("database.connections_high", _WARNING, "Database connections are running out", rank=47),
    Code("migrations.pending", _ERROR, "Migrations are not applied", rank=88),
    Code("migrations.unreadable", _WARNING, "Migrations cannot be read", rank=40),
)
AROUND = (
    Code("disk.full", _ERROR, "The disk is full", rank=96),
    Code("redis.down", _ERROR, "Redis does not answer", rank=91),
    Code("redis.stalled", _ERROR, "Redis takes connections and says nothing", rank=90),
    Code("redis.full", _ERROR, "Redis has no memory left", rank=90),
    Code("redis.read_only", _ERROR, "Redis takes no writes", rank=89),
    Code("cache.down", _ERROR, "The cache does not answer", rank=86),
    Code("cache.stalled", _ERROR, "The cache takes connections and says nothing", rank=85),
    Code("cache.full", _ERROR, "The cache takes no more values", rank=84),
    Code("cache.wrong_value", _ERROR, "The cache gives back another value", rank=83),
    Code("cache.swallowing_errors", _WARNING, "The cache fails and hides it", rank=82),
    Code("cache.slow", _WARNING, "The cache is slow", rank=76),
    Code("storage.not_writable", _ERROR, "Files cannot be stored", rank=48),
    Code("storage.unreachable", _ERROR, "The file storage does not answer", rank=48),
    Code("mail.unreachable", _ERROR, "The mail server does not answer", rank=46),
    Code("mail.refused", _ERROR, "The mail server refuses us", rank=46),
    Code("disk.nearly_full", _WARNING, "The disk is nearly full", rank=44),
    Code("memory.limit_near", _WARNING, "The memory limit is near", rank=45),
    Code("memory.high", _WARNING, "Memory is running out", rank=43),
    Code("static.manifest_missing", _ERROR, "The manifest of the static files is missing", rank=87),
    Code("static.file_gone", _ERROR, "A file of the manifest is gone", rank=59),
    Code("static.restart_needed", _WARNING, "Processes still have the old manifest", rank=57),
)
BEHIND = (
    Code("celery.broker_down", _ERROR, "The broker does not answer", rank=81),
    Code("celery.no_workers", _ERROR, "No Celery worker is there", rank=49),
    Code("celery.no_consumer", _ERROR, "Nobody consumes a queue", rank=48),
    Code("celery.stuck", _ERROR, "Workers hang", rank=48),
    Code("celery.not_answering", _WARNING, "Celery workers do not answer", rank=45),
    Code("celery.backlog", _WARNING, "A queue grows", rank=42),
    Code("beat.silent", _ERROR, "Beat has gone quiet", rank=47),
)
SETTINGS = (
    Code("settings.debug", _WARNING, "DEBUG is on", rank=12),
    Code("settings.secret_key", _WARNING, "SECRET_KEY is weak", rank=11),
    Code("settings.allowed_hosts", _WARNING, "ALLOWED_HOSTS does not fit", rank=11),
    Code("settings.persistent_connections", _WARNING, "Persistent connections under ASGI", rank=10),
    Code("settings.cache_timeouts", _WARNING, "The cache has no timeouts", rank=10),
    Code("settings.local_cache", _WARNING, "Each process has a cache of its own", rank=9),
)
# An endpoint that does not answer says no more than the page that does not answer: below each of ``site.*``.
ENDPOINT = (
    Code("health.failing", _ERROR, "A check fails", rank=76),
    Code("health.check_timeout", _ERROR, "A check does not answer in time", rank=77),
    Code("health.check_raised", _ERROR, "A check breaks off", rank=76),
    Code("health.degraded", _WARNING, "A check is not well", rank=32),
    Code("health.check_broken", _WARNING, "A check is written wrongly", rank=20),
    Code("health.no_thread", _WARNING, "No thread for the checks", rank=41),
    Code("health.stale", _WARNING, "The results are old", rank=39),
    Code("health.slow", _WARNING, "The health endpoint is slow", rank=24),
    Code("health.unreadable", _ERROR, "No health report", rank=29),
    Code("health.token_refused", _WARNING, "The token is refused", rank=28),
    Code("health.refused_by_guard", _ERROR, "Closed address", rank=27, settled=True),
    Code("health.unreachable.dns", _ERROR, "The name does not resolve", rank=27),
    Code("health.unreachable.connect", _ERROR, "No connection", rank=26),
    Code("health.unreachable.tls", _ERROR, "No secure connection", rank=26),
    Code("health.unreachable.timeout", _ERROR, "No answer in time", rank=26),
    Code("health.unreachable.reset", _ERROR, "The connection breaks", rank=26),
    Code("health.unreachable.protocol", _ERROR, "The answer is not HTTP", rank=26),
)
CODES: tuple[Code, ...] = (*DATABASE, *AROUND, *BEHIND, *SETTINGS, *ENDPOINT)
# The agent sees from inside what the assets kind sees from outside; the page of these is that one's.
SHARED = frozenset({"static.not_collected", "static.stale"})
NAMES = frozenset(entry.code for entry in CODES) | SHARED
