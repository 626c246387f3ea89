"""What every kind promises. Each rule is a function that a broken dummy proves able to fail."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from tests.architecture.dummies import KIND, KIND_DOC, installed, write_all, write_kind
from watchpost.cli.wanted_monitors import PROJECT_KEYS
from watchpost.codes import catalogue
from watchpost.monitors.edit import MONITOR_KEYS, read_monitor
from watchpost.registry import Config, Kind, kinds
from watchpost.registry.site import Answer, Proposal, Site

LAYERS = {"uptime", "health", "workers", "performance", "errors"}


@dataclass(frozen=True)
class Found:
    kind: Kind
    folder: Path


def found(name: str) -> Found:
    module = importlib.import_module(f"watchpost.kinds.{name}")
    return Found(module.KIND, Path(module.__path__[0]))


def configs(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The Config and every model inside it."""
    yield model
    for info in model.model_fields.values():
        for inner in _models(info.annotation):
            yield from configs(inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def words_of(model: type[BaseModel]) -> set[str]:
    """The names of the fields as people write them."""
    return {info.alias or name for name, info in model.model_fields.items()}


def doc(one: Found) -> str:
    path = one.folder / "doc.md"
    assert path.is_file(), "there is no doc.md"
    return path.read_text("utf-8")


def example(one: Found) -> Any:
    """The Config of the first example of the docs page."""
    block = re.search(r"```yaml\n(.*?)```", doc(one), re.DOTALL)
    assert block, "doc.md has no yaml example"
    spec = yaml.safe_load(re.sub(r"\$\{\w+\}", "a-secret", block[1]))[0]
    assert spec["kind"] == one.kind.name, "the example is of another kind"
    return one.kind.config.model_validate({k: v for k, v in spec.items() if k not in MONITOR_KEYS})


def rule_name(one: Found) -> None:
    assert one.kind.name == one.folder.name, "the name is not the folder's"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", one.kind.name)
    assert one.kind.title
    assert one.kind.layer in LAYERS
    assert re.fullmatch(r"[a-z]+", one.kind.noun), "reasons cannot call a look so"


def rule_frozen(one: Found) -> None:
    assert issubclass(one.kind.config, Config)
    for model in configs(one.kind.config):
        assert model.model_config.get("frozen") is True, f"{model.__name__} is not frozen"


def rule_strict(one: Found) -> None:
    for model in configs(one.kind.config):
        assert model.model_config.get("extra") == "forbid", f"{model.__name__} takes unknown keys"


def rule_own_keys(one: Found) -> None:
    assert not words_of(one.kind.config) & set(MONITOR_KEYS), "a field is named like one of every monitor"


def rule_codes(one: Found) -> None:
    assert one.kind.codes, "a kind that finds nothing"
    assert one.kind.codes <= catalogue().keys(), "a code is not in the catalogue"


def rule_emits(one: Found) -> None:
    """What the sources name is declared, and what is declared is named."""
    families = {code.split(".")[0] for code in one.kind.codes}
    sources = "".join(path.read_text("utf-8") for path in one.folder.glob("*.py") if path.name != "codes.py")
    named = {code for code in catalogue() if f'"{code}"' in sources}
    assert named <= one.kind.codes, f"not declared: {named - one.kind.codes}"
    assert families <= {code.split(".")[0] for code in catalogue()}


def rule_secrets(one: Found) -> None:
    for path in one.kind.secrets:
        model: type[BaseModel] | None = one.kind.config
        for part in path.split("."):
            assert model is not None, f"{path}: nothing lies that deep"
            fields = {info.alias or name: info for name, info in model.model_fields.items()}
            assert part in fields, f"{path}: there is no field {part}"
            model = next(_models(fields[part].annotation), None)


def rule_doc(one: Found) -> None:
    text = doc(one)
    assert text.startswith("# ")
    cells = " ".join(re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE))
    rows = set(re.findall(r"`(\w+)`", cells))
    nested = {n for n, info in one.kind.config.model_fields.items() if next(_models(info.annotation), None)}
    missing = words_of(one.kind.config) - nested - rows  # a nested model may have a section of its own
    assert not missing, f"no row for {sorted(missing)}"
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    code = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", prose))))
    for model in configs(one.kind.config):
        assert words_of(model) <= code, f"{model.__name__}: {sorted(words_of(model) - code)} not documented"


def rule_example(one: Found) -> None:
    config = example(one)
    again = one.kind.config.model_validate(config.model_dump(mode="json", by_alias=True))
    assert again == config, "the example does not survive being stored"


def rule_shown(one: Found) -> None:
    """Before the first look, and for looks of older versions, there may be no facts at all."""
    config = example(one)
    for panel in one.kind.panels(config, {}, {}):
        assert panel.rows or panel.parts, "a panel without rows"
    assert not one.kind.endings(config, {}), "something ends that nobody has seen"
    assert isinstance(one.kind.names(config, {}), tuple)


def rule_describe(one: Found) -> None:
    line = one.kind.describe(example(one))
    assert line
    assert line.isprintable()
    assert "a-secret" not in line


def rule_target(one: Found) -> None:
    host, port = one.kind.target(example(one))
    if one.kind.is_fed:  # it asks nothing outside
        assert (host, port) == ("", 0)
        return
    assert host
    assert not re.search(r"[/@\s]", host)
    assert isinstance(port, int)
    assert 0 < port < 65536


def rule_feed(one: Found) -> None:
    assert one.kind.feed in ("cadence", "states", "signal")
    assert one.kind.probe is not None or one.kind.feed != "cadence", "nothing looks"


def rule_section(one: Found) -> None:
    """Its list in a configuration file stands beside those of a project, and is no other kind's."""
    section = one.kind.section
    assert re.fullmatch(r"[a-z_]*", section), "no key for a file"
    assert section not in PROJECT_KEYS, "the key means something else"
    others = [
        kind.name for kind in kinds().values() if kind.section == section and kind.name != one.kind.name
    ]
    assert not section or not others, f"the section of {others}, too"


def rule_propose(one: Found) -> None:
    """What it proposes is its own, can be made as it stands, and is explained."""
    page = Answer("https://www.shop.example/", "https://www.shop.example/", 200, {"content-type": "text/html"},
                  b"<title>Tea</title><img src=/a.png>", ("www.shop.example", "api.shop.example"))  # fmt: skip
    dead = Answer("https://shop.example/", "https://shop.example/", failure="nobody answers", kind="refused")
    for site in (Site(dead), Site(page, {url: page for url in one.kind.explore(Site(page))})):
        for proposal in one.kind.propose(site):
            assert isinstance(proposal, Proposal)
            assert proposal.spec["kind"] == one.kind.name
            assert proposal.why.endswith(".")
            read_monitor(None, {"slug": "new", **proposal.spec})


RULES: tuple[Callable[[Found], None], ...] = (
    rule_name, rule_frozen, rule_strict, rule_own_keys, rule_codes, rule_emits, rule_secrets, rule_doc,
    rule_example, rule_describe, rule_target, rule_feed, rule_shown, rule_propose,
    rule_section,
)  # fmt: skip

_LOOSE = '    model_config = {{"{key}": {value}}}\n\n    host: str'

# rule -> what somebody might write wrongly: (in the code, its replacement) or (in doc.md, its replacement)
BROKEN: dict[Callable[[Found], None], tuple[str, str]] = {
    rule_name: ('name="pinger"', 'name="pingpong"'),
    rule_frozen: ("    host: str", _LOOSE.format(key="frozen", value=False)),
    rule_strict: ("    host: str", _LOOSE.format(key="extra", value='"ignore"')),
    rule_own_keys: ('token: str = ""', 'token: str = ""\n    tags: str = ""'),
    rule_codes: ('codes=frozenset({"pinger.silent"})', 'codes=frozenset({"pinger.unheard"})'),
    rule_emits: ('codes=frozenset({"pinger.silent"})', 'codes=frozenset({"site.blocked"})'),
    rule_secrets: ('secrets=("token",)', 'secrets=("password",)'),
    rule_doc: ("| `port` | `7` | where |\n", ""),
    rule_example: ("  host: echo.example.com\n", "  hose: echo.example.com\n"),
    rule_describe: ('says pong",', 'says {config.token}\\npong",'),
    rule_target: ("(config.host, config.port)", '("https://x/", 0)'),
    rule_feed: ("probe=probe", "probe=None"),
    rule_shown: ("    probe=probe,", '    probe=probe,\n    endings=lambda *_: ("x",),'),
    rule_propose: ("    probe=probe,", '    probe=probe,\n    propose=lambda _: ("x",),'),
    rule_section: ("    probe=probe,", '    probe=probe,\n    section="heartbeats",'),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_kind_keeps_the_contract(name: str, rule: Callable[[Found], None]) -> None:
    rule(found(name))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_dummy_keeps_it(tmp_path: Path, rule: Callable[[Found], None]) -> None:
    write_all(tmp_path)
    with installed(tmp_path):
        rule(found("pinger"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_broken_dummy_is_found(tmp_path: Path, rule: Callable[[Found], None]) -> None:
    right, wrong = BROKEN[rule]
    assert right in KIND + KIND_DOC
    write_all(tmp_path / "rest")
    write_kind(tmp_path / "broken", source=KIND.replace(right, wrong), doc=KIND_DOC.replace(right, wrong))
    (tmp_path / "rest" / "kinds" / "pinger").rename(tmp_path / "good")
    (tmp_path / "broken" / "kinds" / "pinger").rename(tmp_path / "rest" / "kinds" / "pinger")
    with installed(tmp_path / "rest"), pytest.raises((AssertionError, ValidationError)):
        rule(found("pinger"))


def test_a_kind_without_its_parts_does_not_start(tmp_path: Path) -> None:
    write_kind(tmp_path, "hollow", source="", doc=None)
    with installed(tmp_path), pytest.raises(TypeError, match="must expose KIND"):
        kinds()


def test_a_kind_without_a_page_is_found(tmp_path: Path) -> None:
    write_kind(tmp_path, doc=None)
    with installed(tmp_path), pytest.raises(AssertionError, match=r"doc\.md"):
        rule_doc(found("pinger"))
