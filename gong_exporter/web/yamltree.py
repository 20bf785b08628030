"""A mapping in a YAML file that is read key by key, with the line of each for messages.

Scalars are taken as text, as Go's decoder takes them for text fields; duplicate and unknown keys
are errors.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import yaml

_TRUE = {"true", "yes", "on", "y"}
_FALSE = {"false", "no", "off", "n"}
_NULL = "tag:yaml.org,2002:null"
_MAPPING = "tag:yaml.org,2002:map"
_HALF = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which no file name, header or hash can hold."""


class WebConfigError(Exception):
    """A web configuration file that is not in force. The message says where and why."""


class Tree:
    """One mapping of the file; an absent or null one is empty.

    Raises:
        WebConfigError: it is not a mapping, or has a key twice.
    """

    def __init__(self, node: yaml.Node | None, name: str, path: str = "") -> None:
        self._name = name
        self._path = path
        self._node = node
        self._values: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        if node is None or node.tag == _NULL:
            return
        if not isinstance(node, yaml.MappingNode) or node.tag != _MAPPING:
            raise self._at(node, f"{path or 'the file'} must be a mapping of keys to values")
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._at(key, "a key must be text")
            text = self._whole(key)
            if text in self._values:
                raise self._at(key, f"{text!r} is there twice")
            self._values[text] = (key, value)

    @property
    def empty(self) -> bool:
        """Whether it has no key."""
        return not self._values

    def names(self) -> tuple[str, ...]:
        """Its keys, in the order of the file."""
        return tuple(self._values)

    def empty_at(self, key: str) -> bool:
        """Whether the key is there without a value."""
        return key in self._values and not self.has(key)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return key in self._values and self._values[key][1].tag != _NULL

    def keys(self, *known: str) -> None:
        """Refuse every other key."""
        for key, (node, _) in self._values.items():
            if key not in known:
                raise self._at(node, self.unknown("key", key, known, self._path))

    def child(self, key: str) -> Tree:
        """The mapping under a key."""
        return Tree(self._values[key][1] if key in self._values else None, self._name, key)

    def text(self, key: str) -> str | None:
        """A scalar as it is written; None when absent or null."""
        if not self.has(key):
            return None
        node = self._values[key][1]
        if not isinstance(node, yaml.ScalarNode):
            raise self._at(node, f"{key} must be text")
        return self._whole(node)

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of scalars; None when absent or null."""
        if not self.has(key):
            return None
        node = self._values[key][1]
        if not isinstance(node, yaml.SequenceNode) or not all(
            isinstance(entry, yaml.ScalarNode) for entry in node.value
        ):
            raise self._at(node, f"{key} must be a list of texts")
        return tuple(self._whole(entry) for entry in node.value)

    def boolean(self, key: str) -> bool | None:
        """An unquoted true or false, in YAML 1.1's spellings; None when absent or null."""
        text = self.text(key)
        if text is None:
            return None
        node = self._values[key][1]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if not plain or text.lower() not in _TRUE | _FALSE:
            raise self._at(node, f"{key} must be true or false")
        return text.lower() in _TRUE

    def error(self, key: str | None, problem: str) -> WebConfigError:
        """The error for the value of ``key``, or for the whole mapping."""
        node = self._values[key][0] if key is not None and key in self._values else self._node
        return self._at(node, problem)

    @staticmethod
    def unknown(what: str, given: str, known: Iterable[str], where: str = "") -> str:
        """A sentence that names the nearest valid word."""
        candidates = {word.lower(): word for word in known}
        near = difflib.get_close_matches(given.lower(), candidates, n=1)
        place = f" in {where}" if where else ""
        words = ", ".join(candidates.values())
        hint = f"did you mean {candidates[near[0]]}?" if near else f"known are {words}"
        return f"unknown {what} {given!r}{place}: {hint}"

    def _whole(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        if _HALF.search(text):
            raise self._at(
                node,
                r"an escape that stands for half a character (\ud800 to \udfff):"
                " write the character itself",
            )
        return text

    def _at(self, node: yaml.Node | None, problem: str) -> WebConfigError:
        line = f"{node.start_mark.line + 1}: " if node is not None else " "
        return WebConfigError(f"{self._name}:{line}{problem}")
