"""Naming what somebody wrote, and the valid name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

MAX_QUOTED = 40
"""Characters of a value that a message repeats."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}|[A-Za-z][\w.-]{0,19}", re.ASCII)


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The name closest to ``word``, or None when none is close."""
    names = {_plain(name): name for name in valid}
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
    """``did you mean 'x'?``, or the list of what is valid when nothing is close."""
    names = tuple(valid)
    close = nearest(word, names)
    return f"did you mean '{close}'?" if close else f"valid here: {', '.join(names)}"


def quoted(text: str) -> str:
    """A value in quotes, shortened."""
    return repr(text) if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]!r}..."


def shown(key: str) -> str | None:
    """The key when it looks like one.

    A slip such as ``{access_key:VALUE}``, without the space, makes a secret part of the key.
    """
    return key if _PLAIN_KEY.fullmatch(key) else None


def dotted(section: str, key: str) -> str:
    """``section.key``; only the section when the key does not look like one."""
    return ".".join(filter(None, (section, shown(key))))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", name).lower()).strip("_")
