"""The Redis servers behind caches, Celery and Channels: whether they answer, take writes, and have room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from time import perf_counter
from typing import Any

from django_watchpost.health.contract import Check, Result, degraded, error, ok
from django_watchpost.health.probing.causes import explain
from django_watchpost.health.probing.causes_of_caches import REDIS
from django_watchpost.health.probing.connect import since_ms
from django_watchpost.health.probing.redis_servers import Server, find_servers
from django_watchpost.health.probing.worst import worst

_CODES = {"stalled": "redis.stalled", "read_only": "redis.read_only"}


@dataclass(kw_only=True)
class Redis(Check):
    """PING is answered, and INFO says that writes are taken and that there is room.

    ``url``: of the server. ``may_be_read_only``: it is a replica to read from. ``memory_degraded`` and
    ``memory_error``: percent of maxmemory, where nothing is evicted. ``holds_tasks``: nothing may be evicted.
    """

    id: str = "redis"
    url: str = field(default="redis://localhost:6379", repr=False)
    critical: bool = False
    interval: float = 15.0
    deadline: float = 2.0
    memory_degraded: float = 90.0
    memory_error: float = 99.0
    may_be_read_only: bool = False
    holds_tasks: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def found(cls) -> Iterable[Check]:
        if find_spec("redis") is None:
            return
        for one in find_servers():
            yield cls(
                id=f"redis.{one.use}",
                url=one.url,
                may_be_read_only=one.is_replica,
                holds_tasks=one.use.startswith("broker"),
                options=one.options,
            )

    def run(self) -> Result:
        client = self._client()
        try:
            began = perf_counter()
            client.ping()
            took_ms = since_ms(began)
            info = self._info(client)
        except Exception as problem:  # noqa: BLE001
            return self._explain(problem)
        finally:
            client.connection_pool.disconnect()
        found = list(self._judge(info))
        return worst(found, ok(observed=took_ms, unit="ms", details=_figures(info)))

    def _client(self) -> Any:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        within = {"socket_timeout": self.deadline, "socket_connect_timeout": self.deadline}
        return redis.Redis.from_url(self.url, **{**self.options, **within, "retry": Retry(NoBackoff(), 0)})

    def _info(self, client: Any) -> dict[str, Any]:
        """Empty where the user may not ask."""
        from redis.exceptions import ResponseError

        try:
            return dict(client.info())
        except ResponseError:
            return {}

    def _judge(self, info: Mapping[str, Any]) -> Iterator[Result]:
        if info.get("role") == "slave" and not self.may_be_read_only and info.get("slave_read_only", 1):
            yield error(
                f"{self._name} is a read-only replica of {info.get('master_host')}: it takes no writes.",
                code="redis.read_only",
                fix="After a failover point the settings at the new primary.",
            )
        if info.get("rdb_last_bgsave_status", "ok") != "ok":
            yield degraded(
                f"{self._name} could not save its data to disk; by default it takes no writes until it can.",
                code="redis.read_only",
                fix="Look at its log, its disk and the rights of its folder.",
            )
        yield from self._judge_memory(info)

    def _judge_memory(self, info: Mapping[str, Any]) -> Iterator[Result]:
        most, used = info.get("maxmemory", 0), info.get("used_memory", 0)
        policy = str(info.get("maxmemory_policy"))
        percent = round(100 * used / most, 1) if most else 0.0
        if percent < self.memory_degraded:
            return
        room = f"{most / 1e6:.0f} MB" if most >= 1e6 else f"{most / 1e3:.0f} kB"
        share = f"{percent:g} % of" if percent < 1000 else "far more than"
        has = f"{self._name} uses {share} its {room}"
        figures: dict[str, Any] = {"observed": percent, "unit": "%", "code": "redis.full"}
        if policy == "noeviction":
            say = error if percent >= self.memory_error else degraded
            yield say(
                f"{has}, and evicts nothing: when it is full, writes fail.",
                fix="Raise maxmemory; find what grows (redis-cli --bigkeys); set maxmemory-policy "
                "allkeys-lru on a server that is a cache alone.",
                **figures,
            )
        elif self.holds_tasks and policy.startswith("allkeys"):
            yield degraded(
                f"{has}, and makes room by throwing away any key ({policy}), tasks of Celery among them.",
                fix="Give the broker a server of its own with maxmemory-policy noeviction.",
                **figures,
            )

    def _explain(self, problem: Exception) -> Result:
        known = {"subject": self._name, "place": self._place, "deadline": self.deadline}
        told = explain(problem, REDIS, "redis.down", **known)
        code = _CODES.get(told.details["cause"], told.code)
        return error(told.message, code=code, fix=told.fix, details=told.details)

    @property
    def _place(self) -> str:
        return Server("", self.url).place

    @property
    def _name(self) -> str:
        return f"Redis at {self._place} ({self.id.removeprefix('redis.')})"


def _figures(info: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "redis_version",
        "role",
        "used_memory",
        "maxmemory",
        "maxmemory_policy",
        "connected_clients",
        "evicted_keys",
    )
    return {name: info[name] for name in names if name in info}
