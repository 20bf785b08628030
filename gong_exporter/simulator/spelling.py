"""The name that a misspelt name probably means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

TYPO = 0.8
"""Similarity, from 0 to 1, above which a name is a typing error of another."""

SIMILAR = 0.6
"""Similarity below which a name would be a guess."""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that is spelt almost like ``word``, shares all words with it, or is similar.

    Ignores case and the characters between words. Returns None if no name is near.
    """
    known = {"-".join(words(name)): name for name in names}
    asked = words(word)
    if not asked:
        return None
    spelt = "-".join(asked)
    shared = (name for name in known if _within(name.split("-"), asked))
    found = (
        next(iter(get_close_matches(spelt, known, n=1, cutoff=TYPO)), None)
        or next(shared, None)
        or next(iter(get_close_matches(spelt, known, n=1, cutoff=SIMILAR)), None)
    )
    return None if found is None else known[found]


def words(text: str) -> list[str]:
    """The runs of letters and digits in a text, in lower case."""
    return re.findall(r"[^\W_]+", text.casefold())


def _within(some: list[str], others: list[str]) -> bool:
    """Whether one list of words is contained in the other."""
    return set(some) <= set(others) or set(others) <= set(some)
