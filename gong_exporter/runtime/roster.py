"""The roster of a configuration: loaded, and checked with the rest of the configuration."""

from __future__ import annotations

from pathlib import Path

from gong_exporter.config.model import Config
from gong_exporter.roster.csv import CsvRoster
from gong_exporter.roster.source import Roster, RosterError


def load_roster(config: Config) -> Roster:
    """The roster's columns, and above them those of the listed users.

    Raises: ConfigError, with everything that is wrong in the roster.
    """
    activity = config.activity
    roster = Roster()
    if activity.roster_file is not None:
        try:
            roster = CsvRoster(activity.roster_file).read()
        except RosterError as error:
            name = _short(activity.roster_file, config.path.parent)
            raise config.refusal("activity.roster_file", *error.located(name)) from error
    return roster.under(activity.users or ())


def roster_faults(file: Path, folder: Path) -> list[str]:
    """What is wrong in a roster file, with its lines; ``folder`` is the configuration's."""
    try:
        CsvRoster(file).read()
    except RosterError as error:
        return error.located(_short(file, folder))
    return []


def _short(file: Path, folder: Path) -> str:
    """The file's name as the configuration writes it, if it is relative there."""
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)
