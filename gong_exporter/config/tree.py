"""YAML text as a tree in which every value is text as written and knows its line.

Nothing is resolved to numbers, booleans or dates: ``0123456``, ``NO`` and ``1_0`` stay what
they are, and each key decides what its text means. No constructor runs, so no tag can do harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from gong_exporter.config.errors import Problem
from gong_exporter.config.nearest import dotted
from gong_exporter.config.syntax import TooMuch, explain

MAX_VALUES = 300_000
"""Keys and values in a file, and values once its aliases are followed: room for 10,000 users with
10 columns."""

MAX_DEPTH = 20
"""Levels of nesting; a configuration has five."""

_BLOCKS = ("|", ">")
"""Styles of text that is meant to have several lines."""

_HALF = re.compile("[\ud800-\udfff]")
"""A lone surrogate: no file can have it in its name, and no page or log line can show it."""

_HALF_A_CHARACTER = (
    r"an escape that stands for half a character (\ud800 to \udfff); write the character itself"
)

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "timestamp", "str", "value", "merge", "seq", "map")
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; its text is kept out of the repr, since it may be a secret.

    Attributes:
        text: as written, quotes and escapes resolved.
        line: counted from 1.
        null: written as nothing, ``~`` or ``null``, without quotes.
    """

    text: str = field(repr=False)
    line: int
    null: bool = False


class Items(list["Node"]):
    """A list.

    Attributes:
        line: where it begins.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class Keys(dict[str, "Node"]):
    """A mapping.

    Attributes:
        line: where it begins.
        lines: the line of each key.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


Node = Scalar | Items | Keys


@dataclass(frozen=True, slots=True)
class Tree:
    """A file as read.

    Attributes:
        root: its sections; empty when the file is empty or broken.
        problems: duplicate keys and the like.
        broken: the problems leave nothing to look at further.
    """

    root: Keys
    problems: tuple[Problem, ...] = ()
    broken: bool = False


def read_tree(text: str) -> Tree:
    """Read YAML text. Raises nothing: what is wrong is in the tree's ``problems``."""
    try:
        node = _Loader(text).get_single_node()
        if node is None or node.tag == _NULL:
            return Tree(Keys(1))
        if not isinstance(node, yaml.MappingNode):
            what = "must be a mapping of the sections gong, activity, poll and state"
            return _broken(Problem(_line(node), "", what))
        builder = _Builder()
        root = builder.build(node, "")
    except yaml.YAMLError as error:
        return _broken(explain(error, text))
    if not isinstance(root, Keys):  # a tag that is not allowed, on the whole document
        return Tree(Keys(1), tuple(builder.problems), broken=True)
    return Tree(root, tuple(builder.problems))


def _broken(problem: Problem) -> Tree:
    return Tree(Keys(1), (problem,), broken=True)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with bounds on nesting (else a RecursionError) and size (else minutes)."""

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
    """From PyYAML's nodes to ours."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.count = 0
        self.above: list[yaml.Node] = []

    def build(self, node: yaml.Node, key: str) -> Node | None:
        """The node as one of ours; None when it is refused."""
        self.count += 1
        if self.count > MAX_VALUES:
            raise TooMuch(node.start_mark, f"more than {MAX_VALUES} values, aliases followed")
        if any(node is outer for outer in self.above):
            self._refuse(node, key, "an alias inside of what it stands for")
            return None
        if node.tag not in _PLAIN_TAGS:
            self._refuse(node, key, "tags (a value that begins with '!') are not allowed")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        self.above.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._keys(node, key)
            return self._items(node, key)
        finally:
            self.above.pop()

    def _scalar(self, node: yaml.ScalarNode, key: str) -> Scalar | None:
        if node.style not in _BLOCKS and node.start_mark.line != node.end_mark.line:
            # Read on, the value would hold the next key, and a message a secret.
            what = "the value goes on in the next line; is a colon or a quote missing there?"
        elif _HALF.search(node.value):
            what = _HALF_A_CHARACTER
        else:
            return Scalar(node.value, _line(node), null=node.tag == _NULL)
        self._refuse(node, key, what)
        return None

    def _items(self, node: yaml.Node, key: str) -> Items:
        items = Items(_line(node))
        for child in node.value:
            built = self.build(child, key)
            if built is not None:
                items.append(built)
        return items

    def _keys(self, node: yaml.MappingNode, key: str) -> Keys:
        keys = Keys(_line(node))
        for name, child in self._named(node, key):
            line = _line(name)
            path = dotted(key, name.value)
            if name.value in keys.lines:
                what = f"this key is already on line {keys.lines[name.value]}"
                self.problems.append(Problem(line, path, what))
                continue
            keys.lines[name.value] = line
            built = self.build(child, path)
            if built is not None:
                keys[name.value] = built
        return keys

    def _named(
        self, node: yaml.MappingNode, key: str
    ) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for name, child in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.tag == _NULL:
                self._refuse(name, key, "a key must be a name")
            elif name.tag == _MERGE:
                self._refuse(name, key, "merge keys ('<<') are not read; write the keys out")
            elif name.tag not in _PLAIN_TAGS:
                self._refuse(name, key, "tags (a key that begins with '!') are not allowed")
            else:
                yield name, child

    def _refuse(self, node: yaml.Node, key: str, what: str) -> None:
        self.problems.append(Problem(_line(node), key, what))
