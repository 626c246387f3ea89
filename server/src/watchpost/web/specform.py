"""Forms made from a kind's or channel's Config: one input per simple field, the rest as YAML.

A form only gathers a spec in the shape of the file; ``monitors.edit`` judges it, and its errors come
back to the fields they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from django.http import QueryDict
from pydantic.fields import FieldInfo

from watchpost.registry import Config

REST = "rest"
_ACRONYM = re.compile(r"\b(url|http|ip|tls|ca|dns|id|pem|api)\b", re.IGNORECASE)


@dataclass
class Input:
    """One input of the form. ``type``: text, number, flag, choice, lines, secret."""

    name: str
    label: str
    type: str = "text"
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    rare: bool = False
    value: Any = ""
    errors: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        if isinstance(self.value, list | tuple):
            return "\n".join(str(part) for part in self.value)
        return "" if self.value is None else str(self.value)


def inputs_of(config: type[Config], secrets: Iterable[str]) -> list[Input]:
    """The simple fields of a Config; nested ones are left to the YAML field."""
    made = [_input(name, info, name in set(secrets)) for name, info in config.model_fields.items()]
    found = [one for one in made if one is not None]
    return sorted(found, key=lambda one: not one.required)


def _input(name: str, info: FieldInfo, secret: bool) -> Input | None:
    found = _type_of(info.annotation)
    if found is None:
        return None
    kind, choices = found
    default = "" if info.is_required() else info.get_default(call_default_factory=True)
    label = _ACRONYM.sub(lambda match: match[0].upper(), name.replace("_", " ").capitalize())
    kind = "secret" if secret and kind == "text" else kind
    kind = "long" if name.endswith(("body", "pem")) else kind
    value = default.value if isinstance(default, Enum) else default
    return Input(
        name, label, kind, info.description or "", choices, info.is_required(), not info.is_required(), value
    )


def _type_of(annotation: Any) -> tuple[str, tuple[str, ...]] | None:
    origin, args = get_origin(annotation), [arg for arg in get_args(annotation) if arg is not type(None)]
    if origin in (Union, UnionType):
        found = {_type_of(arg) for arg in args}
        return found.pop() if len(found) == 1 else None
    if origin is Literal:
        return "choice", tuple(str(arg) for arg in args)
    if origin in (list, tuple) and args and _type_of(args[0]) in (("text", ()), ("number", ())):
        return "lines", ()
    if origin is not None or not isinstance(annotation, type):
        return None
    if issubclass(annotation, Enum):
        return "choice", tuple(str(member.value) for member in annotation)
    simple = {bool: "flag", int: "number", float: "number"}
    for base, kind in simple.items():
        if issubclass(annotation, base):
            return kind, ()
    plain = (
        annotation is str
        or "Url" in annotation.__name__
        or "Email" in annotation.__name__
        or "Secret" in annotation.__name__
    )
    return ("text", ()) if plain else None


def fill(inputs: list[Input], spec: Mapping[str, Any]) -> str:
    """Puts a spec's values into the inputs; what has no input comes back as YAML."""
    names = {one.name for one in inputs}
    for one in inputs:
        one.value = spec.get(one.name, one.value)
    rest = {key: value for key, value in spec.items() if key not in names}
    return yaml.safe_dump(rest, sort_keys=False, allow_unicode=True) if rest else ""


def gather(inputs: list[Input], posted: QueryDict) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The spec somebody typed, and what cannot even be read. Empty inputs are left out."""
    spec, errors = _read_yaml(posted.get(REST, ""))
    for one in inputs:
        one.value = (
            "on" in posted.getlist(one.name)
            if one.type == "flag"
            else posted.get(one.name, "").replace("\r\n", "\n").strip()
        )
        if one.type == "flag" or one.value != "":
            spec[one.name] = _read(one)
    return spec, errors


def _read_yaml(text: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    try:
        read = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        return {}, [(REST, f"this is not YAML: {str(error).splitlines()[0]}")]
    if not isinstance(read, dict):
        return {}, [(REST, "write one 'name: value' on each line")]
    return read, []


def _read(one: Input) -> Any:
    if one.type == "lines":
        one.value = [line.strip() for line in one.value.replace(",", "\n").splitlines() if line.strip()]
        return [int(line) if line.isdigit() else line for line in one.value]
    if one.type == "number":
        try:
            return float(one.value) if "." in one.value else int(one.value)
        except ValueError:
            return one.value
    return one.value


def spread(inputs: list[Input], errors: Iterable[tuple[str, str]]) -> list[str]:
    """Gives each error to the input it names; the others come back as sentences."""
    by_name = {one.name: one for one in inputs}
    left = []
    for where, what in errors:
        owner = by_name.get(where.split(".")[0])
        if owner is not None:
            owner.errors.append(what)
        else:
            left.append(f"{where}: {what}" if where and where != REST else what)
    return left


def rare_wrong(inputs: Iterable[Input]) -> bool:
    """Whether the folded part of the form must be open."""
    return any(one.rare and one.errors for one in inputs)
