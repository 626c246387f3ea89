"""Why a Redis, a Memcached or a folder of cached files does not work.

The words are those of Redis' ``server.c`` and ``networking.c``, of redis-py, pymemcache, pylibmc and errno.
Sentences name {subject}, {place} and {deadline}.
"""

from __future__ import annotations

import errno

from django_watchpost.health.probing.causes import Cause

_FULL = Cause(
    "full",
    r"OutOfMemoryError|OOM command|out of memory|error 48 from memcached|No space left|Disk quota",
    (errno.ENOSPC, errno.EDQUOT),
    "{subject} is full and takes nothing more: {said}",
    "Raise its memory (Redis: maxmemory) or let it throw away what is old (maxmemory-policy allkeys-lru); "
    "keys without a timeout never make room. A cache of files: free the disk.",
    "cache.full",
)
_READ_ONLY = Cause(
    "read_only",
    r"ReadOnlyError|READONLY|read only replica",
    (),
    "{subject} is a read-only replica: {said}",
    "After a failover point the application at the new primary; list the primary first in LOCATION.",
)
_UNSAVED = Cause(
    "not_saving",
    r"MISCONF",
    (),
    "{subject} takes no writes because it cannot save its data to disk: {said}",
    "Free its disk or mend its rights (INFO persistence says what failed); a pure cache needs no snapshots "
    "(save "
    '"").',
)
_LOADING = Cause(
    "loading",
    r"BusyLoadingError|loading the dataset",
    (),
    "{subject} still loads its data after a start: {said}",
    "Wait. If it takes long, keep less in it; a pure cache needs nothing on disk.",
)
_LOGIN = Cause(
    "authentication",
    r"NOAUTH|WRONGPASS|AuthenticationError|invalid username-password|NoPermissionError|NOPERM|AUTH FAILURE",
    (),
    "{subject} does not let this process in: {said}",
    "Compare the password (and user) in LOCATION or OPTIONS with the server's.",
)
_CLIENTS = Cause(
    "too_many_clients",
    r"max number of clients|MaxConnectionsError|Too many connections",
    (),
    "{subject} gives no more connections: {said}",
    "Count processes x threads; look for clients that stay (CLIENT LIST), and raise maxclients or the "
    "pool's max_connections.",
)
_NO_ACCEPT = Cause(
    "no_connection",
    r"[Tt]imeout connecting|No route to host|unreachable|CONNECTION FAILURE.*[Tt]imed? ?out",
    (errno.EHOSTUNREACH, errno.ENETUNREACH),
    "{subject} cannot be connected to within {deadline:g} s: {said}",
    "The machine is gone or a firewall drops packets: try the port from here.",
)
_HOST = Cause(
    "unknown_host",
    r"Name or service not known|name resolution|nodename nor servname|gaierror|No address associated|HOSTNAME"
    r"|host lookup",
    (),
    "The host name of {subject} is not known: {said}",
    "Compare its address in the settings with the name the server has now.",
)
_STALLED = Cause(
    "stalled",
    r"TimeoutError|[Tt]imed? ?out|Timeout|TIMEOUT",
    (errno.ETIMEDOUT,),
    "{subject} accepts connections and did not answer within {deadline:g} s.",
    "The server hangs (a slow command, swapping, a frozen machine): look at SLOWLOG and its memory, and "
    "restart it. Set socket timeouts of at most a second, so that a page does not wait as long.",
)
_TABLE = Cause(
    "table",
    r"no such table|relation .* does not exist|Table .* doesn't exist",
    ("42P01", 1146),
    "The table of {subject} is not there: {said}",
    "Run manage.py createcachetable.",
)
_RIGHTS = Cause(
    "rights",
    r"PermissionError|Permission denied|Read-only file system",
    (errno.EACCES, errno.EPERM, errno.EROFS),
    "{subject} may not be written by this process at {place}: {said}",
    "Give the folder to the user of this process, or mount it writable.",
)
_IN_THE_WAY = Cause(
    "no_folder",
    r"FileExistsError|NotADirectoryError|IsADirectoryError",
    (errno.EEXIST, errno.ENOTDIR, errno.EISDIR),
    "{subject} cannot use its folder {place}, something else lies there: {said}",
    "Look what lies there and take it away, or correct LOCATION; the backend makes the folder by itself.",
)
_REFUSED = Cause(
    "refused",
    r"refused|Connect\w*Error|closed|reset|CONNECTION|All servers|SERVER|No such file",
    (errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOENT),
    "{subject} is down, nothing answers at {place}: {said}",
    "Start it, or compare its address in the settings with where it listens.",
)
_OTHER = Cause(
    "other",
    "",
    (),
    "{subject} does not work: {said}",
    "Try the same in manage.py shell; compare its settings with the documentation of the backend.",
)
_SERVER = (_READ_ONLY, _UNSAVED, _LOADING, _LOGIN, _CLIENTS, _NO_ACCEPT, _HOST)

# The order matters: what a server says comes before what its silence means.
CACHE = (_FULL, *_SERVER, _TABLE, _RIGHTS, _IN_THE_WAY, _STALLED, _REFUSED, _OTHER)
REDIS = (*_SERVER, _STALLED, _REFUSED, _OTHER)
