"""What a look around one address found, and what a kind proposes to watch of it. Pure.

Discovery asks for the address, then for what the kinds name next to it (``Kind.explore``), and hands all
answers to each kind (``Kind.propose``). A kind knows what is worth watching; nobody else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from watchpost.registry.duration import show_duration
from watchpost.registry.place import Place, place
from watchpost.registry.suffix import registered_domain


@dataclass(frozen=True)
class Answer:
    """What came for one address, redirects followed. ``status`` 0: nothing came, and ``failure`` says why, as
    the end of a sentence; ``kind`` is that of ``outbound.Failure``. A certificate that visitors refuse is a
    failure, too, and yet the page was read."""

    asked: str
    url: str  # where the redirects ended
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case, the first value of each
    body: bytes = b""
    names: tuple[str, ...] = ()  # of the certificate, at the host that was asked first
    failure: str = ""
    kind: str = ""
    leads: str = ""  # the first address of a redirect that was not followed, for it is another domain's

    @property
    def is_there(self) -> bool:
        """Somebody answers, in whatever way."""
        return self.status > 0

    @cached_property
    def place(self) -> Place:
        return place(self.url)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True)
class Site:
    """Everything that was found. ``home`` is what somebody gave; ``answers`` are by the address asked."""

    home: Answer
    answers: Mapping[str, Answer] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()  # names, asked for besides, that do not exist

    @property
    def host(self) -> str:
        """Where the redirects of the address end, in ASCII."""
        return self.home.place.host

    @cached_property
    def domain(self) -> str | None:
        """What somebody registered; None for addresses and for names of one label."""
        return registered_domain(self.host)

    @cached_property
    def certified(self) -> frozenset[str]:
        """The names on the certificate; none of one that is for others only."""
        every = frozenset(name.lower().rstrip(".") for name in self.home.names)
        first = place(self.home.asked).host
        return every if every & {first, f"*.{first.partition('.')[2]}", self.host} else frozenset()

    @cached_property
    def siblings(self) -> tuple[str, ...]:
        """Other names on the certificate under the same domain. Strangers share certificates, too."""
        names = {name for name in self.certified if not name.startswith("*.")}
        under = {name for name in names if self.is_under(name)}
        return tuple(sorted(under - {self.host}))

    @property
    def nowhere(self) -> str:
        """An address of the site that no site has: some answer 200 to whatever is asked."""
        return self.beside("/nobody-has-a-page-of-this-name-4b1d/")

    def at(self, name: str) -> str:
        """The first page of another name, by the scheme and the port of this one."""
        there = self.home.place
        usual = there.port == (443 if there.scheme == "https" else 80)
        return f"{there.scheme}://{name}{'' if usual else f':{there.port}'}/"

    def beside(self, path: str) -> str:
        """Another address of the same origin."""
        return urljoin(self.home.url, path)

    def left_certificate(self, name: str) -> bool:
        """Whether a name of the domain does not stand on the certificate, which was read."""
        stands = {name, f"*.{name.partition('.')[2]}"} & self.certified
        return bool(self.certified) and not stands and name != self.host and self.is_under(name)

    def is_under(self, name: str) -> bool:
        """Whether the name belongs to the domain of the site."""
        try:
            return self.domain is not None and registered_domain(name) == self.domain
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A monitor worth having: its spec, as in the configuration file, and why, as one sentence."""

    spec: Mapping[str, Any]
    why: str

    def every(self, interval_s: float) -> str:
        """How often it looks, for people; ``interval_s`` is that of its kind, where it does not say so."""
        return str(self.spec.get("interval") or show_duration(interval_s))
