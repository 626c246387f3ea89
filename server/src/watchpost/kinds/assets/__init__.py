"""The assets kind: a page's stylesheets, scripts, images and fonts are all there, while the page answers."""

from watchpost.kinds.assets.codes import CODES
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.judge import judge
from watchpost.kinds.assets.panel import panels
from watchpost.kinds.assets.probe import probe
from watchpost.kinds.assets.propose import propose
from watchpost.registry import Kind


def _describe(config: AssetsConfig) -> str:
    whose = "all" if config.hosts == "all" else "its own"
    return f"{config.url} and {whose} files, {config.most} at most: there, of the right type, unchanged"


def _target(config: AssetsConfig) -> tuple[str, int]:
    return config.place.host, config.place.port


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
    secrets=("basic_auth.password", "headers", "cookies"),
    propose=propose,
    panels=panels,
    kept=frozenset({"looked"}),
)
