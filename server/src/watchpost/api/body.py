"""JSON bodies, read strictly: what a sender did not mean is refused, not stored and not guessed."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from watchpost.api.problems import Problem

DEEPEST = 50  # nothing of ours is nested more than six deep


class StrictJson(Parser):
    """Raises Problem 400 with what is wrong."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            body = json.loads(request.body, parse_constant=_refuse_number, object_pairs_hook=_once)
            json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Problem(
                400, "The body holds half a character (a lone surrogate); send whole ones."
            ) from None
        except UnicodeDecodeError:
            raise Problem(400, "The body is not UTF-8.") from None
        except RecursionError:
            raise Problem(400, f"The body is nested more than {DEEPEST} deep.") from None
        except ValueError as error:
            raise Problem(400, f"The body is not JSON: {error}.") from None
        if _depth(body) > DEEPEST:
            raise Problem(400, f"The body is nested more than {DEEPEST} deep.")
        return body


def _refuse_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key} stands twice")
        found[key] = value
    return found


def _depth(value: Any) -> int:
    """Without recursion: the reader may go deeper than we may."""
    deepest, todo = 0, [(value, 1)]
    while todo:
        inner, depth = todo.pop()
        deepest = max(deepest, depth)
        if isinstance(inner, dict | list):
            parts = inner.values() if isinstance(inner, dict) else inner
            todo += [(part, depth + 1) for part in parts]
    return deepest
