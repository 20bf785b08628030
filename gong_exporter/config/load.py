"""Reading the configuration file: everything that is wrong with it, together, with lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.common.problems import Problem, dotted, hint
from gong_exporter.common.sections import problems
from gong_exporter.common.yaml import Keys, Node, Scalar, line_at, parse_yaml
from gong_exporter.config import values
from gong_exporter.config.checks import proxy_problems, stale_problems, warnings
from gong_exporter.config.credentials import SecretFinder
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.model import SECTIONS, Config
from gong_exporter.config.values import EmailLabel

MAX_BYTES = 8 * 1024 * 1024
"""Of a configuration file: some 50,000 users with addresses."""


MAX_ROSTER_BYTES = 32 * 1024 * 1024
"""Of a roster file: some 300,000 people."""

Located = tuple[int, str]
"""A line of a file (0 for all of it), and something about it."""

RosterCheck = Callable[[bytes], tuple[Iterable[Located], Iterable[Located]]]
"""From the content of ``activity.roster_file`` to what is wrong with it, and what to warn of."""


def load_config(
    path: str | os.PathLike[str],
    environ: Mapping[str, str],
    check_roster: RosterCheck | None = None,
) -> Config:
    """Read and check a configuration.

    Args:
        path: the file.
        environ: the environment, for secrets that are given there.
        check_roster: looks at the roster, to report on it with the rest; without it the roster is
            not read.

    Raises:
        ConfigError: with everything that is wrong; no secret is in its message, nor in the
            frames it passes through.
    """
    name = os.fspath(path)
    outcome = _load(name, environ, check_roster)
    del environ  # a traceback with locals must not show it
    if isinstance(outcome, Config):
        return outcome
    raise outcome


def _load(
    name: str, environ: Mapping[str, str], check_roster: RosterCheck | None
) -> Config | ConfigError:
    """The configuration or what is wrong; raises nothing, since secrets are in its frame."""
    text = _read(name)
    if isinstance(text, Problem):
        return ConfigError(name, [text])
    document = parse_yaml(text)
    if document.broken:
        return ConfigError(name, document.problems)
    root = _mapping(document.root)
    if isinstance(root, Problem):
        return ConfigError(name, [root])
    path = Path(name).absolute()
    lines = dict(_lines(root))
    given = {
        f"{section}.{key}": value
        for section, keys in root.items()
        if isinstance(keys, Keys)
        for key, value in keys.items()
    }
    found = [*document.problems, *_unknown_sections(root)]
    sections = dict(_valid_sections(root, path.parent, found))
    # Of a section with a key or value that cannot be read, nothing is said to be missing.
    unreadable = {problem.key.partition(".")[0] for problem in document.problems}
    unreadable |= {problem.key for problem in found if problem.key in SECTIONS}
    secrets = SecretFinder(given, lines, path.parent, environ, found, unreadable)
    credentials = secrets.credentials()
    hashed = given.get("activity.email_label") == EmailLabel.HASHED.value
    hash_key = secrets.hash_key(hashed=hashed)
    if sections.keys() >= {"gong", "activity", "poll"}:
        found += stale_problems(sections["gong"], sections["activity"], sections["poll"], lines)
    gong = sections.get("gong")
    if gong is not None and gong.proxy_url is None:
        found += proxy_problems(gong.base_url, environ)
    roster, problems, notes = _roster(given, lines, path.parent, check_roster, found)
    found += problems
    ordered = sorted([*_warnings(root, sections), *secrets.warnings])
    ordered += notes  # in the order of the roster's lines
    located = tuple(warning.located(name) for warning in ordered)
    if found or credentials is None:
        return ConfigError(name, found, located)
    return Config(
        name=name,
        path=path,
        credentials=credentials,
        email_hash_key=hash_key,
        roster_content=roster,
        lines=lines,
        warnings=located,
        **sections,
    )


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


def _mapping(root: Node | None) -> Keys | Problem:
    if root is None or (isinstance(root, Scalar) and root.null):
        return Keys()
    if isinstance(root, Keys):
        return root
    *names, last = SECTIONS
    return Problem(
        root.line, "", f"must be a mapping of the sections {', '.join(names)} and {last}"
    )


def _lines(root: Keys) -> Iterator[tuple[str, int]]:
    for section in SECTIONS.keys() & root.lines.keys():
        yield section, root.lines[section]
        keys = root.get(section)
        if isinstance(keys, Keys):
            yield from ((f"{section}.{key}", at) for key, at in keys.lines.items())


def _unknown_sections(root: Keys) -> Iterator[Problem]:
    for name, line in root.lines.items():
        if name not in SECTIONS:
            kind = "key" if _home(name) else "section"
            yield Problem(line, dotted(name), f"unknown {kind}; {_advice(name, SECTIONS)}")


def _valid_sections(root: Keys, folder: Path, found: list[Problem]) -> Iterator[tuple[str, Any]]:
    """The sections that are valid; adds what is wrong with the others to ``found``."""
    for name, model in SECTIONS.items():
        try:
            yield name, model.model_validate(root.get(name), context=folder)
        except ValidationError as error:
            found += problems(error, model, root, (name,), _advice)


def _advice(name: str, valid: Iterable[str]) -> str:
    home = _home(name)
    return f"it belongs in the section '{home}'" if home else hint(name, valid)


def _home(name: str) -> str | None:
    """The section that has a key of this very name."""
    return next((key for key, model in SECTIONS.items() if name in model.model_fields), None)


def _roster(
    given: Mapping[str, Node],
    lines: Mapping[str, int],
    folder: Path,
    check_roster: RosterCheck | None,
    found: Iterable[Problem],
) -> tuple[bytes | None, list[Problem], list[Problem]]:
    """The roster file's content, its problems and warnings; also if other keys are wrong.

    It is read once, so that what is checked is what is used.
    """
    key = "activity.roster_file"
    written = given.get(key)
    if check_roster is None or key in {each.key for each in found}:
        return None, [], []
    if not isinstance(written, Scalar) or written.null:
        return None, [], []
    file = folder / values.path(written)
    name = str(file.relative_to(folder) if file.is_relative_to(folder) else file)

    def located(parts: Iterable[Located]) -> list[Problem]:
        return [
            Problem(lines[key], key, Problem(line, "", what).located(name)) for line, what in parts
        ]

    try:
        content = read_bounded(file, MAX_ROSTER_BYTES)
    except UnreadableFile as error:
        return None, located([(0, str(error))]), []
    problems, notes = check_roster(content)
    return content, located(problems), located(notes)


def _warnings(root: Keys, sections: Mapping[str, Any]) -> Iterator[Problem]:
    for path, what in warnings(sections):
        names = [step for step in path if isinstance(step, str)]
        yield Problem(line_at(root, path), dotted(*names), what)
