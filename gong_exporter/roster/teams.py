"""The mapping file of ``gong-exporter roster --teams``: from managers to the names of teams."""

from __future__ import annotations

from pathlib import Path

from gong_exporter.common.files import UnreadableFile, read_bounded
from gong_exporter.common.yaml import Keys, Scalar, parse_yaml
from gong_exporter.roster.records import RosterError

MAX_BYTES = 2**20


def read_teams(path: Path) -> dict[str, str]:
    """Read a YAML mapping from managers (name, address or id) to teams.

    Raises: RosterError, with everything that is wrong.
    """
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8-sig")
    except UnreadableFile as error:
        raise RosterError([(0, str(error))]) from error
    except UnicodeDecodeError as error:
        raise RosterError([(0, "is not UTF-8 text; save it as UTF-8")]) from error
    document = parse_yaml(text)
    problems = [(problem.line, problem.what) for problem in document.problems]
    root = document.root
    if not problems and not isinstance(root, Keys):
        problems.append((0, "must be a mapping, one line 'Manager: Team' for each"))
    teams: dict[str, str] = {}
    if isinstance(root, Keys):
        for name, team in root.items():
            if isinstance(team, Scalar) and team.strip() and not team.null:
                teams[name] = team.strip()
            else:
                what = "a team must be a text that is not empty"
                problems.append((root.lines.get(name, 0), what))
    if problems:
        raise RosterError(problems)
    return teams
