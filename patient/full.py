"""The full stand: nginx with TLS, gunicorn, PostgreSQL, two Redis, Memcached, two Celery queues, Beat."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from patient.authority import Authority
from patient.child import answers, free_port
from patient.servers import Front, Postgres, find, is_root, write_nginx
from patient.stand import Stand

_MOST_CONNECTIONS = 40


class Full(Stand):
    runs = "full"
    front = "nginx"
    queues = {"worker": ("celery",), "worker_mail": ("mail",)}

    def __init__(self, folder: Path, port: int = 8000) -> None:
        """``port``: preferred for https; another one if it is taken. Raises StandFailed."""
        super().__init__(folder)
        self._fronts: dict[str, Mapping[str, Any]] = {}
        self.port = free_port(port)
        names = ("plain", "app", "mail", "postgres", "redis_cache", "redis_broker", "memcached")
        self.ports = {name: free_port() for name in names}
        self.url = f"https://127.0.0.1:{self.port}/"
        self.plain_url = f"http://127.0.0.1:{self.ports['plain']}/"
        self.static = self.folder / "static"
        self.authority = Authority()
        self.ca_pem = self.authority.root_pem
        (self.folder / "ca.pem").write_text(self.ca_pem)
        self.postgres = Postgres(self.folder, self.ports["postgres"], _MOST_CONNECTIONS)
        self._add_servers()
        self._add_mail(self.ports["mail"])
        self._add_web(self.ports["app"])
        for worker in self.queues:
            self._add_worker(worker)
        self._add_beat()
        self._add("nginx", self._nginx, is_ready=lambda: answers(self.port), quit=signal.SIGQUIT)
        self._add_traffic("--ca", str(self.folder / "ca.pem"))

    def _add_servers(self) -> None:
        postgres = self.postgres
        self._add(
            "postgres", postgres.command, is_ready=postgres.is_ready, user=postgres.user, quit=signal.SIGINT
        )
        self.children["postgres"].cwd = Path("/")
        for name in ("redis_cache", "redis_broker"):
            port = self.ports[name]
            self._add(name, lambda port=port: self._redis(port), is_ready=lambda port=port: answers(port))
        port = self.ports["memcached"]
        self._add("memcached", self._memcached, is_ready=lambda: answers(port))

    def _redis(self, port: int) -> Sequence[str]:
        options = f"--port {port} --bind 127.0.0.1 --dir {self.folder}"
        return [find("redis-server", "redis-server"), *options.split(" "), "--save", ""]

    def _memcached(self) -> Sequence[str]:
        user = ["-u", "nobody"] if is_root() else []
        options = f"-l 127.0.0.1 -p {self.ports['memcached']} -U 0 -m 32"
        given = self.kept.get("memcached_options", ())
        return [find("memcached", "memcached"), *options.split(" "), *given, *user]

    def _nginx(self) -> Sequence[str]:
        front = Front(self.port, self.ports["plain"], self.ports["app"])
        for wanted in self._fronts.values():
            front = replace(front, **wanted)
        return write_nginx(self.folder, self.static, front)

    def prepare(self) -> None:
        self.certify("127.0.0.1", "localhost")
        self.postgres.make()
        servers = ("postgres", "redis_cache", "redis_broker", "memcached")
        for name in servers:
            self.children[name].start()
        for name in servers:
            self.start(name)
        self._make_database()
        self.manage("prepare")

    def _make_database(self) -> None:
        """As a user that is no superuser: the reserved connections are not for the shop."""
        with self.as_superuser("postgres") as database:
            if not database.execute("SELECT 1 FROM pg_roles WHERE rolname = 'shop'").fetchone():
                database.execute("CREATE ROLE shop LOGIN")
                database.execute("CREATE DATABASE shop OWNER shop")

    def close(self) -> None:
        super().close()
        self.postgres.forget()

    # ---- for faults ------------------------------------------------------------------------------

    def certify(self, *names: str, by: Authority | None = None, **more: Any) -> None:
        """From now on nginx shows a certificate for these names. ``more``: see ``Authority.write``."""
        (by or self.authority).write(self.folder, names, **more)
        self._reload_nginx()

    def front_by(self, fault: str, **wanted: Any) -> None:
        """Runs nginx with another configuration: see ``Front``. Visitors notice no restart."""
        self._fronts[fault] = wanted
        self._nginx()
        self._reload_nginx()

    def front_again(self, fault: str) -> None:
        if self._fronts.pop(fault, None) is not None:
            self._nginx()
            self._reload_nginx()
            if self.children["nginx"].is_running():  # else another fault holds it
                self._await(self.children["nginx"])

    def _reload_nginx(self) -> None:
        nginx = self.children["nginx"].process
        if nginx is not None:
            os.kill(nginx.pid, signal.SIGHUP)

    def as_superuser(self, name: str = "shop") -> Any:
        """A connection of its own to a database, autocommit. Close it."""
        return self._connect(name, "postgres")

    def as_shop(self) -> Any:
        return self._connect("shop", "shop")

    def _connect(self, name: str, user: str) -> Any:
        import psycopg

        address = f"host=127.0.0.1 port={self.ports['postgres']} dbname={name} user={user}"
        return psycopg.connect(address, autocommit=True, connect_timeout=3)

    def redis(self, name: str) -> Any:
        import redis

        return redis.Redis(port=self.ports[name], socket_timeout=3)

    def _addresses(self) -> dict[str, str]:
        at = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        return {
            "DATABASE_URL": f"postgresql://shop@{at['postgres']}/shop",
            "CACHE_URL": f"redis://{at['redis_cache']}/0",
            "PAGES_CACHE_URL": f"memcached://{at['memcached']}",
            "BROKER_URL": f"redis://{at['redis_broker']}/0",
            "EMAIL_URL": f"smtp://{at['mail']}",
            "STATIC_ROOT": str(self.static),
            "MEDIA_ROOT": str(self.folder / "media"),
            "HTTPS": "1",
            "CSRF_TRUSTED_ORIGINS": self.url.rstrip("/"),
        }
