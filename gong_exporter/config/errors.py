"""What is wrong with a configuration, in words for people: ``path:line: key: what``.

No message here ever holds the value of a secret, nor text that may turn out to be one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

MAX_SHOWN = 50
"""Problems that a message lists; a long list of users can have thousands of one kind."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend.

    Attributes:
        line: counted from 1; 0 where it is not about a line of the file.
        key: dotted, such as ``gong.timeout``; empty where it is about the whole file.
        what: what is wrong, and what would be right.
    """

    line: int
    key: str
    what: str

    def located(self, path: str) -> str:
        """``path:line: key: what``, without the parts that there are not."""
        where = f"{path}:{self.line}" if self.line else path
        return ": ".join(part for part in (where, self.key, self.what) if part)


class ConfigError(Exception):
    """The configuration cannot be used; the message has one line for each problem.

    Of very many, the message lists the first.

    Attributes:
        path: the file, as the user named it.
        problems: in the order of their lines.
        warnings: what would be told of it if it could be used, as far as it was looked at.
    """

    def __init__(
        self, path: str, problems: Iterable[Problem], warnings: Iterable[str] = ()
    ) -> None:
        self.path = path
        self.problems = tuple(sorted(set(problems)))
        self.warnings = tuple(warnings)
        lines = [problem.located(path) for problem in self.problems[:MAX_SHOWN]]
        more = len(self.problems) - len(lines)
        if more:
            lines.append(f"{path}: and {more} more")
        super().__init__("\n".join(lines))


class Rejected(ValueError):
    """A value of several parts (a list, say) is refused, each part on its own line.

    Attributes:
        parts: line (0 for that of the key itself) and what is wrong there.
    """

    def __init__(self, parts: Iterable[tuple[int, str]]) -> None:
        self.parts = tuple(parts)
        super().__init__("; ".join(what for _, what in self.parts))

    @classmethod
    def whole(cls, what: str) -> Self:
        """The value as a whole is of the wrong kind."""
        return cls([(0, what)])
