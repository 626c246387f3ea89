"""``watchpost findings``: all, some, one, and a typo."""

from __future__ import annotations

import io
import json
from argparse import Namespace

import pytest

from watchpost.cli.command import Out, Refusal
from watchpost.cli.commands.findings import run
from watchpost.codes import catalogue


def said(code: str, as_json: bool = False) -> str:
    out = Out(json=as_json, stream=io.StringIO())
    assert run(Namespace(code=code), out) == 0
    return out.stream.getvalue()  # type: ignore[attr-defined]


def test_all_are_listed_with_their_severity() -> None:
    lines = said("").splitlines()
    assert len(lines) == len(catalogue())
    assert any(line.split()[:2] == ["tls.expired", "critical"] and "(at once" in line for line in lines)


def test_a_family_is_listed_whole_and_alone() -> None:
    codes = {line.split()[0] for line in said("site.slow").splitlines()}
    assert codes == {code for code in catalogue() if code.startswith("site.slow.")}


def test_one_code_is_explained() -> None:
    text = said("tls.expired")
    assert text.startswith("# ")
    assert "## Fix" in text
    assert "## Fix" in json.loads(said("tls.expired", as_json=True))[0]["page"]


def test_a_typo_is_met_with_the_nearest() -> None:
    with pytest.raises(Refusal, match=r"Did you mean .*tls\.expired"):
        said("tls.expird")
    with pytest.raises(Refusal, match="lists all"):
        said("qqqq")
