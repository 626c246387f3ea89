"""The names of the shop: who serves its zone, what stands in it, and how faults change that.

A little internet on loopback. ``test`` is the registry's zone, ``teapot.test`` the shop's, served by two name
servers; ``hosting.test`` is a provider that the shop once had a blog at.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from patient.stand import StandFailed

DOMAIN = "teapot.test"
HOST = f"www.{DOMAIN}"
FIRST, SECOND, SIXTH = "127.0.0.1", "127.0.0.2", "::1"  # the machines of the shop; the last by IPv6
RESOLVER, REGISTRY, NS1, NS2, ELSEWHERE = "127.0.0.1", "127.0.0.10", "127.0.0.11", "127.0.0.12", "127.0.0.13"
SERVERS = (NS1, NS2, ELSEWHERE)
ADDRESSES = (RESOLVER, REGISTRY, *SERVERS)
OWN = (f"ns1.{DOMAIN}", f"ns2.{DOMAIN}")
_GLUE = {OWN[0]: NS1, OWN[1]: NS2}
_BLOG = "teapot.blogs.hosting.test"
# Answers may be remembered for a second only: what is broken is to be seen at the next look.
_HEAD = "$TTL 1\n@ IN SOA {server}. hostmaster.{server}. {serial} 3600 900 1209600 1\n"
_ROOT = """\
@ IN NS ns.test.
test. IN NS ns.test.
ns.test. IN A {registry}
"""
_TEST = """\
@ IN NS ns.test.
ns.test. IN A {registry}
ns.parking.test. IN A {elsewhere}
"""

Records = Mapping[tuple[str, str], Sequence[str]]  # (owner, type) -> values


@dataclass(frozen=True)
class Change:
    """What a fault wants otherwise. ``records`` of the shop's zone ``at`` those servers, () for none there;
    ``delegated``: the names of servers at the registry; ``blog``: whether the provider knows the blog;
    ``silent``, ``lame``: servers that answer nothing, or do not know the zone. ``unnumbered``: edited
    without a new version number."""

    records: Records = field(default_factory=dict)
    at: Sequence[str] = SERVERS
    delegated: Sequence[str] = OWN
    blog: bool = True
    silent: Sequence[str] = ()
    lame: Sequence[str] = ()
    unnumbered: bool = False


class Names:
    """The files that ``nameserver`` reads. ``change`` and ``restore`` may be called again and again."""

    def __init__(self, folder: Path, with_ipv6: bool) -> None:
        self.folder = folder / "names"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.port = _free_port()
        self._changes: dict[str, Change] = {}
        self._serial = int(time.time())
        self._serials = dict.fromkeys(SERVERS, self._serial)
        self._records = _records(with_ipv6)
        self._write()

    def change(self, fault: str, change: Change) -> None:
        if self._changes.get(fault) == change:
            return
        self._changes[fault] = change
        self._edit(() if change.unnumbered else change.at)

    def restore(self, fault: str) -> None:
        if self._changes.pop(fault, None) is not None:
            self._edit(SERVERS)

    def _edit(self, renumbered: Sequence[str]) -> None:
        self._serial += 1
        self._serials |= dict.fromkeys(renumbered, self._serial)
        self._write()

    def _write(self) -> None:
        changes = self._changes.values()
        delegated = next((one.delegated for one in changes if one.delegated != OWN), OWN)
        parent = _TEST + "".join(f"{DOMAIN}. IN NS {name}.\n" for name in delegated)
        parent += "".join(f"{name}. IN A {at}\n" for name, at in _GLUE.items() if name in delegated)
        if all(one.blog for one in changes):
            parent += f"{_BLOG}. IN A {FIRST}\n"
        head = _HEAD.format(server="ns.test", serial=self._serial)
        self._place(REGISTRY, "root", head + _ROOT.format(registry=REGISTRY))
        self._place(REGISTRY, "test", head + parent.format(registry=REGISTRY, elsewhere=ELSEWHERE))
        for server in SERVERS:
            self._write_server(server)

    def _write_server(self, server: str) -> None:
        changes, place = self._changes.values(), self.folder / server
        if any(server in one.silent for one in changes):
            shutil.rmtree(place, ignore_errors=True)
        elif any(server in one.lame for one in changes):
            (place / f"{DOMAIN}.zone").unlink(missing_ok=True)
        else:
            records = dict(self._records)
            for one in changes:
                records |= one.records if server in one.at else {}
            lines = (f"{name} IN {kind} {one}\n" for (name, kind), all_ in records.items() for one in all_)
            head = _HEAD.format(server=OWN[0], serial=self._serials[server])
            self._place(server, DOMAIN, head + "".join(lines))

    def _place(self, server: str, zone: str, text: str) -> None:
        """At once, so that nobody reads half of it."""
        place = self.folder / server
        place.mkdir(parents=True, exist_ok=True)
        half = place / f"{zone}.half"
        half.write_text(text)
        half.replace(place / f"{zone}.zone")


def _records(with_ipv6: bool) -> Records:
    both = (FIRST, SECOND)
    return {
        ("@", "NS"): tuple(f"{name}." for name in OWN),
        ("@", "A"): both,
        ("@", "MX"): ("10 mail",),
        ("@", "TXT"): ('"v=spf1 mx -all"',),
        ("ns1", "A"): (NS1,),
        ("ns2", "A"): (NS2,),
        ("mail", "A"): (FIRST,),
        ("www", "A"): both,
        ("www", "AAAA"): (SIXTH,) if with_ipv6 else (),
        ("blog", "CNAME"): (f"{_BLOG}.",),
    }


def has_ipv6() -> bool:
    """Whether this machine can be reached at ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((SIXTH, 0))
    except OSError:
        return False
    return True


def _free_port() -> int:
    """One that nobody has at any of our addresses, by UDP and TCP. Raises StandFailed."""
    for _ in range(50):
        port = 0
        opened: list[socket.socket] = []
        try:
            for address in ADDRESSES:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    opened.append(socket.socket(socket.AF_INET, kind))
                    opened[-1].bind((address, port))
                    port = opened[-1].getsockname()[1]
        except OSError:
            continue
        else:
            return port
        finally:
            for one in opened:
                one.close()
    raise StandFailed(
        f"the full stand needs the addresses {', '.join(ADDRESSES)}; Linux has them, macOS after "
        "`sudo ifconfig lo0 alias 127.0.0.2` and likewise the others"
    )
