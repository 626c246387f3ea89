"""Every check that ships, each of its fields with its default, and each of its codes stands in the reference."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from django_watchpost import health
from django_watchpost.health import checks as shipped
from django_watchpost.health.contract import Check
from django_watchpost.health.find import _kinds

PAGE = Path(__file__).parents[2] / "docs/reference/health-checks.md"
COMMON = {one.name: one.default for one in dataclasses.fields(Check)}


def kinds() -> list[type[Check]]:
    names = [one.name for one in pkgutil.iter_modules(shipped.__path__)]
    return [kind for name in names for kind in _kinds(importlib.import_module(f"{shipped.__name__}.{name}"))]


def sections() -> dict[str, str]:
    parts = re.split(r"^## +(.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> dict[str, str]:
    """Field -> default, of the first two columns."""
    return dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", text, re.MULTILINE))


def codes(text: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_check_and_every_field_is_documented(kind):
    fields = {one.name: one for one in dataclasses.fields(kind)}
    text = sections()[fields["id"].default]
    documented = rows(text)
    for name, one in fields.items():
        default = one.default if one.default_factory is dataclasses.MISSING else one.default_factory()
        if name != "id" and (name not in COMMON or default != COMMON[name] or name in documented):
            assert documented.get(name) == repr(default).replace("'", '"'), name
    assert set(documented) <= set(fields), "a field that there is not"
    assert "**Proves**" in text
    assert "**Cannot**" in text


def test_the_fields_of_all_are_those_of_the_contract():
    introduction = PAGE.read_text("utf-8").split("\n## ")[0]
    assert rows(introduction) == {name: repr(value) for name, value in COMMON.items() if name != "id"}


def test_every_code_is_documented_and_no_other():
    """A code begins with the id of its check. The kernel's memory.max and the like are files."""
    ids = {next(one.default for one in dataclasses.fields(kind) if one.name == "id") for kind in kinds()}
    source = "".join(
        path.read_text() for path in Path(health.__file__).parent.rglob("*.py") if path.name != "memory_of.py"
    )
    given = {one for one in re.findall(r'"([a-z]+\.[a-z_]+)"', source) if one.split(".")[0] in ids}
    for name in ids:
        assert codes(sections()[name]) == {one for one in given if one.startswith(f"{name}.")}, name


def test_no_section_is_left_of_a_check_that_is_gone():
    ids = {next(one.default for one in dataclasses.fields(kind) if one.name == "id") for kind in kinds()}
    assert set(sections()) == ids
