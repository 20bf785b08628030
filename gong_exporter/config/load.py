"""Reading the configuration file: everything that is wrong with it, together, with lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gong_exporter.config.assemble import Assembly
from gong_exporter.config.check import check_section, unknown_sections
from gong_exporter.config.document import ActivityKeys, GongKeys, PollKeys, StateKeys
from gong_exporter.config.errors import ConfigError, Problem
from gong_exporter.config.model import Config
from gong_exporter.config.tree import Keys, read_tree
from gong_exporter.config.unavailable import refused

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
    raise ConfigError(name, outcome)


def _load(name: str, environ: Mapping[str, str]) -> Config | list[Problem]:
    """The configuration or what is wrong; raises nothing, since secrets are in its frame."""
    text = _read(name)
    if isinstance(text, Problem):
        return [text]
    tree = read_tree(text)
    if tree.broken:
        return list(tree.problems)
    path = Path(name).absolute()
    assembly = Assembly(path.parent, tree.root, environ)
    problems = [*tree.problems, *unknown_sections(tree.root), *refused(tree.root)]
    config = _sections(name, path, tree.root, assembly, problems)
    problems += assembly.problems
    if config is None or problems:
        return problems
    return config


def _sections(
    name: str, path: Path, root: Keys, assembly: Assembly, problems: list[Problem]
) -> Config | None:
    """The sections put together; each is looked at, though another one is wrong."""
    gong_keys = check_section(root, "gong", GongKeys)
    activity_keys = check_section(root, "activity", ActivityKeys)
    poll_keys = check_section(root, "poll", PollKeys)
    state_keys = check_section(root, "state", StateKeys)
    for keys in (gong_keys, activity_keys, poll_keys, state_keys):
        if isinstance(keys, tuple):
            problems += keys
    gong = assembly.gong(gong_keys) if isinstance(gong_keys, GongKeys) else None
    activity = assembly.activity(activity_keys) if isinstance(activity_keys, ActivityKeys) else None
    poll = assembly.poll(poll_keys) if isinstance(poll_keys, PollKeys) else None
    state = assembly.state(state_keys) if isinstance(state_keys, StateKeys) else None
    if gong is None or activity is None or poll is None or state is None:
        return None
    assembly.together(gong, activity, poll)
    return Config(
        path=path,
        gong=gong,
        activity=activity,
        poll=poll,
        state=state,
        warnings=tuple(warning.located(name) for warning in sorted(assembly.warnings)),
    )


def _read(name: str) -> str | Problem:
    try:
        with Path(name).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return Problem(0, "", f"cannot be read: {error.strerror}")
    except ValueError:
        return Problem(0, "", "cannot be read: no file can have this name")
    if len(content) > MAX_BYTES:
        return Problem(0, "", f"is larger than {MAX_BYTES} bytes; that is not a configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(line, "", "is not UTF-8 text; save it as UTF-8")
