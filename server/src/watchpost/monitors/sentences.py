"""pydantic's errors as sentences for people: the field as they wrote it, and the fix. Pure."""

from __future__ import annotations

import re
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

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
}
_FLAG = "is neither true nor false"
_LIST = "is not a list; write it like [one, two]"
_PAIRS = "is not a mapping; write a key, a colon and its value"
_DAY = "is not a day; write one such as 2027-03-31"
_WORDS = _NUMBERS | {
    "bool_parsing": _FLAG,
    "bool_type": _FLAG,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _PAIRS,
    "mapping_type": _PAIRS,
    "model_type": _PAIRS,
    "model_attributes_type": _PAIRS,
    "too_long": "holds {actual_length}; write {max_length} at most",
    "too_short": "holds {actual_length}; write at least {min_length}",
    "string_too_long": "is too long; write at most {max_length} characters",
    "string_too_short": "is too short; write at least {min_length} characters",
    "string_type": "is not a text; write it in quotes",
    "url_too_long": "is too long for an address",
}
_ONE_OF = frozenset({"literal_error", "enum"})
_OURS = frozenset({"value_error", "assertion_error"})
_TEXT_WANTED = frozenset({"string_type", "tuple_type", "list_type"})
_ACRONYM = re.compile(r"[A-Z][A-Z0-9]|\W")


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
    """(dotted field, sentence) of every error, each place once; an unknown key names its nearest."""
    found: dict[Path, tuple[bool, str]] = {}
    for entry in error.errors():
        loc, is_shape = _place_of(entry["loc"], model)
        said = _sentence({**entry, "loc": loc}, model, beside)
        if loc not in found or not is_shape:
            found[loc] = is_shape, said
    outer = {loc[:end] for loc in found for end in range(len(loc))}
    return [
        (dotted(loc), said) for loc, (is_shape, said) in found.items() if not is_shape or loc not in outer
    ]


def _place_of(loc: Path, model: type[BaseModel]) -> tuple[Path, bool]:
    """Where people wrote it: pydantic adds which of several shapes was tried. True: only the shape is wrong,
    and where another shape says more of the same value, that counts."""
    kept: list[str | int] = []
    here, is_shape = _shapes(model), False
    for part in loc:
        is_shape = len(here) > 1 and isinstance(part, str)
        if is_shape:
            here = [(name, one) for name, one in here if name == part]
            continue
        kept.append(part)
        here = _shapes(_inside(here[0][1], part)) if here else []
    return tuple(kept), is_shape


def _shapes(annotation: Any) -> list[tuple[str, Any]]:
    """What a value may be, without None, each under the name that pydantic has for it."""
    tag = ""
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        tag = next((one.tag for one in more if isinstance(one, Tag)), tag)
    if get_origin(annotation) in (Union, UnionType):
        return [one for arg in get_args(annotation) if arg is not type(None) for one in _shapes(arg)]
    return [(tag or str(getattr(annotation, "__name__", "")), annotation)]


def _inside(annotation: Any, part: str | int) -> Any:
    """What is expected under a key, or at a place, of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation).get(str(part))
    inner = [arg for arg in get_args(annotation) if arg is not Ellipsis]
    return inner[-1] if inner else None


def _sentence(entry: Any, model: type[BaseModel], beside: tuple[str, ...]) -> str:
    loc, kind, context = entry["loc"], entry["type"], entry.get("ctx") or {}
    if kind == "extra_forbidden":
        names = sorted([*_names_at(model, loc[:-1]), *(beside if len(loc) == 1 else ())])
        return f"there is no key {loc[-1]}; {did_you_mean(str(loc[-1]), names)}"
    if kind in ("too_short", "string_too_short") and context.get("min_length") == 1:
        return f"is empty; {'name at least one' if kind == 'too_short' else 'write something'}"
    if kind == "missing":
        return "is missing; it must be given"
    if kind in _TEXT_WANTED and isinstance(entry.get("input"), bool | int | float):
        said = _WORDS[kind].partition(";")[0]
        return (
            f"{said}, but {entry['input']!r}; put it in quotes (YAML reads on, yes and 012 as something else)"
        )
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    if kind.startswith("date"):
        return _DAY
    message = re.sub(r"^(Value error|Assertion failed), ", "", entry["msg"])
    if kind in _ONE_OF:
        message = message.replace("Input should be", "must be")
    elif kind not in _OURS:  # the words of a library, for programmers
        return "cannot be read; the page of its kind says how it is written"
    return message if _ACRONYM.match(message) else message[:1].lower() + message[1:]


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
    if get_origin(annotation) in (Union, UnionType, list, tuple, Annotated):
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None
