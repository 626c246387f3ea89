"""Specs as YAML that reads back as exactly what was written."""

from __future__ import annotations

import re
from typing import Any

import yaml

# Line ends to YAML 1.1 that its writer leaves bare: a reader makes a blank or another line end of them.
_FOLDED = re.compile("[\x85\u2028\u2029\ufeff]")


class _Writer(yaml.SafeDumper):
    """Quotes what would not survive otherwise."""


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    style = '"' if _FOLDED.search(text) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


def write_yaml(data: Any) -> str:
    """Keys in their order, lines of about 110 characters."""
    text: str = yaml.dump(data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)
    return text
