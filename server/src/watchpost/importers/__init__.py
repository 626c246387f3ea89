"""What people move here from. One file in this folder is one tool: it exposes ``IMPORTER``.

An importer asks the tool and says what heartbeats it found, in the words of our configuration, and what
cannot be brought. It writes nothing: ``cli.imported`` does.
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
class Found:
    heartbeats: Sequence[Wanted] = ()
    left: Sequence[Left] = ()


class Unreadable(Exception):
    """The tool could not be asked. The sentence begins with the option to put right."""


@dataclass(frozen=True, slots=True)
class Importer:
    """``fetch`` takes the address, the key and the uuids that the project has already, for a key that shows
    none. It opens connections, by ``outbound`` alone. Raises Unreadable."""

    title: str
    fetch: Callable[[str, str, Iterable[UUID]], Found]


def tools() -> Sequence[str]:
    """The names of all tools, none of them loaded."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


def importer(name: str) -> Importer:
    found: Importer = importlib.import_module(f"{__name__}.{name}").IMPORTER
    return found
