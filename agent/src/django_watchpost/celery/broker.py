"""One connection to the broker with deadlines of its own, given back after use, and why it could not be
had."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

WITHIN_S = 1.5
_REDIS = ("redis", "sentinel")


class BrokerTrouble(Exception):
    """The broker cannot be used: ``words`` say why, ``fix`` what to do."""

    def __init__(self, words: str, fix: str) -> None:
        super().__init__(words)
        self.words, self.fix = words, fix


@dataclass(frozen=True, slots=True)
class Opened:
    """An open channel; ``kind``: ``redis``, ``amqp``, ``filesystem`` or the name of kombu's transport."""

    channel: Any
    kind: str
    address: str

    def redis(self) -> tuple[Any, str]:
        """A plain client on the connection of the channel, and what project names are prefixed with."""
        from redis import Redis

        return Redis(connection_pool=self.channel.client.connection_pool), str(
            self.channel.global_keyprefix or ""
        )


@contextmanager
def open_broker(app: Any, within_s: float = WITHIN_S) -> Iterator[Opened]:
    """Each step ends within ``within_s`` seconds. Raises BrokerTrouble, also for what fails inside."""
    connection = app.connection_for_read(
        connect_timeout=within_s, transport_options=deadlines(broker_kind(app), within_s)
    )
    raw, transport, address = None, None, address_of(connection)
    try:
        raw, transport = _establish(connection)
        address = address_of(connection)  # the one of several that answered
        yield Opened(transport.create_channel(raw), broker_kind(app), address)
    except BrokerTrouble:
        raise
    except Exception as problem:
        if not isinstance(problem, _errors(connection)):
            raise
        raise explain(problem, address, within_s) from problem
    finally:
        with suppress(Exception):
            if raw is not None and transport is not None:
                transport.close_connection(raw)
        with suppress(Exception):
            connection.release()


def broker_kind(app: Any) -> str:
    scheme = str(app.conf.broker_read_url or "amqp").partition(";")[0].partition(":")[0].lower()
    scheme = scheme.partition("+")[0]
    if scheme in ("rediss", "redis"):
        return "redis"
    return "amqp" if scheme in ("amqp", "amqps", "pyamqp", "librabbitmq") else scheme


def is_redis(kind: str) -> bool:
    return kind in _REDIS


def address_of(connection: Any) -> str:
    """``redis at cache:6379``, without user and password."""
    host = str(connection.hostname or "")
    if "://" in host or host.startswith("/"):
        return f"{connection.transport_cls} at {host.rpartition('@')[2].rpartition('://')[2]}"
    port = connection.port or getattr(connection.transport, "default_port", None)
    return f"{connection.transport_cls} at {host or 'localhost'}{f':{port}' if port else ''}"


def explain(problem: BaseException, address: str, within_s: float) -> BrokerTrouble:
    """Down, silent, refused and unknown are told apart: each is mended elsewhere."""
    chain = list(_chain(problem))
    said = " ".join(str(problem).split()) or type(problem).__name__
    names = " ".join(type(one).__name__ for one in chain)
    if any(word in f"{names} {said}" for word in _REFUSED):
        words = f"The broker ({address}) refuses the login: {said}."
        return BrokerTrouble(
            words, "Compare user, password and virtual host in broker_url with the broker's."
        )
    if any(isinstance(one, socket.gaierror) for one in chain) or "Name or service not known" in said:
        words = f"The name of the broker ({address}) cannot be resolved."
        return BrokerTrouble(words, "Look at the host in broker_url, and at the resolver of this machine.")
    if any(isinstance(one, ssl.SSLError) for one in chain):
        words = f"TLS with the broker ({address}) fails: {said}."
        return BrokerTrouble(words, "Compare broker_use_ssl with the broker's certificate and port.")
    if any(getattr(one, "errno", None) == errno.ECONNREFUSED for one in chain) or "refused" in said.lower():
        words = f"The broker ({address}) refuses connections: nothing listens there."
        return BrokerTrouble(words, "Start it, and look into its log for why it stopped.")
    if any(isinstance(one, TimeoutError) for one in chain) or "timed out" in said.lower():
        words = f"The broker ({address}) does not answer within {within_s:g} s."
        return BrokerTrouble(
            words, "It hangs or a firewall drops packets: look at its process and at its load."
        )
    words = f"The broker ({address}) cannot be used: {said}."
    return BrokerTrouble(words, "Look into the broker's log.")


_REFUSED = (
    "AuthenticationError",
    "AccessRefused",
    "ACCESS_REFUSED",
    "NOAUTH",
    "WRONGPASS",
    "NotAllowed",
)


def _establish(connection: Any) -> tuple[Any, Any]:
    """Through the transport itself: kombu's own way would try again and again. Several addresses in
    ``broker_url`` are tried in turn, as a worker would."""
    for left in range(max(1, len(connection.alt)), 0, -1):
        transport = connection.transport
        try:
            return transport.establish_connection(), transport
        except Exception:
            if left == 1 or connection.transport_cls == "sentinel":
                raise
            connection.maybe_switch_next()
    raise AssertionError("the loop ends by returning or raising")


def deadlines(kind: str, within_s: float) -> dict[str, Any]:
    """Of each read and write, as kombu's transport takes them."""
    if is_redis(kind):
        return {"socket_timeout": within_s, "socket_connect_timeout": within_s, "retry_on_timeout": False}
    if kind == "amqp":
        return {"read_timeout": within_s, "write_timeout": within_s}
    return {}


def _errors(connection: Any) -> tuple[type[BaseException], ...]:
    return (OSError, *connection.connection_errors, *connection.channel_errors)


def _chain(problem: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = problem
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__
