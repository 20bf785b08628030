"""What is wrong in a file, as people read it, and the valid name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to fix. Never holds the value of a secret, nor text that may be one.

    Attributes:
        line: counted from 1; 0 when it is not about a line of the file.
        key: dotted, such as ``gong.timeout``; empty when it is about the whole file.
        what: what is wrong, and what would be right.
    """

    line: int
    key: str
    what: str

    def located(self, path: str) -> str:
        """``path:line: key: what``, without the parts that are missing."""
        where = f"{path}:{self.line}" if self.line else path
        return ": ".join(part for part in (where, self.key, self.what) if part)


MAX_QUOTED = 40
"""Characters of a value that a message repeats."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}|[A-Za-z][\w.-]{0,19}", re.ASCII)


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid name closest to ``word``, or None when none is close."""
    names = {plain: name for name in valid if (plain := _plain(name))}
    plain = _plain(word)
    if not plain:
        return None
    found = get_close_matches(plain, names, n=1, cutoff=0.6) or [
        name
        for name in names
        if len(plain) > 2 and (plain in name or name in plain)  # noqa: PLR2004 - shorter ones are in everything
    ]
    return names[found[0]] if found else None


def hint(word: str, valid: Iterable[str]) -> str:
    """``did you mean 'x'?``, or the list of valid names when none is close."""
    names = tuple(valid)
    close = nearest(word, names)
    return f"did you mean '{close}'?" if close else f"valid here: {', '.join(names)}"


def quoted(text: str) -> str:
    """A value in quotes, shortened."""
    return repr(str(text)) if len(text) <= MAX_QUOTED else f"{str(text[:MAX_QUOTED])!r}..."


def first_of(names: Sequence[str], most: int = 10) -> str:
    """The first names, and how many more there are: ``a, b and 3 more``."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def shown(key: str) -> str | None:
    """The key if it looks like one, otherwise None.

    A slip such as ``{access_key:VALUE}``, without the space, makes a secret part of the key.
    """
    return key if _PLAIN_KEY.fullmatch(key) else None


def dotted(*keys: str) -> str:
    """``section.key``; parts that do not look like keys are left out."""
    return ".".join(key for key in keys if shown(key))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", name).lower()).strip("_")
