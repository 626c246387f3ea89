"""What registrars say of the end, asked rarely: once a day, or when the registry's answer has changed.

Registrars are many and small, and their limits are tighter than those of registries. What they said is kept
in the data folder and survives a restart; one that is silent has not changed its mind, unless the registry
has.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from watchpost.kinds.domain.rdap import moment

_FRESH = timedelta(days=1)
_TRY_AGAIN = timedelta(hours=6)
_FILE = "registrars.json"
_MOST = 5_000
_TELLING = ("expires", "changed", "statuses", "registrar", "registrar_id")


@dataclass(frozen=True, slots=True)
class Held:
    """``next`` is when it is asked again, ``registry`` what the registry said then, ``expires`` ISO or ""."""

    next: datetime
    registry: str
    expires: str


@dataclass(slots=True)
class Registrars:
    """One for a process. ``folder`` None: nothing outlives it."""

    folder: Path | None
    _held: dict[str, Held] = field(default_factory=dict)
    _read: bool = False

    async def end(
        self,
        name: str,
        registration: Mapping[str, Any],
        now: datetime,
        ask: Callable[[], Awaitable[str | None]],
    ) -> str | None:
        """The registrar's end of ``name`` (ISO), asked for or remembered. None: it says nothing."""
        self._from_disk()
        said = json.dumps([registration.get(key) for key in _TELLING])
        held = self._held.get(name)
        same = held is not None and held.registry == said
        if held is not None and same and now < held.next <= now + _FRESH:
            return held.expires or None
        expires = await ask()
        wait = _FRESH if expires else _TRY_AGAIN
        if expires is None and held is not None and same:
            expires = held.expires or None
        if len(self._held) >= _MOST:
            self._held.clear()
        self._held[name] = Held(now + wait, said, expires or "")
        self._to_disk()
        return expires

    def _from_disk(self) -> None:
        if self._read or self.folder is None:
            return
        self._read = True
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            rows = json.loads((self.folder / _FILE).read_text("utf-8"))
            for name, (at, registry, expires) in rows.items():
                again = moment(at)
                if again is not None and (not expires or moment(expires) is not None):
                    self._held[str(name)] = Held(again, str(registry), str(expires))

    def _to_disk(self) -> None:
        if self.folder is None:
            return
        rows = {name: [one.next.isoformat(), one.registry, one.expires] for name, one in self._held.items()}
        half = self.folder / f"{_FILE}.{os.getpid()}"
        with contextlib.suppress(OSError):  # a full disk costs one more question, nothing else
            half.write_text(json.dumps(rows), "utf-8")
            half.replace(self.folder / _FILE)
