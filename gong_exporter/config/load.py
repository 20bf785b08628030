"""Reading the configuration file: everything that is wrong with it, together, with lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.common.problems import Problem
from gong_exporter.common.yaml import Keys, Scalar, parse_yaml
from gong_exporter.config.assemble import Assembly
from gong_exporter.config.check import check_section, unknown_sections
from gong_exporter.config.document import ActivityKeys, GongKeys, PollKeys, StateKeys
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.model import Config

Written = TypeVar("Written", bound=BaseModel)
Section = TypeVar("Section")

MAX_BYTES = 8 * 1024 * 1024
"""Of a configuration file: some 50,000 users with addresses."""


def load_config(path: str | os.PathLike[str], environ: Mapping[str, str]) -> Config:
    """Read and check a configuration.

    Args:
        path: the file.
        environ: the environment, for secrets that are given there.

    Raises:
        ConfigError: with everything that is wrong; no secret is in its message, nor in the
            frames it passes through.
    """
    name = os.fspath(path)
    outcome = _load(name, environ)
    del environ  # a traceback with locals must not show it
    if isinstance(outcome, Config):
        return outcome
    raise outcome


def _load(name: str, environ: Mapping[str, str]) -> Config | ConfigError:
    """The configuration or what is wrong; raises nothing, since secrets are in its frame."""
    text = _read(name)
    if isinstance(text, Problem):
        return ConfigError(name, [text])
    document = parse_yaml(text)
    if document.broken:
        return ConfigError(name, document.problems)
    root = document.root or Keys()
    if isinstance(root, Scalar) and root.null:
        root = Keys()
    if not isinstance(root, Keys):
        what = "must be a mapping of the sections gong, activity, poll and state"
        return ConfigError(name, [Problem(root.line, "", what)])
    path = Path(name).absolute()
    assembly = Assembly(path.parent, root, environ)
    problems = [*document.problems, *unknown_sections(root)]
    sections = _Sections(root, document.problems, problems)
    gong = sections.read("gong", GongKeys, assembly.gong)
    activity = sections.read("activity", ActivityKeys, assembly.activity)
    poll = sections.read("poll", PollKeys, assembly.poll)
    state = sections.read("state", StateKeys, assembly.state)
    if gong is not None and activity is not None and poll is not None:
        assembly.together(gong, activity, poll)
    problems += assembly.problems
    warnings = tuple(warning.located(name) for warning in sorted(assembly.warnings))
    if gong is None or activity is None or poll is None or state is None or problems:
        return ConfigError(name, problems, warnings)
    return Config(
        path=path, gong=gong, activity=activity, poll=poll, state=state, warnings=warnings
    )


@dataclass(frozen=True, slots=True)
class _Sections:
    """Reads sections one by one, so that each is looked at though another one is wrong."""

    root: Keys
    syntax: tuple[Problem, ...]
    problems: list[Problem] = field(repr=False)

    def read(
        self, name: str, model: type[Written], assemble: Callable[[Written], Section | None]
    ) -> Section | None:
        """The section put together; None when something is wrong with it."""
        keys = check_section(self.root, name, model)
        if isinstance(keys, tuple):
            self.problems.extend(keys)
            return None
        if any(f"{problem.key}.".startswith(f"{name}.") for problem in self.syntax):
            return None  # a value is missing that the file has, so no word about what it lacks
        return assemble(keys)


def _read(name: str) -> str | Problem:
    try:
        content = read_bounded(Path(name), MAX_BYTES)
    except UnreadableFile as error:
        return Problem(0, "", str(error))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(line, "", "is not UTF-8 text; save it as UTF-8")
