"""Structured logs: one JSON object a line, so that any collector can read them."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime


class JsonLine(logging.Formatter):
    """time, level, logger, message, then whatever was passed as ``extra={"facts": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


_LINKS = re.compile(r"(/(?:signin|i|calendar|reports/stop|projects/[\w-]+/(?:checks/)?metrics)/)[\w:.-]+")


class LinksAreSecret(logging.Filter):
    """A one-time or signed address in a log would let its reader in."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _LINKS.sub(r"\1…", str(record.msg))
        if isinstance(record.args, tuple):
            record.args = tuple(_hidden(arg) for arg in record.args)
        return True


def _hidden(value: object) -> object:
    return _LINKS.sub(r"\1…", value) if isinstance(value, str) else value


class NotReadyIsNoNews(logging.Filter):
    """A balancer asks every other second; what is wrong is logged where it is noticed."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/readyz"


def log_warnings() -> None:
    """What libraries warn of (``warnings.warn``) is a line like all others, once for each place it comes
    from."""
    logging.captureWarnings(True)


def log_to_stderr() -> None:
    """For a process without Django, whose settings do this elsewhere."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLine())
    logging.getLogger().addHandler(handler)
    log_warnings()
