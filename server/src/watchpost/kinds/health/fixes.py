"""What to do, by code, for a check that brings no fix of its own: the first steps at 3 a.m. Pure."""

from __future__ import annotations

FIXES = {
    "database.too_many_connections": (
        "See who holds them: `SELECT usename, state, count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY "
        "3 DESC`. Restart what leaks, lower the number of workers or CONN_MAX_AGE, and put a pool (OPTIONS "
        "pool, PgBouncer) in between."
    ),
    "database.pool_exhausted": (
        "Look for long requests and open transactions that keep connections; restart the workers to get "
        'going, then raise max_size of OPTIONS["pool"] to the number of threads.'
    ),
    "database.read_only": (
        "Find out whether it was promoted or the disk is full: `SHOW transaction_read_only`, `SELECT "
        "pg_is_in_recovery()`. Point DATABASES at the primary."
    ),
    "database.unreachable": (
        "Check that the database runs (`systemctl status postgresql`, `pg_isready -h HOST`) and that host, "
        "port and password in DATABASES are right."
    ),
    "database.pool_waiting": (
        "Find the slow queries (`pg_stat_activity` by query_start) and shorten them, or raise max_size of"
        ' OPTIONS["pool"].'
    ),
    "database.slow": (
        "Look at the load of the database machine and at `pg_stat_activity` for long queries and locks."
    ),
    "database.idle_in_transaction": (
        "Find it with `SELECT pid, xact_start, query FROM pg_stat_activity WHERE state = 'idle in "
        "transaction'`; end it with pg_terminate_backend(pid), then set idle_in_transaction_session_timeout."
    ),
    "database.connections_high": (
        "See who holds them: `SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, "
        "2`. Lower workers or CONN_MAX_AGE before new ones are refused."
    ),
    "migrations.pending": (
        "Run `python manage.py migrate` with the settings of production, and put it into the deploy."
    ),
    "migrations.unreadable": ("Run `python manage.py showmigrations` and read what it says."),
    "disk.full": (
        "Find what fills it: `df -h`, then `du -xh / | sort -h | tail -20`. Old logs and core dumps first."
    ),
    "disk.nearly_full": (
        "See what grows: `df -h`, `du -xh / | sort -h | tail -20`; rotate logs, prune old releases."
    ),
    "memory.high": (
        "See who takes it: `ps aux --sort=-rss | head`. Recycle workers (gunicorn --max-requests)."
    ),
    "memory.limit_near": (
        "Raise the limit of the container or start fewer workers; gunicorn --max-requests ends leaks."
    ),
    "redis.down": (
        "Check that it runs (`systemctl status redis`, `redis-cli -h HOST ping`) and that its URL is right."
    ),
    "redis.stalled": (
        "Look at what it does: `redis-cli --latency`, `redis-cli SLOWLOG GET 10`; a fork for saving or one "
        "huge key holds all."
    ),
    "redis.full": (
        "See `redis-cli INFO memory`; raise maxmemory, or set maxmemory-policy allkeys-lru for a cache."
    ),
    "redis.read_only": (
        "It is a replica, or cannot save: `redis-cli INFO replication`, `redis-cli INFO persistence`."
    ),
    "cache.down": ("Check that the cache server runs and that LOCATION in CACHES names it; then restart it."),
    "cache.stalled": (
        "Restart the cache server; set socket_timeout and socket_connect_timeout in CACHES' OPTIONS so that "
        "a hung one costs a second and not a worker."
    ),
    "cache.swallowing_errors": (
        "The backend hides its errors (IGNORE_EXCEPTIONS): look at the cache server itself, and set "
        "DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True."
    ),
    "cache.wrong_value": (
        "Check whether two applications share it with one KEY_PREFIX, and whether it evicts at once."
    ),
    "cache.full": ("Raise its memory limit, or let it evict (maxmemory-policy allkeys-lru)."),
    "cache.slow": ("Look at its load and at the network in between; one huge value slows down all others."),
    "storage.not_writable": (
        "Check owner, rights and space of MEDIA_ROOT: `ls -ld`, `df -h`; it must belong to the user of the "
        "workers."
    ),
    "storage.unreachable": ("Check the credentials, the bucket's name and the status page of the provider."),
    "mail.unreachable": (
        "Check EMAIL_HOST and EMAIL_PORT and that the firewall lets them out: `nc -vz HOST PORT`."
    ),
    "mail.refused": (
        "Check EMAIL_HOST_USER and EMAIL_HOST_PASSWORD; the provider may have locked the account."
    ),
    "static.manifest_missing": ("Run `python manage.py collectstatic --noinput` and restart all processes."),
    "static.not_collected": ("Run `python manage.py collectstatic --noinput` as part of every deploy."),
    "static.stale": ("Run `python manage.py collectstatic --noinput`, then restart all processes."),
    "static.file_gone": (
        "Run `python manage.py collectstatic --noinput`; never delete files the manifest still names."
    ),
    "static.restart_needed": ("Restart all processes: each reads the manifest once, when it starts."),
    "celery.broker_down": (
        "Check that the broker runs (`redis-cli ping`, `rabbitmqctl status`) and that CELERY_BROKER_URL "
        "names it."
    ),
    "celery.no_workers": ("Start them: `systemctl status celery`, `celery -A PROJECT status`."),
    "celery.no_consumer": (
        "Start a worker for it: `celery -A PROJECT worker -Q QUEUE`; compare with task_routes."
    ),
    "celery.stuck": (
        "See what they do: `celery -A PROJECT inspect active`; restart them and set task_time_limit."
    ),
    "celery.not_answering": (
        "Look at the workers' log; `celery -A PROJECT inspect ping` shows which are there."
    ),
    "celery.backlog": (
        "Start more workers for the queue, or find the task that became slow: `inspect active`."
    ),
    "beat.not_run": (
        "Beat is well; look at the workers: do they consume task_default_queue (`inspect active_queues`), "
        "or are they far behind?"
    ),
    "beat.twice": (
        "Stop all Beats but one: a worker with -B on several machines, a service scaled to two, an old "
        "container."
    ),
    "beat.silent": ("Start it: `systemctl status celery-beat`; exactly one Beat must run."),
    "settings.debug": (
        "Set DEBUG = False for production: its error pages show settings and code to anybody."
    ),
    "settings.secret_key": (
        "Give SECRET_KEY a long random value from the environment; the old one into SECRET_KEY_FALLBACKS."
    ),
    "settings.allowed_hosts": ("Name the site's hosts in ALLOWED_HOSTS, and nothing else."),
    "settings.persistent_connections": (
        "Set CONN_MAX_AGE = 0 under ASGI: each thread would keep one for ever."
    ),
    "settings.cache_timeouts": ("Set socket_connect_timeout and socket_timeout in CACHES' OPTIONS."),
    "settings.local_cache": ("Use a cache that all processes share: Redis, Memcached or the database."),
    "health.check_timeout": (
        "Look at what this check asks: it takes connections and does not answer, or is overloaded."
    ),
    "health.check_raised": ("Look for the traceback of this check in the application's log."),
    "health.check_broken": ("Correct the check: run() gives back ok(), degraded() or error()."),
    "health.no_thread": (
        "The process has no threads left: look at `ulimit -u`, the container's pids limit, and leaks."
    ),
    "health.stale": (
        "Look for what holds the process (a busy loop, a frozen disk); uWSGI needs --enable-threads."
    ),
    "health.failing": ("Look at what this check asks, and into the application's log."),
    "health.degraded": ("Look at what this check asks before it becomes an outage."),
}
