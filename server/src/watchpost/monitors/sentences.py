"""pydantic's errors as sentences for people: the field as they wrote it, and the fix. Pure."""

from __future__ import annotations

import re
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from watchpost.core.words import nearest

MOST_NAMED = 20
Path = tuple[str | int, ...]
_NUMBERS = {
    "int_parsing": "is not a whole number; write one such as 200",
    "int_type": "is not a whole number; write one such as 200",
    "int_from_float": "is not a whole number; write one such as 200",
    "int_parsing_size": "is too large a number",
    "float_parsing": "is not a number; write one such as 2.5",
    "float_type": "is not a number; write one such as 2.5",
    "finite_number": "is not a number; write one such as 2.5",
    "greater_than": "is too small; write more than {gt}",
    "greater_than_equal": "is too small; write {ge} or more",
    "less_than": "is too large; write less than {lt}",
    "less_than_equal": "is too large; write {le} or less",
    "bool_parsing": "is neither true nor false",
}
_TEXT_WANTED = frozenset({"string_type", "tuple_type", "list_type"})


def did_you_mean(key: str, names: list[str]) -> str:
    """The end of a refusal: the nearest valid name, else all of them."""
    near = nearest(key, names)
    if near:
        return f"did you mean {near}?"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"known: {', '.join(names[:MOST_NAMED])}{more}" if names else "there are none yet"


def dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def explain(
    error: ValidationError, model: type[BaseModel], beside: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """(dotted field, sentence) of every error; an unknown key names its nearest neighbour."""
    return [(dotted(entry["loc"]), _sentence(entry, model, beside)) for entry in error.errors()]


def _sentence(entry: Any, model: type[BaseModel], beside: tuple[str, ...]) -> str:
    loc = entry["loc"]
    if entry["type"] == "extra_forbidden":
        names = sorted([*_names_at(model, loc[:-1]), *(beside if len(loc) == 1 else ())])
        return f"there is no key {loc[-1]}; {did_you_mean(str(loc[-1]), names)}"
    if entry["type"] == "too_short" and entry["ctx"].get("min_length") == 1:
        return "is empty; name at least one"
    if entry["type"] == "missing":
        return "is missing; it must be given"
    message: str = entry["msg"]
    message = re.sub(r"^(Value error|Assertion failed), ", "", message).replace("Input should be", "must be")
    message = message.replace("must be a valid tuple", "must be a list")
    if entry["type"] in _NUMBERS:
        message = _NUMBERS[entry["type"]].format(**entry.get("ctx") or {})
    if entry["type"] in _TEXT_WANTED and isinstance(entry.get("input"), bool | int | float):
        message += (
            f", not {entry['input']!r}; put it in quotes (YAML reads on, yes and 012 as something else)"
        )
    return message[:1].lower() + message[1:]


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Fields under the names people write."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _names_at(model: type[BaseModel], loc: Path) -> list[str]:
    for part in loc:
        inner = model if isinstance(part, int) else _model_in(_fields(model).get(part))
        if inner is None:
            return []
        model = inner
    return list(_fields(model))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, tuple):
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None
