"""The metrics of Healthchecks for Prometheus, under its names and labels. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from watchpost.core.heartbeat import is_running
from watchpost.hcapi.shape import Check


def write_metrics(checks: Sequence[Check], now: datetime) -> str:
    """The text format 0.0.4. Up is whatever is not down."""
    return "\n".join(_blocks(checks, [one.status(now) for one in checks]))


def _blocks(checks: Sequence[Check], statuses: Sequence[str]) -> Iterator[str]:
    labels = [
        f'{{name="{_quoted(one.name)}", tags="{_quoted(" ".join(one.tags))}", unique_key="{one.unique_key}"}}'
        for one in checks
    ]
    columns = (
        ("up", "Whether the check is up (1) or down (0).", [status != "down" for status in statuses]),
        ("started", "Whether a run of the check is under way.", [is_running(one.beat) for one in checks]),
        ("grace", "Whether the check is late.", [status == "grace" for status in statuses]),
        ("paused", "Whether the check is paused.", [status == "paused" for status in statuses]),
    )
    for name, what, values in columns:
        lines = [f"hc_check_{name}{label} {value:d}" for label, value in zip(labels, values, strict=True)]
        yield _block(f"hc_check_{name}", what, lines)
    down = {tag for one, status in zip(checks, statuses, strict=True) if status == "down" for tag in one.tags}
    tags = [f'hc_tag_up{{tag="{_quoted(tag)}"}} {tag not in down:d}' for tag in sorted(_tags(checks))]
    yield _block("hc_tag_up", "Whether no check with this tag is down.", tags)
    yield _block("hc_checks_total", "How many checks there are.", [f"hc_checks_total {len(checks)}"])
    many = statuses.count("down")
    yield _block("hc_checks_down_total", "How many checks are down.", [f"hc_checks_down_total {many}"])


def _tags(checks: Sequence[Check]) -> set[str]:
    return {tag for one in checks for tag in one.tags}


def _block(name: str, what: str, lines: list[str]) -> str:
    return "\n".join([f"# HELP {name} {what}", f"# TYPE {name} gauge", *lines]) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
