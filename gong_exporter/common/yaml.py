"""YAML in which every value stays text as written and knows its line.

Nothing is resolved to numbers, booleans or dates: ``0123456``, ``NO`` and ``1_0`` keep their text,
and each key decides what its text means. No constructor runs, so a tag cannot create an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import yaml

from gong_exporter.common.problems import Problem, dotted
from gong_exporter.common.yaml_errors import ODD_INDENTATION, ODD_SPACE, TooMuch, explain

MAX_VALUES = 300_000
"""Keys and values in a file, and values once its aliases are followed: room for 10,000 users with
10 columns."""

MAX_DEPTH = 20
"""Levels of nesting; a configuration has five."""

_BLOCKS = ("|", ">")
"""Styles of text that is meant to have several lines."""

_HALF = re.compile("[\ud800-\udfff]")
"""A lone surrogate: no file name, header or log line can hold it."""

_HALF_A_CHARACTER = (
    r"an escape that stands for half a character (\ud800 to \udfff); write the character itself"
)

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
    try:
        node = _Loader(text).get_single_node()
        if node is None:
            return Document(None)
        builder = _Builder(folded_values=folded_values)
        root = builder.build(node, ())
    except yaml.YAMLError as error:
        return Document(None, (explain(error, text),))
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


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with limits on nesting (or a RecursionError) and size (or minutes)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        self.count += 1
        if self.count > MAX_VALUES:
            raise TooMuch(self.get_mark(), f"more than {MAX_VALUES} values")
        if self.depth > MAX_DEPTH:
            raise TooMuch(self.get_mark(), f"nested more than {MAX_DEPTH} levels deep")
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Builder:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, *, folded_values: bool) -> None:
        self.problems: list[Problem] = []
        self._folded_values = folded_values
        self._count = 0
        self._above: list[yaml.Node] = []

    def build(self, node: yaml.Node, path: tuple[str, ...]) -> Node | None:
        """The node as one of ours; None when it is refused."""
        self._count += 1
        if self._count > MAX_VALUES:
            raise TooMuch(node.start_mark, f"more than {MAX_VALUES} values, aliases followed")
        if any(node is outer for outer in self._above):
            self._refuse(node, path, "an alias inside of what it stands for")
            return None
        if node.tag not in _PLAIN_TAGS:
            self._refuse(node, path, "tags (a value that begins with '!') are not allowed")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._above.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._keys(node, path)
            return self._items(node, path)
        finally:
            self._above.pop()

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> Scalar | None:
        folded = node.style not in _BLOCKS and node.start_mark.line != node.end_mark.line
        if folded and not self._folded_values:
            what = "the value goes on in the next line; is a colon or a quote missing there?"
        elif _HALF.search(node.value):
            what = _HALF_A_CHARACTER
        else:
            null = node.tag == _NULL
            return Scalar(node.value, _line(node), null=null, plain=node.style is None)
        self._refuse(node, path, what)
        return None

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
            elif ODD_SPACE.match(name.value):
                self._refuse(name, path, ODD_INDENTATION)
            elif _HALF.search(name.value):
                self._refuse(name, path, _HALF_A_CHARACTER)
            else:
                yield name, child

    def _refuse(self, node: yaml.Node, path: tuple[str, ...], what: str) -> None:
        self.problems.append(Problem(_line(node), dotted(*path), what))
