"""The corpus: bodies as other packages write them, with what they were answered with and what they come to.

``golden.json``: name -> [status, content type, format, says, {check: [state, code]}].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from watchpost.kinds.health.read import Answer

FOLDER = Path(__file__).parent / "bodies"
GOLDEN: dict[str, Any] = json.loads((FOLDER / "golden.json").read_text("utf-8"))


def body(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def answer(name: str) -> Answer:
    status, kind, *_ = GOLDEN[name]
    return Answer(status, kind, body(name))
