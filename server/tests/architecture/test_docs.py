"""Everything that can be named is documented, and every link of the documentation leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, SERVER, without_exceptions
from watchpost.cli.main import find_commands
from watchpost.codes import catalogue, docs_path
from watchpost.config.table import SETTINGS
from watchpost.registry import channels, doc_of, kinds

DOCS = ROOT / "docs"
SECTIONS = ("Meaning", "Example", "Fix")

# Link target -> why and since when it leads nowhere. An entry that is no longer needed fails the test.
MISSING: dict[str, str] = {}


def sections(text: str) -> dict[str, str]:
    """Heading of level two -> what stands under it."""
    parts = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)[1:]
    return {head.strip(): body.strip() for head, body in zip(parts[::2], parts[1::2], strict=True)}


def wrong_pages(pages: dict[str, str]) -> Iterator[str]:
    """Pages of finding codes that lack a section, or say what another one says."""
    said: dict[tuple[str, str], str] = {}
    for code, text in sorted(pages.items()):
        found = sections(text)
        for name in SECTIONS:
            body = " ".join(found.get(name, "").split())
            if not body:
                yield f"{code}: {name} is empty"
            elif (name, body) in said:
                yield f"{code}: {name} is that of {said[name, body]}"
            said[name, body] = code


def markdown() -> Iterator[Path]:
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted(DOCS.rglob("*.md"))
    yield from sorted(path for path in SERVER.rglob("*.md") if "vendor" not in path.parts)


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def broken_links(path: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(<?([^)\s>]+)>?\)", text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists():
            yield f"{there.relative_to(ROOT) if there.is_relative_to(ROOT) else there} from {path.name}"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8")):
            yield f"{target} from {path.name}"


def test_every_setting_is_documented() -> None:
    text = (DOCS / "reference/settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert {row[0] for row in rows} == {setting.name for setting in SETTINGS}
    defaults = {row[0]: row[1] for row in rows}
    for setting in SETTINGS:
        if setting.default:
            assert defaults[setting.name] == f"`{setting.default}`", setting.name


def test_every_example_of_a_setting_is_accepted() -> None:
    text = (DOCS / "reference/settings.md").read_text()
    examples = dict(re.findall(r"^\| `(\w+)` \|.*\| `([^`]+)` \|$", text, re.MULTILINE))
    for setting in SETTINGS:
        if setting.name in examples:
            setting.parse(examples[setting.name])
    assert len(examples) >= len(SETTINGS) - 1  # a key has no example


def test_every_code_has_a_page_of_its_own() -> None:
    pages = {code: docs_path(code).read_text("utf-8") for code in catalogue()}
    assert not list(wrong_pages(pages))
    for code, text in pages.items():
        assert f"(`{code}`)" in text.splitlines()[0], code


def test_no_page_is_left_of_a_code_that_is_gone() -> None:
    assert {
        path.stem for path in [*SERVER.glob("codes/*/*.md"), *SERVER.glob("kinds/*/findings/*.md")]
    } == set(catalogue())


@pytest.mark.parametrize(
    "page",
    [
        "## Meaning\n\nIt is so.\n\n## Fix\n\nDo.\n",
        "## Meaning\n\n## Example\n\n`x`\n\n## Fix\n\nDo.\n",
        "## Meaning\n\nIt is fine.\n\n## Example\n\n`y`\n\n## Fix\n\nDo\nit.\n",
    ],
)
def test_a_poor_page_is_found(page: str) -> None:
    good = "## Meaning\n\nOther.\n\n## Example\n\n`z`\n\n## Fix\n\nDo it.\n"
    assert not list(wrong_pages({"a": good}))
    assert list(wrong_pages({"a": good, "b": page}))


@pytest.mark.parametrize(
    ("package", "name"), [("kinds", n) for n in kinds()] + [("channels", n) for n in channels()]
)
def test_every_kind_and_channel_has_a_page(package: str, name: str) -> None:
    path = doc_of(package, name)
    assert path.read_text("utf-8").startswith("# ")
    folder = path.parent.parent.relative_to(ROOT).as_posix()  # one new folder, and no edit elsewhere
    assert f"](../{folder})" in (DOCS / "README.md").read_text("utf-8"), (
        f"docs/README.md does not lead to {folder}"
    )


def test_every_command_is_documented() -> None:
    path = DOCS / "reference/cli.md"
    if "docs/reference/cli.md" in MISSING:
        assert not path.exists(), "cli.md is here: take it out of MISSING"
        return
    text = path.read_text("utf-8")
    assert not [name for name in find_commands() if not re.search(rf"\bwatchpost {name}\b", text)]


def test_every_link_leads_somewhere() -> None:
    broken = {link for path in markdown() for link in broken_links(path)}
    assert not without_exceptions(broken, MISSING)


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](#one) [b](page.md#one) [`c`](page.md) ```\n[x](nowhere.md)\n``` [out](https://x.example)\n"
    )
    assert not list(broken_links(page))
    for link in ("[a](nowhere.md)", "[a](#two)", "[`a`](nowhere.md)"):
        page.write_text(f"# One\n{link}\n")
        assert list(broken_links(page)), link
