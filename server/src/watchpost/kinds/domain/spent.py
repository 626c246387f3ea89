"""Where the time of one look went: at the registry, or waiting for our own turn to ask it."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchpost.core.types import Phases

_MATTERS_S = 1.0  # a shorter wait explains nothing


@dataclass(slots=True)
class Spent:
    """Of one look. ``phases`` are those of the registry alone, without the list of servers, the registrar
    and ``waited_s``: seconds until other monitors of ours had asked it (see ``limits``)."""

    phases: Phases = field(default_factory=Phases)
    waited_s: float = 0.0

    def add(self, more: Phases) -> None:
        mine = self.phases
        self.phases = Phases(
            mine.dns + more.dns, mine.connect + more.connect, mine.tls + more.tls,
            mine.wait + more.wait, mine.transfer + more.transfer,
        )  # fmt: skip

    @property
    def rounded(self) -> Phases:
        """To the microsecond."""
        mine = self.phases
        return Phases(
            *(round(one, 3) for one in (mine.dns, mine.connect, mine.tls, mine.wait, mine.transfer))
        )

    @property
    def facts(self) -> dict[str, float]:
        """``waited_s`` when it was long enough to be told."""
        return {"waited_s": round(self.waited_s, 1)} if self.waited_s >= _MATTERS_S else {}
