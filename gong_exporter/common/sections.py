"""Sections of a YAML file as pydantic models, and pydantic's findings as problems with lines."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from gong_exporter.common.problems import Problem, dotted, hint, nearest, quoted
from gong_exporter.common.yaml import Items, Keys, Node, Scalar, line_at

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")

_NO_SECTION = "must be a section with keys of its own"
_KINDS = {
    "model_type": _NO_SECTION,
    "dict_type": _NO_SECTION,
    "tuple_type": "must be a list",
    "string_type": "must be a single value, not a list or a section",
    "too_short": "is an empty list",
}
"""Pydantic's types of error, in our words."""


class YamlSection(BaseModel):
    """A frozen section of a file, in which unknown keys are refused.

    Attributes:
        null_is_absent: a key without a value (or ``null``) is as good as no key; otherwise it is
            None, and its field says whether that is allowed.
    """

    null_is_absent: ClassVar[bool] = False

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        """A section whose keys are all commented out is empty."""
        if not isinstance(value, Keys):
            return {} if _or_none(value) is None else value
        keys = {name: _or_none(node) for name, node in value.items()}
        if cls.null_is_absent:
            fields = cls.model_fields
            return {k: node for k, node in keys.items() if node is not None or k not in fields}
        return keys


class AtKey(ValueError):
    """What is wrong with a section as a whole, to be located at one of its keys."""

    def __init__(self, key: str, what: str) -> None:
        self.key = key
        super().__init__(what)


class Rejected(ValueError):
    """A value with several parts is refused, each part on its own line.

    Attributes:
        parts: line (0 for that of the key itself) and what is wrong there.
    """

    def __init__(self, parts: Iterable[tuple[int, str]]) -> None:
        self.parts = tuple(parts)
        super().__init__("; ".join(what for _, what in self.parts))

    @classmethod
    def whole(cls, what: str) -> Self:
        """The value as a whole is of the wrong kind."""
        return cls([(0, what)])


def single(parse: Callable[[str], T]) -> BeforeValidator:
    """Validates one value with a function from its text, which raises ValueError."""

    def read(value: object) -> T:
        if value is None:
            raise ValueError("has no value; leave the key out for its default")
        if not isinstance(value, str):
            kind = "section" if isinstance(value, dict) else "list"
            raise ValueError(f"must be a single value, not a {kind}")  # noqa: TRY004 - pydantic handles ValueError
        return parse(str(value))

    return BeforeValidator(read)


def list_of(what: str, *, word: str | None = None, empty: bool = False) -> BeforeValidator:
    """Validates that a value is a list without repeats, before its items are validated.

    Args:
        what: the items, for messages.
        word: is allowed in place of a list, and read as None.
        empty: allow an empty list.
    """
    form = f"must be {f'{word!r} or ' if word else ''}a list of {what}"

    def read(value: object) -> object:
        if word and value == word:
            return None
        if isinstance(value, tuple):
            return value  # a default
        if not isinstance(value, Items):
            raise Rejected.whole(form)
        if not value and not empty:
            raise Rejected.whole(f"is an empty list; it {form}")
        lines: dict[str, int] = {}
        wrong: list[tuple[int, str]] = []
        for item in value:
            if not isinstance(item, Scalar):
                wrong.append((item.line, form))
            elif item in lines:
                wrong.append((item.line, f"{quoted(item)} is already on line {lines[item]}"))
            else:
                lines[item] = item.line
        if wrong:
            raise Rejected(wrong)
        return value

    return BeforeValidator(read)


def in_folder(path: Path | None, info: ValidationInfo) -> Path | None:
    """Makes a relative path start in the folder that the validation's context is."""
    folder: Path = info.context or Path()
    return None if path is None else folder / path


def one_of(what: str, valid: Iterable[str]) -> Callable[[str], str]:
    """A parser for `single` that accepts one of some words and names the nearest."""
    words = tuple(valid)

    def parse(text: str) -> str:
        if text not in words:
            close = nearest(text, words)
            advice = f"did you mean '{close}'?" if close else f"valid are {', '.join(words)}"
            raise ValueError(f"unknown {what} {quoted(text)}; {advice}")
        return text

    return parse


def problems(
    error: ValidationError,
    model: type[BaseModel],
    root: Node | None,
    above: tuple[str, ...] = (),
    advice: Callable[[str, Iterable[str]], str] = hint,
) -> Iterator[Problem]:
    """What pydantic found, with the line of each.

    Args:
        error: from validating the value at ``above`` in ``root``.
        model: what it was validated against.
        root: the whole file.
        above: the path of keys to the validated value.
        advice: what to say of an unknown key, from it and the valid ones.
    """
    for details in error.errors(include_url=False, include_input=False):
        error_in = details.get("ctx", {}).get("error")
        path = (*above, *details["loc"], *([error_in.key] if isinstance(error_in, AtKey) else []))
        keys = [step for step in path if isinstance(step, str)]
        line = line_at(root, path)
        if not path:
            yield Problem(
                line, "", f"must be a mapping with the keys {', '.join(model.model_fields)}"
            )
            continue
        for part_line, what in _parts(details, model, advice):
            yield Problem(part_line or line, dotted(*keys), what)


def _parts(
    details: ErrorDetails,
    model: type[BaseModel],
    advice: Callable[[str, Iterable[str]], str],
) -> Iterable[tuple[int, str]]:
    if details["type"] == "extra_forbidden":
        *above, name = details["loc"]
        return [(0, f"unknown key; {advice(str(name), _keys_at(model, above))}")]
    error = details.get("ctx", {}).get("error")
    if isinstance(error, Rejected):
        return error.parts
    return [(0, str(error) if error else _KINDS.get(details["type"], "is not valid"))]


def _keys_at(model: type[BaseModel], path: Iterable[str | int]) -> Iterable[str]:
    """The keys of the section at a path."""
    for step in path:
        model = _section_in(model.model_fields[str(step)].annotation)
    return model.model_fields


def _section_in(annotation: Any) -> type[BaseModel]:
    """The model in ``Model`` or ``Model | None``."""
    if get_origin(annotation) in {Union, types.UnionType}:
        annotation = next(part for part in get_args(annotation) if part is not types.NoneType)
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise TypeError(f"{annotation} is not a section")
    return annotation


def _or_none(value: object) -> object:
    return None if isinstance(value, Scalar) and value.null else value
