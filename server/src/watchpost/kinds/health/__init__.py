"""The health kind: an application says how it is, check by check."""

from watchpost.kinds.health.codes import NAMES
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.judge import judge
from watchpost.kinds.health.panel import panels
from watchpost.kinds.health.probe import probe
from watchpost.kinds.health.propose import explore, propose
from watchpost.registry import Kind


def _describe(config: HealthConfig) -> str:
    what = "every check it lists has to be well"
    if config.format == "status":
        what = "its status has to say that it is well"
    elif config.critical_only:
        what = "every critical check it lists has to be well"
    silent = f", but for {', '.join(config.ignore)}" if config.ignore else ""
    within = f", within {config.max_ms:g} ms" if config.max_ms is not None else ""
    return f"{config.url} has to answer, and {what}{silent}{within}"


def _target(config: HealthConfig) -> tuple[str, int]:
    return config.place.host, config.place.port


KIND = Kind(
    name="health",
    title="Health endpoint",
    layer="health",
    config=HealthConfig,
    probe=probe,
    judge=judge,
    codes=NAMES,
    describe=_describe,
    target=_target,
    interval_s=30.0,
    secrets=("token", "basic_auth.password", "headers"),
    explore=explore,
    propose=propose,
    panels=panels,
    kept=frozenset({"report", "checks"}),
    latest=frozenset({"checks"}),
)
