"""The full stand: nginx with TLS, gunicorn, PostgreSQL, two Redis, Memcached, two Celery queues, Beat."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from patient.authority import Authority
from patient.child import answers, free_port
from patient.names import ADDRESSES, DOMAIN, FIRST, HOST, RESOLVER, SECOND, SIXTH, Names, has_ipv6
from patient.registry import Registry
from patient.servers import Front, Postgres, find, is_root, write_nginx
from patient.stand import Stand

_MOST_CONNECTIONS = 40
NAMES = (FIRST, "localhost", HOST)  # in the certificate


class Full(Stand):
    runs = "full"
    front = "nginx"
    queues = {"worker": ("celery",), "worker_mail": ("mail",)}

    def __init__(self, folder: Path, port: int = 8000) -> None:
        """``port``: preferred for https; another one if it is taken. Raises StandFailed."""
        super().__init__(folder)
        self._fronts: dict[str, Mapping[str, Any]] = {}
        self.port = free_port(port)
        names = ("plain", "app", "mail", "postgres", "redis_cache", "redis_broker", "memcached", "registry")
        self.ports = {name: free_port() for name in names}
        self.url = f"https://127.0.0.1:{self.port}/"
        self.plain_url = f"http://127.0.0.1:{self.ports['plain']}/"
        self.static = self.folder / "static"
        self.authority = Authority()
        self.ca_pem = self.authority.root_pem
        (self.folder / "ca.pem").write_text(self.ca_pem)
        self.postgres = Postgres(self.folder, self.ports["postgres"], _MOST_CONNECTIONS)
        self.names = Names(self.folder, has_ipv6())
        self.registry = Registry(self.folder, self.ports["registry"], DOMAIN)
        self.machines = (FIRST, SECOND, *((SIXTH,) if has_ipv6() else ()))
        self._add_names()
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

    def _add_names(self) -> None:
        names, port = self.names, self.ports["registry"]
        python = (sys.executable, "-m")
        server = (*python, "patient.nameserver", str(names.port), str(names.folder), *ADDRESSES)
        self._add("names", lambda: server, is_ready=lambda: answers(names.port))
        registry = (*python, "patient.registry", str(port), str(self.registry.folder))
        self._add("registry", lambda: registry, is_ready=lambda: answers(port))
        self.watch_file = "watch_names.yaml"
        self.watched = {"domain": DOMAIN, "host": HOST, "port": self.port, "dns_port": names.port}
        self.watcher_environ = {
            "WATCHPOST_RESOLVERS": f"{RESOLVER}:{names.port}",
            "WATCHPOST_RDAP_BOOTSTRAP": self.registry.list_url,
        }

    def _redis(self, port: int) -> Sequence[str]:
        options = f"--port {port} --bind 127.0.0.1 --dir {self.folder}"
        return [find("redis-server", "redis-server"), *options.split(" "), "--save", ""]

    def _memcached(self) -> Sequence[str]:
        user = ["-u", "nobody"] if is_root() else []
        options = f"-l 127.0.0.1 -p {self.ports['memcached']} -U 0 -m 32"
        given = self.kept.get("memcached_options", ())
        return [find("memcached", "memcached"), *options.split(" "), *given, *user]

    def _nginx(self) -> Sequence[str]:
        closed = self.kept.get("closed", ())
        listens = tuple(
            f"{f'[{one}]' if ':' in one else one}:{self.port}" for one in self.machines if one not in closed
        )
        front = Front(self.port, self.ports["plain"], self.ports["app"], listens)
        for wanted in self._fronts.values():
            front = replace(front, **wanted)
        return write_nginx(self.folder, self.static, front)

    def prepare(self) -> None:
        self.certify()
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

    def certify(
        self,
        *names: str,
        by: Authority | None = None,
        machines: Sequence[str] = ("first", "second"),
        **more: Any,
    ) -> None:
        """From now on these machines show a certificate for these names, else for all of the shop's.
        ``more``: see ``Authority.write``."""
        for machine in machines:
            place = self.folder / "certificates" / machine
            place.mkdir(parents=True, exist_ok=True)
            (by or self.authority).write(place, names or NAMES, **more)
        self._reload_nginx()

    def close_address(self, *addresses: str) -> None:
        """From now on nobody listens there; at all others, somebody does."""
        self.kept["closed"] = addresses
        self._nginx()
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
            "ALLOWED_HOSTS": f"127.0.0.1,localhost,{HOST}",
            "CSRF_TRUSTED_ORIGINS": self.url.rstrip("/"),
        }
