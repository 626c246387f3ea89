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

REFERENCE = Path(__file__).parents[2] / "docs/reference"
PAGE = REFERENCE / "health-checks.md"
PAGES = {"celery": REFERENCE / "health-checks-celery.md", "beat": REFERENCE / "health-checks-celery.md",
         "static": REFERENCE / "health-checks-static.md"}  # families with a page of their own  # fmt: skip
COMMON = {one.name: one.default for one in dataclasses.fields(Check)}


def id_of(kind: type[Check]) -> str:
    return next(one.default for one in dataclasses.fields(kind) if one.name == "id")


def family_of(kind: type[Check]) -> str:
    return id_of(kind).split(".")[0]


def every() -> list[type[Check]]:
    names = [one.name for one in pkgutil.iter_modules(shipped.__path__)]
    return [kind for name in names for kind in _kinds(importlib.import_module(f"{shipped.__name__}.{name}"))]


def kinds() -> list[type[Check]]:
    """Those of the common page."""
    return [kind for kind in every() if family_of(kind) not in PAGES]


@pytest.mark.parametrize("kind", [one for one in every() if family_of(one) in PAGES], ids=id_of)
def test_every_field_and_code_of_a_family_stands_on_its_page(kind):
    text = PAGES[family_of(kind)].read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    assert {one.name for one in dataclasses.fields(kind)} - {"id", "tags"} <= named
    source = "".join(path.read_text() for path in Path(health.__file__).parent.parent.rglob("*.py"))
    family = family_of(kind)
    given = {one for one in re.findall(r'"([a-z]+\.[a-z_]+)"', source) if one.split(".")[0] == family}
    ids = {id_of(one) for one in every()}
    assert codes(text) >= given - ids - OTHERS


# Names of ours that begin like a code and are none: modules, transports of settings.
OTHERS = {"celery._state", "celery.exceptions", "celery.local"}


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
    ids = {id_of(kind) for kind in kinds()}
    source = "".join(
        path.read_text() for path in Path(health.__file__).parent.rglob("*.py") if path.name != "memory_of.py"
    )
    given = {one for one in re.findall(r'"([a-z]+\.[a-z_]+)"', source) if one.split(".")[0] in ids}
    for name in ids:
        assert codes(sections()[name]) == {one for one in given if one.startswith(f"{name}.")}, name


def test_no_section_is_left_of_a_check_that_is_gone():
    ids = {id_of(kind) for kind in kinds()}
    assert set(sections()) == ids
