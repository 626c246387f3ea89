"""The finding codes of a heartbeat."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

# The grace is the second look: all of them count at once (settled).
CODES: tuple[Code, ...] = (
    Code("heartbeat.missed", Severity.ERROR, "A heartbeat did not come", rank=30, settled=True),
    Code("heartbeat.failed", Severity.ERROR, "A job reported that it failed", rank=34, settled=True),
    Code("heartbeat.overran", Severity.ERROR, "A run began and did not end", rank=32, settled=True),
    Code("heartbeat.wrong_output", Severity.ERROR, "A success does not say what it should", rank=33,
         settled=True),
    Code("heartbeat.too_long", Severity.WARNING, "A run took too long", rank=28, settled=True),
    Code("heartbeat.too_short", Severity.WARNING, "A run was over too soon", rank=28, settled=True),
    Code("heartbeat.too_early", Severity.WARNING, "A heartbeat came too early", rank=27, settled=True),
    Code("heartbeat.overlaps", Severity.WARNING, "A run began while another went on", rank=29, settled=True),
)  # fmt: skip
