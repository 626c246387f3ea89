"""The finding codes of a port: nobody gets through, or what answers is not what is expected."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

# An explanation outranks a symptom; what listens and says the wrong thing is told after what does not listen.
CODES: tuple[Code, ...] = (
    Code("tcp.unreachable.dns", _ERROR, "The name does not resolve", rank=70),
    Code("tcp.unreachable.connect", _ERROR, "No connection", rank=65),
    Code("tcp.unreachable.timeout", _ERROR, "No connection in time", rank=60),
    Code("tcp.unreachable.reset", _ERROR, "The connection breaks", rank=60),
    Code("tcp.unreachable.tls", _ERROR, "No secure connection", rank=54),
    Code("tcp.refused_by_guard", _ERROR, "Closed address", rank=75, settled=True),
    Code("tcp.no_answer", _ERROR, "No answer", rank=52),
    Code("tcp.wrong_answer", _ERROR, "The answer is not the expected one", rank=50),
    Code("tcp.address_down", _WARNING, "One of several addresses does not work", rank=50),
    Code("tcp.slow", _WARNING, "The port is slow", rank=30),
)
