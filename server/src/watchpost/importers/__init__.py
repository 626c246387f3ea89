"""What people move here from. One file or folder in this folder is one tool: it exposes ``IMPORTER``.

An importer asks the tool and says what heartbeats and channels it found, in the words of our configuration,
and what cannot be brought. It writes nothing: ``cli.imported`` does.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """One heartbeat. ``code``: its uuid, which stays; ``label``: what it is called there; ``spec``: keys of a
    heartbeat's configuration, texts as they are; ``paused``: whether it is, there."""

    code: UUID
    label: str
    spec: Mapping[str, Any]
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not brought: ``what``, ``why`` as the rest of a sentence, ``fix``. ``whole``: a
    heartbeat is missing for it."""

    what: str
    why: str
    fix: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class WantedChannel:
    """One channel. ``code``: by which it is known there; ``label``: what it is called there; ``spec``: the
    keys of its kind's configuration, texts as they are; ``remarks``: what will be different here."""

    code: str
    label: str
    kind: str
    spec: Mapping[str, Any]
    remarks: Sequence[Left] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """``ping_key``: by which the jobs of the project ping there, where the tool told it."""

    heartbeats: Sequence[Wanted] = ()
    left: Sequence[Left] = ()
    channels: Sequence[WantedChannel] = ()
    ping_key: str = ""


class Unreadable(Exception):
    """The tool could not be asked. The sentence begins with the option to put right."""


@dataclass(frozen=True, slots=True)
class Importer:
    """``fetch`` takes the address, the key and the uuids that the project has already, for a key that shows
    none. It opens connections, by ``outbound`` alone. ``read`` takes where the tool's database is, and the
    name of a project there, which may be left out when there is one. Both raise Unreadable."""

    title: str
    fetch: Callable[[str, str, Iterable[UUID]], Found]
    read: Callable[[str, str], Found]


def tools() -> Sequence[str]:
    """The names of all tools, none of them loaded."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "tests")


def importer(name: str) -> Importer:
    found: Importer = importlib.import_module(f"{__name__}.{name}").IMPORTER
    return found
