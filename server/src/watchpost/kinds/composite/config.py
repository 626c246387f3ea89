"""Which monitors are counted, what each weighs, and how much must be up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator

from watchpost.registry import MEMBERS, OFTEN, Config

MOST = 200
_NEED = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(%?)")
_WRONG = "write a number such as 2, or a share such as 60%"


class Part(Config):
    """One monitor that is counted."""

    monitor: str = Field(min_length=1, description="The slug of a monitor of the same project.")
    weight: float = Field(1.0, gt=0, le=1000, allow_inf_nan=False, description="How much it counts.")


def _sort(value: Any) -> str:
    """So that what is wrong is told of what was meant, once."""
    return "weighed" if isinstance(value, Mapping | Part) else "slug"


_Slug = Annotated[str, Field(min_length=1), Tag("slug")]
_Counted = Annotated[_Slug | Annotated[Part, Tag("weighed")], Discriminator(_sort)]


class CompositeConfig(Config):
    """What a composite counts."""

    of: Annotated[tuple[_Counted, ...], MEMBERS] = Field(
        max_length=MOST, title="Counts", description="Who counts, and how much: 1 is usual."
    )
    need: Annotated[int | float | str | None, OFTEN] = Field(
        None,
        title="Needed",
        description="How many must be up, or what share of the weight, such as 60%. Without it: all.",
    )

    @field_validator("of")
    @classmethod
    def _once(cls, of: tuple[str | Part, ...]) -> tuple[str | Part, ...]:
        if not of:  # not min_length: that would also be said where the only one is wrong
            raise ValueError("is empty; name at least one")
        counts = Counter(one if isinstance(one, str) else one.monitor for one in of)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]} stands there twice; name it once, with a weight if it counts more")
        return of

    @field_validator("need", mode="before")
    @classmethod
    def _possible(cls, need: Any, info: Any) -> Any:
        if need is None or need == "":
            return None
        found = _NEED.fullmatch(str(need).strip())
        if found is None or isinstance(need, bool):
            raise ValueError(f"{need!r} is not possible; {_WRONG}")
        amount = float(found[1])
        if amount == 0:
            raise ValueError(f"0 would be up whatever happens; {_WRONG}")
        if found[2] and amount > 100:
            raise ValueError(f"{need} is more than all; write at most 100%")
        of = info.data.get("of")
        total = sum(1.0 if isinstance(one, str) else one.weight for one in of or ())
        if not found[2] and of and amount > total:
            raise ValueError(f"{need} is never reached: together they are {total:g}; write at most {total:g}")
        return need

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(monitor=one, weight=1.0) if isinstance(one, str) else one for one in self.of)

    @property
    def is_weighted(self) -> bool:
        return any(part.weight != 1 for part in self.parts)

    def needed(self, total: float) -> float:
        """The weight that must be up when all that exist weigh ``total``: what is gone gives nothing."""
        if self.need is None:
            return total
        found = _NEED.fullmatch(str(self.need).strip())
        assert found is not None  # noqa: S101  validated
        amount = float(found[1])
        return total * amount / 100 if found[2] else min(amount, total)
