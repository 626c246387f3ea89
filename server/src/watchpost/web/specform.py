"""Forms made from a kind's or channel's Config: one input per simple field, one level deep, the rest as YAML.

A form only gathers a spec in the shape of the file; ``monitors.edit`` judges it, and its errors come
back to the fields they name.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from pydantic.fields import FieldInfo

from watchpost.core.words import read_count
from watchpost.monitors.as_yaml import write_yaml
from watchpost.registry import MEMBERS, OFTEN, Config
from watchpost.registry.duration import is_duration, show_duration
from watchpost.web.members import Row, gather_members, rows_of, text_of

REST = "rest"
_DEEPEST = 20
_ACRONYM = re.compile(r"\b(url|http|ip|tls|ca|dns|id|pem|api)\b", re.IGNORECASE)


@dataclass
class Input:
    """One input of the form. ``type``: text, number, flag, choice, lines, secret, members. ``name`` is the
    dotted place in the spec: ``expect.max_ms``. ``names``: those that can be ticked, by slug; none: they are
    typed. ``reloads``: another choice makes another form. ``preview``: the address that tells what the value
    would do, asked as it is typed together with the inputs of ``preview_of``. ``zones``: names of time zones
    are proposed."""

    name: str
    label: str
    type: str = "text"
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    rare: bool = False
    value: Any = ""
    default: str = ""  # as it is shown
    errors: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    reloads: bool = False
    preview: str = ""
    preview_of: tuple[str, ...] = ()
    previewed: Any = None
    zones: tuple[str, ...] = ()

    @property
    def is_helped(self) -> bool:
        return bool(self.help) or self.type in ("lines", "secret", "members")

    @property
    def aria(self) -> SafeString:
        """What ties the words below the input to it, for those who hear the page."""
        words = [f"h-{self.name}"] if self.is_helped else []
        words += [f"e-{self.name}"] if self.errors else []
        wrong = mark_safe(' aria-invalid="true"') if self.errors else mark_safe("")
        return format_html('{} aria-describedby="{}"', wrong, " ".join(words)) if words else wrong

    @property
    def rows(self) -> list[Row]:
        return rows_of(self.names, self.value)

    @property
    def text(self) -> str:
        if self.type == "members":
            return text_of(self.value)
        if isinstance(self.value, list | tuple):
            return "\n".join(str(part) for part in self.value)
        return "" if self.value is None else str(self.value)


def inputs_of(config: type[Config], secrets: Iterable[str]) -> list[Input]:
    """The simple fields of a Config and of those right inside it; the rest is left to the YAML field."""
    hidden, found = set(secrets), []
    for name, info in config.model_fields.items():
        inner = _inner(info.annotation)
        if inner is not None:
            for field, each in inner.model_fields.items():
                place = f"{name}.{field}"
                found.append(_input(place, each, place in hidden, each.is_required() and info.is_required()))
        else:
            found.append(_input(name, info, name in hidden, info.is_required()))
    return sorted((one for one in found if one is not None), key=lambda one: not one.required)


def _inner(annotation: Any) -> type[Config] | None:
    """The Config that a field holds, if it holds one."""
    options = [one for one in get_args(annotation) if one is not type(None)] or [annotation]
    only = options[0] if len(options) == 1 else None
    return only if isinstance(only, type) and issubclass(only, Config) else None


def _input(name: str, info: FieldInfo, secret: bool, required: bool) -> Input | None:
    found = ("members", ()) if MEMBERS in info.metadata else _type_of(info.annotation)
    if found is None or info.alias:  # an alias is a word that Python keeps for itself: such are not simple
        return None
    kind, choices = ("text", ()) if is_duration(info) else found
    default = "" if info.is_required() else info.get_default(call_default_factory=True)
    words = ": ".join(part.replace("_", " ") for part in name.split(".")).capitalize()
    label = info.title or _ACRONYM.sub(lambda match: match[0].upper(), words)
    kind = "secret" if secret and kind == "text" else kind
    kind = "long" if name == "body" or name.endswith("pem") else kind
    value = default.value if isinstance(default, Enum) else default
    value = show_duration(value) if is_duration(info) and isinstance(value, float) else value
    rare = not required and OFTEN not in info.metadata
    made = Input(name, label, kind, info.description or "", choices, required, rare, value)
    made.default = made.text
    return made


def _type_of(annotation: Any) -> tuple[str, tuple[str, ...]] | None:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin, args = get_origin(annotation), [arg for arg in get_args(annotation) if arg is not type(None)]
    if origin in (Union, UnionType):
        found = {_type_of(arg) for arg in args}
        if found == {("text", ()), ("number", ())}:
            return "text", ()
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
    rest: dict[str, Any] = copy.deepcopy(dict(spec))
    for one in inputs:
        outer, _, inner = one.name.rpartition(".")
        holder = rest.get(outer) if outer else rest
        if isinstance(holder, dict) and inner in holder:
            one.value = holder.pop(inner)
            if outer and not holder:
                del rest[outer]
    return write_yaml(rest) if rest else ""


def gather(inputs: list[Input], posted: QueryDict) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The spec somebody typed, and what cannot even be read. Empty inputs are left out."""
    spec, errors = _read_yaml(posted.get(REST, ""))
    errors += [(REST, f"{one.name} has a field of its own; write it there") for one in inputs
               if one.name in posted and _stands_in(spec, one.name)]  # fmt: skip
    for one in inputs:
        one.value = _posted(one, posted)
        outer, _, inner = one.name.rpartition(".")
        if not one.text or (one.text == one.default and not one.required):
            continue  # defaults are left out, so that saving unchanged changes nothing, not even the export
        holder = spec.setdefault(outer, {}) if outer else spec
        if isinstance(holder, dict):
            holder[inner] = _read(one)
    return spec, errors


def _stands_in(spec: Mapping[str, Any], name: str) -> bool:
    outer, _, inner = name.rpartition(".")
    holder = spec.get(outer) if outer else spec
    return isinstance(holder, dict) and inner in holder


def _posted(one: Input, posted: QueryDict) -> Any:
    if one.type == "flag":
        return "on" in posted.getlist(one.name)
    if one.type == "members":
        return gather_members(posted, one.name, one.value)
    return posted.get(one.name, "").replace("\r\n", "\n").strip()


def _read_yaml(text: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    try:
        _refuse_riddles(text)
        read = yaml.safe_load(text) if text.strip() else {}
    except (yaml.YAMLError, ValueError) as error:
        return {}, [(REST, f"this is not YAML{_place_of(error)}; write one 'name: value' on each line")]
    if not isinstance(read, dict):
        return {}, [(REST, "write one 'name: value' on each line")]
    return read, []


def _place_of(error: Exception) -> str:
    """Where it goes wrong, and in what way."""
    at, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if at is None:
        return f": {str(error).splitlines()[0]}"
    return f": line {at.line + 1}" + (f", {problem}" if problem else "")


def _refuse_riddles(text: str) -> None:
    """Aliases make a small text a huge one, a thousand brackets overflow the stack. Raises ValueError."""
    depth = 0
    for event in yaml.parse(text):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not read here; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")


def _read(one: Input) -> Any:
    if one.type == "lines":
        # Words on a page may hold a comma; addresses and tags are often typed with them.
        text = one.value if "." in one.name else one.value.replace(",", "\n")
        one.value = [line.strip() for line in text.splitlines() if line.strip()]
        return [line if (number := read_count(line, 10**17)) is None else number for line in one.value]
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
        owner = _owner(by_name, where)
        if owner is not None:
            owner.errors.append(what)
        else:
            left.append(f"{where}: {what}" if where else what)
    return left


def _owner(inputs: Mapping[str, Input], where: str) -> Input | None:
    """The input of the place or of what holds it: ``expect.status.0`` is wrong in ``expect.status``."""
    while where and where not in inputs:
        where = where.rpartition(".")[0]
    return inputs.get(where)


def rare_wrong(inputs: Iterable[Input]) -> bool:
    """Whether the folded part of the form must be open."""
    return any(one.rare and one.errors for one in inputs)
