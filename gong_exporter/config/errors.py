"""A configuration that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from gong_exporter.common.problems import Problem

MAX_SHOWN = 50
"""Problems that a message lists; a long list of users can have thousands of one kind."""


class ConfigError(Exception):
    """The configuration cannot be used; the message has one line for each problem.

    If there are very many, it lists the first.

    Attributes:
        path: the file, as the user named it.
        problems: in the order of their lines.
        warnings: the warnings found in the parts that could be read.
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
