"""YAML in which every value stays text as written and knows its line.

Nothing is resolved to numbers, booleans or dates: ``0123456``, ``NO`` and ``1_0`` keep their text,
and each key decides what its text means. No constructor runs, so a tag cannot create an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import yaml
from yaml.reader import ReaderError

from gong_exporter.common.problems import Problem, dotted

_BLOCKS = ("|", ">")
"""Styles of text that is meant to have several lines."""

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "timestamp", "str", "value", "merge", "seq", "map")
)


class Scalar(str):
    """A single value, quotes and escapes resolved. Its repr hides it: it may be a secret.

    Attributes:
        line: counted from 1.
        null: written as nothing, ``~`` or ``null``, without quotes.
        plain: written without quotes and not as a text block.
    """

    __slots__ = ("line", "null", "plain")
    line: int
    null: bool
    plain: bool

    def __new__(cls, text: str, line: int = 0, *, null: bool = False, plain: bool = True) -> Self:
        """The text with its line."""
        scalar = super().__new__(cls, text)
        scalar.line, scalar.null, scalar.plain = line, null, plain
        return scalar

    def __repr__(self) -> str:
        return "Scalar(hidden)"


class Items(list["Node"]):
    """A list, with the line where it begins."""

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line


class Keys(dict[str, "Node"]):
    """A mapping.

    Attributes:
        line: where it begins.
        lines: the line of each key, also of one whose value was refused.
    """

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


Node = Scalar | Items | Keys


@dataclass(frozen=True, slots=True)
class Document:
    """A file as read.

    Attributes:
        root: its content; None when the file is empty, or when it is broken.
        problems: duplicate keys and the like.
    """

    root: Node | None
    problems: tuple[Problem, ...] = ()

    @property
    def broken(self) -> bool:
        """True if nothing is left to look at."""
        return self.root is None and bool(self.problems)


def parse_yaml(text: str, *, folded_values: bool = False) -> Document:
    """Parse YAML text. Raises nothing: the document lists what is wrong.

    Args:
        text: the content of a file.
        folded_values: whether a plain or quoted value may go on in the next line. Where secrets are
            expected it may not: it could take in the next key, and a message would show it.
    """
    builder = _Builder(folded_values=folded_values)
    try:
        node = yaml.SafeLoader(text).get_single_node()
        root = None if node is None else builder.build(node, ())
    except yaml.YAMLError as error:
        return Document(None, (_explain(error, text),))
    except RecursionError:  # nested too deeply, or an alias inside of what it stands for
        return Document(None, (Problem(0, "", "is not valid YAML: nested too deeply"),))
    return Document(root, tuple(builder.problems))


def line_at(node: Node | None, path: tuple[str | int, ...]) -> int:
    """The line of the value at a path of keys and indexes, or of its nearest parent."""
    line = node.line if node is not None else 0
    for step in path:
        if isinstance(node, Keys) and isinstance(step, str) and step in node.lines:
            line, node = node.lines[step], node.get(step)
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node):
            node = node[step]
            line = node.line
        else:
            return node.line if node is not None else line
    return line


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, *, folded_values: bool) -> None:
        self.problems: list[Problem] = []
        self._folded_values = folded_values

    def build(self, node: yaml.Node, path: tuple[str, ...]) -> Node | None:
        """The node as one of ours; None when it is refused."""
        if node.tag not in _PLAIN_TAGS:
            self._refuse(node, path, "tags (a value that begins with '!') are not allowed")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, yaml.MappingNode):
            return self._keys(node, path)
        return self._items(node, path)

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> Scalar | None:
        folded = node.style not in _BLOCKS and node.start_mark.line != node.end_mark.line
        if folded and not self._folded_values:
            what = "the value goes on in the next line; is a colon or a quote missing there?"
            self._refuse(node, path, what)
            return None
        null = node.tag == _NULL
        return Scalar(node.value, _line(node), null=null, plain=node.style is None)

    def _items(self, node: yaml.Node, path: tuple[str, ...]) -> Items:
        items = Items(_line(node))
        for child in node.value:
            built = self.build(child, path)
            if built is not None:
                items.append(built)
        return items

    def _keys(self, node: yaml.MappingNode, path: tuple[str, ...]) -> Keys:
        keys = Keys(_line(node))
        for name, child in self._named(node, path):
            inside = (*path, name.value)
            if name.value in keys.lines:
                self._refuse(name, inside, f"this key is already on line {keys.lines[name.value]}")
                continue
            keys.lines[name.value] = _line(name)
            built = self.build(child, inside)
            if built is not None:
                keys[name.value] = built
        return keys

    def _named(
        self, node: yaml.MappingNode, path: tuple[str, ...]
    ) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for name, child in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.tag == _NULL:
                self._refuse(name, path, "a key must be a name")
            elif name.tag == _MERGE:
                self._refuse(name, path, "merge keys ('<<') are not read; write the keys out")
            elif name.tag not in _PLAIN_TAGS:
                self._refuse(name, path, "tags (a key that begins with '!') are not allowed")
            else:
                yield name, child

    def _refuse(self, node: yaml.Node, path: tuple[str, ...], what: str) -> None:
        self.problems.append(Problem(_line(node), dotted(*path), what))


_QUOTES = "put the value in quotes"
_EXPLAINED = {
    "found character '\\t'": "a tab; YAML is indented with spaces",
    "that cannot start any token": f"a value that begins with '@', '`' or '%'; {_QUOTES}",
    "mapping values are not allowed here": (
        f"a ': ' where none can be; {_QUOTES}, or see if a colon above lacks its space"
    ),
    "could not find expected ':'": "a key without its colon and space",
    "alias": f"a value that begins with '*'; {_QUOTES}",
    "anchor": f"a value that begins with '&'; {_QUOTES}",
    "tag": f"a value that begins with '!'; {_QUOTES}",
    "while scanning a quoted scalar": "a quote that is not closed",
    "while scanning a double-quoted scalar": "a backslash in double quotes; use single quotes",
    "while parsing a flow": "a list in [ ] or a mapping in { } that is not closed",
    "expected <block end>": "wrong indentation, or a value that goes on after its closing quote",
    "expected a single document": "a second document ('---')",
}
"""A part of PyYAML's message, and our text; the first that fits. PyYAML's own messages quote the
line (which may be a secret's) and name anchors, aliases and tags (which a secret that begins with
``&``, ``*`` or ``!`` looks like)."""

_FROM_THE_BEGINNING = ("while scanning a quoted scalar", "while scanning a simple key")
"""Contexts whose first line is the one to look at, not the line where the parser stopped."""


def _explain(error: yaml.YAMLError, text: str) -> Problem:
    """The line and the reason of an error that PyYAML raised, without a character of the file."""
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(line, "", "has a control character, which YAML does not allow")
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(0, "", "is not valid YAML")
    context, problem = error.context or "", error.problem or ""
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and context.startswith(_FROM_THE_BEGINNING):
        mark = error.context_mark
    message = f"{context}\n{problem}"
    what = next((f": {ours}" for theirs, ours in _EXPLAINED.items() if theirs in message), "")
    return Problem(0 if mark is None else mark.line + 1, "", f"is not valid YAML{what}")
