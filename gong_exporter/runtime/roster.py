"""The roster of a configuration, loaded."""

from __future__ import annotations

from gong_exporter.config.model import Config
from gong_exporter.roster.csv import CsvRoster
from gong_exporter.roster.source import Roster, RosterError


def load_roster(config: Config) -> Roster:
    """The roster's columns, and above them those of the listed users.

    Raises: ConfigError, with everything that is wrong in the roster.
    """
    activity = config.activity
    roster = Roster()
    if (path := activity.roster_file) is not None:
        folder = config.path.parent
        name = path.relative_to(folder) if path.is_relative_to(folder) else path
        try:
            roster = CsvRoster(path).read()
        except RosterError as error:
            raise config.refusal(
                "activity.roster_file",
                *(
                    f"{name}:{line}: {what}" if line else f"{name}: {what}"
                    for line, what in error.faults
                ),
            ) from error
    return roster.under(activity.users or ())
