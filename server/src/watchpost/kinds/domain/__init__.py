"""The domain kind: a registration lasts, is not on its way out, and stays where it is."""

from watchpost.kinds.domain.codes import CODES
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.judge import accept, change, judge
from watchpost.kinds.domain.panel import endings, panels
from watchpost.kinds.domain.probe import probe
from watchpost.kinds.domain.propose import covers, propose, under, watch
from watchpost.kinds.domain.words import span
from watchpost.registry import Kind
from watchpost.registry.shown import shown_name


def _describe(config: DomainConfig) -> str:
    return f"the registration of {shown_name(config.name)}: warns {span(config.warn)} before its end"


def _target(config: DomainConfig) -> tuple[str, int]:
    return config.name, 443


KIND = Kind(
    name="domain",
    title="Domain registration",
    layer="uptime",
    config=DomainConfig,
    probe=probe,
    judge=judge,
    codes=frozenset(entry.code for entry in CODES),
    describe=_describe,
    target=_target,
    accept=accept,
    change=change,
    interval_s=21_600.0,
    kept=frozenset({"registration", "server"}),
    endings=endings,
    panels=panels,
    carries=lambda config: (config.name,),
    depth=2,
    propose=propose,
    covers=covers,
    under=under,
    watch=watch,
)
