"""The dns kind: the records of a name are there, the same at every name server, and what they were."""

from watchpost.kinds.dns.codes import CODES
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.judge import accept, change, judge
from watchpost.kinds.dns.panels import leads, names, panels
from watchpost.kinds.dns.probe import probe
from watchpost.kinds.dns.propose import propose
from watchpost.registry import Kind
from watchpost.registry.shown import shown_name


def _describe(config: DnsConfig) -> str:
    where = f"at {', '.join(config.servers)}" if config.servers else "at every name server"
    count = len(config.expect) + len(config.must_include)
    expected = f", {count} expectation{'' if count == 1 else 's'}" if count else ""
    return f"{', '.join(config.records)} of {shown_name(config.name)} {where}: tells what changes{expected}"


def _target(config: DnsConfig) -> tuple[str, int]:
    return config.name, config.port


KIND = Kind(
    name="dns",
    title="DNS",
    layer="uptime",
    config=DnsConfig,
    probe=probe,
    judge=judge,
    codes=frozenset(entry.code for entry in CODES),
    describe=_describe,
    target=_target,
    accept=accept,
    change=change,
    kept=frozenset({"servers"}),
    panels=panels,
    names=names,
    leads=leads,
    covers=lambda config: (f"dns:{config.name}",),
    carries=lambda config: (config.name,),
    depth=1,
    propose=propose,
    interval_s=300.0,
)
