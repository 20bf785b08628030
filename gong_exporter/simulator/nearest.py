"""The name that somebody probably meant who wrote another one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

SAME = 0.8
"""Likeness, from 0 to 1, of a slip of the finger."""

ALIKE = 0.6
"""Likeness below which a name would be a guess."""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name spelt almost like ``word``, or that shares all words of either, or is alike.

    Neither case nor what stands between words counts. None when no name is near.
    """
    known = {"-".join(words(name)): name for name in names}
    asked = words(word)
    if not asked:
        return None
    spelt = "-".join(asked)
    shared = (name for name in known if _within(name.split("-"), asked))
    found = (
        next(iter(get_close_matches(spelt, known, n=1, cutoff=SAME)), None)
        or next(shared, None)
        or next(iter(get_close_matches(spelt, known, n=1, cutoff=ALIKE)), None)
    )
    return None if found is None else known[found]


def words(text: str) -> list[str]:
    """The runs of letters and digits in a text, in lower case."""
    return re.findall(r"[^\W_]+", text.casefold())


def _within(some: list[str], others: list[str]) -> bool:
    """Whether all words of the one are among those of the other, or the other way round."""
    return set(some) <= set(others) or set(others) <= set(some)
