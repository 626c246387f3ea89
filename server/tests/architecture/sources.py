"""The sources of the product as syntax trees, and the tables of allowed exceptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

import watchpost

ROOT = Path(__file__).parents[3]
SERVER = Path(watchpost.__path__[0])


def files(folder: Path = SERVER, tests: bool = False) -> Iterator[Path]:
    """Python sources; migrations are made by a machine and left out."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if "migrations" not in parts and (tests or "tests" not in parts):
            yield path


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def place(path: Path, line: int) -> str:
    inside = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return f"{inside}:{line}"


def imports(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Every imported name, dotted: ``from a import b`` gives ``a.b``. Wherever in the file it stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def under(name: str, packages: Set[str]) -> bool:
    """Is the name one of these packages or inside one?"""
    parts = name.split(".")
    return any(".".join(parts[:n]) in packages for n in range(1, len(parts) + 1))


def without_exceptions(found: set[str], exceptions: dict[str, str]) -> set[str]:
    """What is not excused. An excuse nobody needs any more is an error, too: take it out."""
    needless = {name for name in exceptions if not any(one.startswith(name) for one in found)}
    assert not needless, f"no longer needed, take them out of the table: {sorted(needless)}"
    return {one for one in found if not any(one.startswith(name) for name in exceptions)}
