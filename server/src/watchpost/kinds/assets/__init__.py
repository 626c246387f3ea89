"""The assets kind: a page's stylesheets, scripts, images and fonts are all there, while the page answers."""

from collections.abc import Mapping
from typing import Any

from watchpost.kinds.assets.codes import CODES
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.judge import judge
from watchpost.kinds.assets.panel import panels
from watchpost.kinds.assets.probe import probe
from watchpost.kinds.assets.propose import propose
from watchpost.registry import Kind, Lead
from watchpost.registry.suffix import site_of


def _describe(config: AssetsConfig) -> str:
    whose = "all" if config.hosts == "all" else "its own"
    return f"{config.url} and {whose} files, {config.most} at most: there, of the right type, unchanged"


def _target(config: AssetsConfig) -> tuple[str, int]:
    return config.place.host, config.place.port


def _covers(config: AssetsConfig) -> tuple[str, ...]:
    return (f"assets:{config.place.host}",)


def _leads(config: AssetsConfig, facts: Mapping[str, Any]) -> tuple[Lead, ...]:
    """Hosts that files of the page come from. Its own are those of its domain, and those that somebody wrote
    down; a content network is not ours to watch."""
    own = site_of(config.place.host)
    return tuple(
        Lead(host, "serves files of", sure=host in config.also_hosts or site_of(host) == own is not None)
        for host in _names(config, facts)
    )


def _names(config: AssetsConfig, facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(config.also_hosts | {str(host) for host in facts.get("hosts", ())}))


KIND = Kind(
    name="assets",
    title="Static files",
    layer="uptime",
    config=AssetsConfig,
    probe=probe,
    judge=judge,
    codes=frozenset(entry.code for entry in CODES),
    describe=_describe,
    target=_target,
    interval_s=300.0,
    covers=_covers,
    leads=_leads,
    names=_names,
    secrets=("basic_auth.password", "headers", "cookies"),
    propose=propose,
    panels=panels,
    kept=frozenset({"looked", "hosts"}),
)
