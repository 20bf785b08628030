"""The tree against the keys there are: pydantic's findings in our words, with their lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from gong_exporter.common.nearest import dotted, hint
from gong_exporter.common.problems import Problem
from gong_exporter.common.sections import Rejected
from gong_exporter.common.yaml import Keys, Scalar
from gong_exporter.config.document import Document

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Section = TypeVar("Section", bound=BaseModel)


def check_section(root: Keys, name: str, model: type[Section]) -> Section | tuple[Problem, ...]:
    """One section as its model, or everything that is wrong with it."""
    node = root.get(name)
    try:
        if node is None or isinstance(node, Keys):
            return model.model_validate(node or {})
        if isinstance(node, Scalar) and node.null:
            return model()  # a section whose keys are all commented out
    except ValidationError as error:
        return tuple(
            problem
            for details in error.errors(include_url=False, include_input=False)
            for problem in _problems(root, name, details, model)
        )
    return (Problem(root.lines[name], name, "must be a section with keys of its own"),)


def unknown_sections(root: Keys) -> Iterator[Problem]:
    """Keys at the top that are no section."""
    for name, line in root.lines.items():
        if name not in Document.model_fields:
            kind = "key" if _home(name) else "section"
            what = f"unknown {kind}; {_advice(name, Document)}"
            yield Problem(line, dotted("", name), what)


def _problems(
    root: Keys, section: str, details: ErrorDetails, model: type[BaseModel]
) -> Iterator[Problem]:
    name = str(details["loc"][0])
    node = root[section]
    line = node.lines[name] if isinstance(node, Keys) else node.line
    key = dotted(section, name)
    if details["type"] == "extra_forbidden":
        yield Problem(line, key, f"unknown key; {_advice(name, model)}")
        return
    error = details.get("ctx", {}).get("error")
    if isinstance(error, Rejected):
        for part_line, what in error.parts:
            yield Problem(part_line or line, key, what)
        return
    yield Problem(line, key, str(error) if error else "is not right")


def _advice(name: str, model: type[BaseModel]) -> str:
    home = _home(name)
    return f"it belongs in the section '{home}'" if home else hint(name, model.model_fields)


def _home(name: str) -> str | None:
    """The section that has a key of this very name."""
    for section, field in Document.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel) and name in model.model_fields:
            return section
    return None
