"""The composite kind: enough of several other monitors are up."""

from watchpost.kinds.composite.codes import CODES
from watchpost.kinds.composite.config import CompositeConfig
from watchpost.kinds.composite.judge import judge
from watchpost.kinds.composite.panel import panels
from watchpost.kinds.composite.words import describe
from watchpost.registry import Kind, PastNeed

KIND = Kind(
    name="composite",
    title="Composite",
    layer="uptime",
    config=CompositeConfig,
    probe=None,
    judge=judge,
    codes=frozenset(entry.code for entry in CODES),
    describe=describe,
    target=lambda _: ("", 0),  # nothing outside is asked
    past=lambda config: PastNeed(names=tuple(part.monitor for part in config.parts)),
    feed="states",
    noun="count",
    kept=frozenset({"children"}),
    panels=panels,
)
