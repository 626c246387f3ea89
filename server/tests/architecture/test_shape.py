"""The shape of the code: small files, small functions, a pure core, one way out, one clock.

Each check is a function over any folder, and each is shown to be able to fail.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import SERVER, files, imports, place, tree, under, without_exceptions

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
EMPTY_NAMES = frozenset({"util", "utils", "helper", "helpers", "manager", "managers", "service", "services",
                         "common", "misc"})  # fmt: skip
PURE_CORE = frozenset({"__future__", "bisect", "collections", "dataclasses", "datetime", "difflib", "enum",
                       "functools", "hashlib", "heapq", "itertools", "math", "operator", "re", "statistics",
                       "typing", "watchpost.core"})  # fmt: skip
PURE_JUDGE = PURE_CORE | {"base64", "fnmatch.fnmatchcase", "http.HTTPStatus", "idna", "ipaddress", "json", "urllib.parse", "pydantic", "re2",
                          "watchpost.codes", "watchpost.registry.Config", "watchpost.registry.MEMBERS", "watchpost.registry.OFTEN", "watchpost.registry.PastNeed",
                          "watchpost.registry.asking", "watchpost.registry.duration", "watchpost.registry.identity",  # reads PEM, opens nothing
                          "watchpost.registry.closed", "watchpost.registry.place", "watchpost.registry.shown",
                          "watchpost.registry.schedule", "watchpost.registry.suffix"}  # fmt: skip
CONNECTING = frozenset({"pycurl", "socket", "ssl", "smtplib", "imaplib", "poplib", "ftplib", "telnetlib",
                        "http.client", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "aiodns",
                        "pycares", "asyncio.open_connection", "asyncio.start_server"})  # fmt: skip
CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time",
                    "time.time_ns", "timezone.now", "datetime.datetime.now",
})  # fmt: skip

# path -> why and since when. An entry that nothing needs any more fails the test.
TOO_LONG: dict[str, str] = {
    "server/src/watchpost/run.py": "copied onto hosts as one file without dependencies, since heartbeats",
}
TOO_LONG_FUNCTIONS: dict[str, str] = {}
IMPURE: dict[str, str] = {}
CONNECTS: dict[str, str] = {
    "server/src/watchpost/run.py": "runs on other hosts, where there is no outbound, since heartbeats",
}
READS_CLOCK: dict[str, str] = {}


def long_files(folder: Path) -> Iterator[str]:
    for path in files(folder, tests=True):
        count = len(path.read_text("utf-8").splitlines())
        if count > MOST_LINES:
            yield f"{place(path, 1)} has {count} lines"


def long_functions(folder: Path) -> Iterator[str]:
    for path in files(folder, tests=True):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > MOST_LINES_OF_A_FUNCTION:
                    yield f"{place(path, node.lineno)} {node.name} has {count} lines"


def empty_names(folder: Path) -> Iterator[str]:
    for path in files(folder, tests=True):
        parts = {path.stem, *path.relative_to(folder).parts[:-1]}
        if parts & EMPTY_NAMES:
            yield place(path, 1)


def impure_core(folder: Path) -> Iterator[str]:
    for path in files(folder / "core"):
        for name, line in imports(tree(path)):
            if not under(name, PURE_CORE):
                yield f"{place(path, line)} imports {name}"


def impure_judges(folder: Path) -> Iterator[str]:
    """A judge, and every module of its kind that it imports, but not the package itself."""
    for judge in sorted(folder.glob("kinds/*/judge.py")):
        kind = f"watchpost.kinds.{judge.parent.name}"
        todo, seen = [judge], set[Path]()
        while todo:
            path = todo.pop()
            seen.add(path)
            for name, line in imports(tree(path)):
                own = name.removeprefix(f"{kind}.").split(".")[0] if under(name, {kind}) else ""
                if own == "probe" or (not own and not under(name, PURE_JUDGE)):
                    yield f"{place(path, line)} imports {name}"
                inner = judge.parent / f"{own}.py"
                if own and inner.is_file() and inner not in seen:
                    todo.append(inner)


def connections(folder: Path) -> Iterator[str]:
    for path in files(folder):
        if path.is_relative_to(folder / "outbound"):
            continue
        module = tree(path)
        used = [(ast.unparse(n), n.lineno) for n in ast.walk(module) if isinstance(n, ast.Attribute)]
        for name, line in [*imports(module), *used]:
            if under(name, CONNECTING):
                yield f"{place(path, line)} uses {name}"


def clocks(folder: Path) -> Iterator[str]:
    for path in files(folder):
        if path == folder / "clock.py":
            continue
        module = tree(path)
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCKS:
                yield f"{place(path, node.lineno)} calls {ast.unparse(node.func)}()"
        for name, line in imports(module):
            if name in ("time.time", "time.time_ns", "django.utils.timezone.now"):
                yield f"{place(path, line)} imports {name}"


Check = Callable[[Path], Iterator[str]]
CHECKS: dict[Check, dict[str, str]] = {
    long_files: TOO_LONG,
    long_functions: TOO_LONG_FUNCTIONS,
    empty_names: {},
    impure_core: IMPURE,
    impure_judges: IMPURE,
    connections: CONNECTS,
    clocks: READS_CLOCK,
}
BROKEN: dict[Check, tuple[str, str]] = {
    long_files: ("web/page.py", "x = 1\n" * 401),
    long_functions: ("web/page.py", "def f():\n" + "    x = 1\n" * 60),
    empty_names: ("web/utils.py", ""),
    impure_core: ("core/state.py", "def f():\n    import random\n"),
    impure_judges: ("kinds/ping/judge.py", "from watchpost.clock import now\n"),
    connections: ("channels/x/channel.py", "import asyncio\nasyncio.open_connection('h', 1)\n"),
    clocks: ("engine/x.py", "from datetime import datetime\ndatetime.now(None)\n"),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_product_keeps_the_rule(check: Check) -> None:
    assert not without_exceptions(set(check(SERVER)), CHECKS[check])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_rule_can_be_broken(tmp_path: Path, check: Check) -> None:
    name, text = BROKEN[check]
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert list(check(tmp_path))


def test_a_judge_is_followed_into_its_kind(tmp_path: Path) -> None:
    folder = tmp_path / "kinds" / "ping"
    folder.mkdir(parents=True)
    (folder / "judge.py").write_text("from watchpost.kinds.ping import words\n")
    (folder / "words.py").write_text("import socket\n")
    assert list(impure_judges(tmp_path))


def test_an_excuse_nobody_needs_is_found() -> None:
    with pytest.raises(AssertionError, match="no longer needed"):
        without_exceptions(set(), {"web/page.py": "2026-11-22: it was long"})
