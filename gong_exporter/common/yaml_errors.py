"""Broken YAML explained, without a character of what the file holds.

PyYAML's own messages quote the line (which may be a secret's) and name anchors, aliases and
tags (which a secret that begins with ``&``, ``*`` or ``!`` looks like).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml
from yaml.reader import ReaderError

from gong_exporter.common.problems import Problem

if TYPE_CHECKING:
    from yaml.error import Mark

_QUOTES = "put the value in quotes"

_SECOND_COLON = f"a ': ' where none can be; {_QUOTES}, or see if a colon above lacks its space"

_EXPLAINED: tuple[tuple[str, str], ...] = (
    ("found character '\\t'", "a tab; YAML is indented with spaces"),
    ("that cannot start any token", f"a value that begins with '@', '`' or '%'; {_QUOTES}"),
    ("mapping values are not allowed here", _SECOND_COLON),
    ("could not find expected ':'", "a key without its colon and space"),
    ("found undefined alias", f"a value that begins with '*'; {_QUOTES}"),
    ("while scanning an alias", f"a value that begins with '*'; {_QUOTES}"),
    ("while scanning an anchor", f"a value that begins with '&'; {_QUOTES}"),
    ("found duplicate anchor", f"a value that begins with '&' (an anchor, used before); {_QUOTES}"),
    ("while scanning a tag", f"a value that begins with '!'; {_QUOTES}"),
    ("found undefined tag handle", f"a value that begins with '!'; {_QUOTES}"),
    ("while parsing a tag", f"a value that begins with '!'; {_QUOTES}"),
    ("while scanning a quoted scalar", "a quote that is not closed"),
    ("while scanning a double-quoted scalar", "a backslash in double quotes; use single quotes"),
    ("while parsing a flow sequence", "a list in [ ] whose commas or closing bracket are missing"),
    ("while parsing a flow mapping", "a mapping in { } whose commas or closing brace are missing"),
    ("while parsing a flow node", "a list in [ ] or a mapping in { } that is not closed"),
    ("expected <block end>", "wrong indentation, or a value that goes on after its closing quote"),
    ("sequence entries are not allowed here", "a '- ' where no list can begin"),
    ("mapping keys are not allowed here", "a key where none can be"),
    ("while scanning a block scalar", "a text block ('|' or '>') with a wrong head or indentation"),
    ("expected a single document", "a second document ('---'); one file holds one configuration"),
    ("expected '<document start>'", "text after the end of the configuration"),
    ("while scanning a directive", "a '%' at the beginning of a line"),
)  # fmt: skip
"""PyYAML's problem or context, and our text for it; the first that fits."""

_FROM_THE_BEGINNING = ("while scanning a quoted scalar", "while scanning a simple key")
"""Contexts whose first line is the one to look at, not the line where the parser stopped."""


ODD_SPACE = re.compile("[ \t]*[\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]")
"""A space other than YAML's at the beginning, as text copied from a web page has it."""

ODD_INDENTATION = "a no-break space (or one of its kind) as indentation; use plain spaces"


class TooMuch(yaml.YAMLError):
    """A limit of ours on depth or size is exceeded; ``what`` says which one."""

    def __init__(self, mark: Mark, what: str) -> None:
        super().__init__(what)
        self.mark = mark
        self.what = what


def explain(error: yaml.YAMLError, text: str) -> Problem:
    """The line and the reason of an error that PyYAML raised on ``text``."""
    if isinstance(error, TooMuch):
        return Problem(error.mark.line + 1, "", error.what)
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
    what = next((ours for theirs, ours in _EXPLAINED if theirs in message), "")
    line = mark.line + 1 if mark is not None else 0
    for number, above in enumerate(text.split("\n")[:line], 1):
        if ODD_SPACE.match(above):  # it may show only in a line that is indented otherwise
            line, what = number, ODD_INDENTATION
            break
    return Problem(line, "", f"is not valid YAML: {what}" if what else "is not valid YAML")
