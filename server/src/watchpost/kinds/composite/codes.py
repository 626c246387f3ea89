"""The finding codes of a composite: too few of its monitors are up, or one of them is gone."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

# Its monitors have been confirmed already: nothing here needs a second look (settled). It says less of the
# cause than they do, so it ranks below them all.
CODES: tuple[Code, ...] = (
    Code("composite.too_few", Severity.ERROR, "Too few monitors are up", rank=5, settled=True),
    Code(
        "composite.child_missing", Severity.WARNING, "A monitor does not exist", rank=4, lasting=True,
        settled=True,
    ),
    Code("composite.some_down", Severity.INFO, "Some are down, enough are up", rank=3),
    Code("composite.degraded", Severity.INFO, "Some are degraded", rank=2),
)  # fmt: skip
