"""What is wrong in a file, as people read it: ``path:line: key: what``."""

from __future__ import annotations

from dataclasses import dataclass


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
