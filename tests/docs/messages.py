"""Every message that the exporter may log as a warning or an error, read off its source.

What is found: the text of log calls, of everything handed to a ``warn`` or ``report``, of the
errors of a poll (they end up in ``error=``), and every ``advice``. A name instead of a text is
looked up among the assignments of its function.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT

ROOMS = ("activity", "common", "config", "gong", "runtime", "store", "web")
"""Of the running exporter; the commands that people sit in front of explain themselves."""

LOGGED = {"warning", "error", "exception"}
TOLD = {"warn", "_warn", "_warning", "report", "_report", "_wonder"}
RAISED = {
    "InvalidResponse",
    "TimedOut",
    "ConnectionFailed",
    "QuotaSpent",
    "WaitTooLong",
    "CredentialsUnreadable",
    "CredentialsError",
    "UnreadableFile",
    "_Abandoned",
    "Refused",
    "Damaged",
    "__init__",
}
RETURNED = {
    "app._held_by",
    "disk._quarantine",
    "faults.describe",
    "schema.in_words",
    "secrets._content",
    "secrets.fault",
    "secrets.key_fault",
    "setup.budget_fault",
}
"""Functions whose text somebody else logs."""

LISTED = {"schema._WORDS"}
"""Tables of texts that such a function picks from."""

TOO_GENERAL = 3
"""Letters of its own that a message needs: what has fewer only passes another one on."""


@dataclass(frozen=True, slots=True)
class Message:
    """What may be logged.

    Attributes:
        source: file and line.
        shown: its text, with ``...`` for what is put in.
        pattern: what it looks like.
    """

    source: str
    shown: str
    pattern: re.Pattern[str]


def messages() -> list[Message]:
    """All of them, each text once."""
    found: dict[str, Message] = {}
    for room in ROOMS:
        for path in sorted((ROOT / "gong_exporter" / room).glob("*.py")):
            for node in _texts(ast.parse(path.read_text(encoding="utf-8")), path.stem):
                message = _message(node, path)
                if message is not None:
                    found.setdefault(message.shown, message)
    return list(found.values())


def _texts(tree: ast.Module, module: str) -> Iterator[ast.expr]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and f"{module}.{_name_of(node)}" in LISTED:
            yield from _resolved(node.value, {})
    for inner in ast.walk(tree):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _of_function(inner, returned=f"{module}.{inner.name}" in RETURNED)
        elif isinstance(inner, ast.ClassDef):
            for member in inner.body:
                if _name_of(member) == "advice" and isinstance(member, ast.Assign):
                    yield member.value


def _of_function(
    function: ast.FunctionDef | ast.AsyncFunctionDef, *, returned: bool
) -> Iterator[ast.expr]:
    assigned = _assigned(function)
    for node in ast.walk(function):
        yield from _handed_over(node, assigned)
        if returned and isinstance(node, ast.Return) and node.value is not None:
            yield from _resolved(node.value, assigned)


def _handed_over(node: ast.AST, assigned: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else _id(node.func)
    if name in LOGGED:
        is_log = isinstance(node.func, ast.Attribute) and "log" in ast.unparse(node.func.value)
        yield from _resolved_all(node.args[:1] if is_log else [], assigned)
        for keyword in node.keywords if is_log else ():
            if keyword.arg in {"because", "trouble"}:
                yield from _resolved(keyword.value, assigned)
    elif name in TOLD:
        yield from _resolved_all(node.args, assigned)
    elif name in RAISED:
        yield from _resolved_all(node.args[:1], assigned)
    elif name == "append" and ast.unparse(node.func) in {
        "anomalies.append",
        "self.warnings.append",
    }:
        yield from _resolved_all(node.args, assigned)


def _assigned(function: ast.AST) -> dict[str, list[ast.expr]]:
    """What a function assigns to each name, ``+=`` left out."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and (name := _name_of(node)):
            found.setdefault(name, []).append(node.value)
    return found


def _name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return _id(node.targets[0])
    return ""


def _id(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _resolved_all(
    nodes: Iterable[ast.expr], assigned: dict[str, list[ast.expr]]
) -> Iterator[ast.expr]:
    for node in nodes:
        yield from _resolved(node, assigned)


def _resolved(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            yield node
        case ast.Name(id=name):
            for value in assigned.get(name, ()):
                if not isinstance(value, ast.Name):
                    yield from _resolved(value, assigned)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _resolved_all((body, orelse), assigned)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _resolved_all((left, right), assigned)
        case ast.BoolOp(values=inner) | ast.Tuple(elts=inner) | ast.Call(args=inner):
            yield from _resolved_all(inner, assigned)


def _split(text: str) -> Iterator[str | None]:
    """A text of the standard library's logging, whose ``%s`` stand for something."""
    first, *rest = text.split("%s")
    yield first
    for part in rest:
        yield None
        yield part


def _message(node: ast.expr, path: Path) -> Message | None:
    parts: list[str | None] = []
    if isinstance(node, ast.Constant):
        parts = list(_split(str(node.value)))
    elif isinstance(node, ast.JoinedStr):
        parts = [str(v.value) if isinstance(v, ast.Constant) else None for v in node.values]
    if parts and parts[-1] is not None and parts[-1].endswith(" "):
        parts.append(None)  # the beginning of a text
    own = "".join(part for part in parts if part)
    if len(re.findall(r"[a-zA-Z]", own)) < TOO_GENERAL or " " not in own:
        return None
    return Message(
        source=f"{path.relative_to(ROOT).as_posix()}:{node.lineno}",
        shown="".join("..." if part is None else part for part in parts),
        pattern=re.compile("".join(".+" if part is None else re.escape(part) for part in parts)),
    )
